"""What is said of credentials that were replaced, or are about to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from healthdesk.api.connections import Connection, CredentialsUpdated
from healthdesk.tui.format import Line, Span, Tone, dim, fit, line, width_of
from healthdesk.tui.view.times import View, since

WHAT, SIDE = 9, 29
"""Cells of the columns in which old and new stand side by side."""


def identity_lines(changes: Sequence[Mapping[str, str]]) -> list[Line]:
    """Return how new credentials differ from those in use, side by side."""
    lines = [
        line("The new credentials work, but they are not the same as those in use."),
        (),
        line(dim(f"{'':<{WHAT}}{'in use now':<{SIDE}}  {'new'}")),
    ]
    for change in changes:
        what, before, after = (change.get(name, "") for name in ("what", "before", "after"))
        lines.append(
            line(
                dim(fit(what, WHAT)),
                fit(before or "–", SIDE),
                Span("→ ", Tone.WARN),
                Span(fit(after or "–", SIDE).rstrip(), Tone.STRONG),
            )
        )
        if max(width_of(before), width_of(after)) > SIDE or what == "scopes":
            lines.append(line(dim(" " * WHAT), change.get("sentence", "")))
    return [*lines, (), line(dim("Nothing was changed yet; the old ones stay in use until you say so."))]


def kept_sentence(connection: Connection, view: View) -> str:
    """Return until when the credentials before can be put back."""
    if connection.previous_until is None:
        return ""
    return f"Those before can be put back until {since(connection.previous_until, view)} (B)."


def updated_lines(updated: CredentialsUpdated, view: View) -> list[Line]:
    """Return what changed with new credentials, what they set free, and how they can be undone."""
    lines: list[Line] = [line(change.sentence) for change in updated.changes]
    if updated.rerun is not None:
        lines += [(), line(Span(updated.rerun.sentence, Tone.WARN))]
        if updated.rerun.since is not None:
            lines.append(line(dim(f"The first of them failed {since(updated.rerun.since, view)}.")))
    if kept := kept_sentence(updated, view):
        lines += [(), line(dim(kept))]
    return lines


def put_back_lines(connection: Connection, view: View) -> list[Line]:
    """Return which credentials would be put back."""
    return [
        line(dim("In use now      "), f"{connection.auth} {connection.credential_hint}".strip()),
        line(dim("To be put back  "), connection.previous_hint or "those before them"),
        line(dim(f"Kept until      {since(connection.previous_until, view)} {view.zone}")),
        (),
        line(
            dim(f"{connection.app_name} is asked first. Those in use now can be put back for an hour then.")
        ),
    ]


def why_not_put_back(previous_until: datetime | None, view: View) -> str:
    """Return why credentials cannot be put back, or an empty string."""
    if previous_until is None:
        return "there are none: they are kept for an hour after an update"
    if previous_until <= view.now:
        return f"the hour after the update is over since {since(previous_until, view)}"
    return ""
