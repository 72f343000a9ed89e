"""What an import would do, for people: to add, to change, the same, not in the file, refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from healthdesk.cli.marks import BAD, DIM, GOOD, WARN
from healthdesk.cli.output import Output

if TYPE_CHECKING:
    from healthdesk.api.setup import SetupChange, SetupPlan


_MADE = {
    "key": "keys",
    "signing secret": "signing secrets",
    "receipt secret": "receipt secrets",
    "ping": "ping addresses",
}


def print_plan(out: Output, plan: SetupPlan) -> None:
    """Print a plan: names by kind where they say all, each value that changes, each reason why something cannot be."""
    by_do: dict[str, list[SetupChange]] = {}
    for each in plan.changes:
        by_do.setdefault(each.do, []).append(each)
    _names(out, "To add", by_do.get("add", []), GOOD)
    _each(out, "To change", by_do.get("change", []), WARN)
    _counts(out, "The same", by_do.get("same", []))
    _names(out, "Not in the file, left alone", by_do.get("left", []), DIM)
    _each(out, "Refused", by_do.get("refuse", []), BAD)
    if plan.new_secrets:
        kinds = Counter(place.rpartition(".")[2].replace("_", " ") for place in plan.new_secrets)
        told = ", ".join(f"{_MADE.get(kind, kind)} ({number:,})" for kind, number in kinds.items())
        out.paragraph(f"Made by the import and shown once: {told}", hang="  ")
    for note in plan.notes:
        out.note(note)
    if plan.unused_secrets:
        out.note(f"Secrets that nothing takes: {', '.join(plan.unused_secrets)}")
    if not plan.added + plan.changed + plan.refused:
        out.line("The desk is as the file says: nothing to add or change.")
        return
    counts = [f"{plan.added:,} to add", f"{plan.changed:,} to change", f"{plan.same:,} the same"]
    out.line(", ".join(counts))
    if plan.refused:
        out.paragraph(f"{plan.refused:,} refused: nothing is changed until they are corrected.")
    if plan.missing_secrets:
        out.note("Secrets that are wanted: give them with --secrets FILE, or on a terminal when asked.")


def _names(out: Output, title: str, changes: Sequence[SetupChange], tone: str) -> None:
    if not changes:
        return
    out.line(f"{title}: {len(changes):,}", tone)
    for kind in dict.fromkeys(each.kind for each in changes):
        names = [each.name for each in changes if each.kind == kind]
        out.paragraph(f"{kind_words(kind)} ({len(names):,}): {', '.join(names)}", indent="  ", hang="    ")


def _each(out: Output, title: str, changes: Sequence[SetupChange], tone: str) -> None:
    if not changes:
        return
    out.line(f"{title}: {len(changes):,}", tone)
    for each in changes:
        name = (
            each.name if each.kind == "labels" else f"{kind_words(each.kind).removesuffix('s')} {each.name}"
        )
        out.paragraph(name, indent="  ", hang="    ")
        for line in [each.why] if each.why else each.fields:
            out.paragraph(line, indent="    ", hang="      ")


def _counts(out: Output, title: str, changes: Sequence[SetupChange]) -> None:
    if not changes:
        return
    out.line(f"{title}: {len(changes):,}", DIM)
    kinds = Counter(kind_words(each.kind) for each in changes)
    out.paragraph(", ".join(f"{kind} ({number:,})" for kind, number in kinds.items()), indent="  ", hang="  ")


def kind_words(kind: str) -> str:
    """Return a kind of thing as people call it: `proof syncs`."""
    return kind.replace("_", " ")
