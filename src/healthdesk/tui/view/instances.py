"""Tables of tasks and proof syncs in the window of a connection."""

from __future__ import annotations

from healthdesk.api.accounts import AccountView
from healthdesk.api.instances import Instance, InstanceFilter
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import IntegrationKind
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line
from healthdesk.tui.view.instance_words import BLOCKED, failed, instance_word
from healthdesk.tui.view.times import View, ago, since
from healthdesk.tui.view.words import blame_word
from healthdesk.tui.widgets.columns import Column

TASK_COLUMNS = [
    Column("", 1),
    Column("Task name", 18, flex=5),
    Column("Template", 12, flex=3),
    Column("Status", 15, flex=1),
    Column("Error message", 12, flex=6),
    Column("Last checked", 12, right=True),
]
PROOF_COLUMNS = [
    Column("", 1),
    Column("Proof sync name", 18, flex=5),
    Column("Status", 11, flex=1),
    Column("Error message", 12, flex=6),
    Column("Label", 12, flex=3),
    Column("Last checked", 12, right=True),
]

HELD_UP_COLUMNS = [
    Column("", 1),
    Column("Name", 18, flex=5),
    Column("Status", 15, flex=1),
    Column("Error message", 12, flex=6),
    Column("Issue, label", 12, flex=3),
    Column("Last checked", 12, right=True),
]
"""Of tasks and proof syncs that one problem holds up."""

BLOCKED_BY = "Blocked by its connection. "


def instance_glyph(instance: Instance) -> Span:
    """Return the glyph of a row: blocked by its connection comes before what it was before."""
    word = BLOCKED if instance.blocked else instance_word(instance)
    return Span("→" if instance.running else word.glyph, word.tone)


def task_cells(task: Instance, view: View) -> list[Span]:
    """Return the cells of a task."""
    return [
        instance_glyph(task),
        Span(task.name),
        Span(task.template_name or "–", Tone.PLAIN if task.template_name else Tone.DIM),
        _status(task),
        _error(task),
        Span(ago(task.last_checked, view), Tone.DIM),
    ]


def proof_cells(proof: Instance, view: View) -> list[Span]:
    """Return the cells of a proof sync."""
    return [
        instance_glyph(proof),
        Span(proof.name),
        _status(proof),
        _error(proof),
        Span(proof.label_name or "–"),
        Span(ago(proof.last_checked, view), Tone.DIM),
    ]


def held_up_cells(instance: Instance, view: View) -> list[Span]:
    """Return the cells of a task or proof sync that a problem holds up."""
    return [
        instance_glyph(instance),
        Span(instance.name),
        _status(instance),
        _error(instance),
        Span(instance.external_key or instance.label_name or "–"),
        Span(ago(instance.last_checked, view), Tone.DIM),
    ]


def _status(instance: Instance) -> Span:
    return Span(instance.state_word, instance_word(instance).tone)


def _error(instance: Instance) -> Span:
    if instance.error:
        return Span(instance.error)
    return Span("blocked by its connection" if instance.blocked else "", Tone.DIM)


def instance_explain(instance: Instance, view: View) -> list[Line]:
    """Explain a row in two lines: the error with what blocks it, then whose fault it is and what helps."""
    explanation = instance.explanation
    blocked = Span(BLOCKED_BY, Tone.WARN) if instance.blocked else ""
    if instance.error:
        first = line(blocked, instance.error)
    elif explanation is not None and explanation.sentence:
        first = line(blocked, explanation.sentence.removeprefix(BLOCKED_BY))
    elif instance.last_checked is None:
        first = line(blocked, "It has not run yet.")
    else:
        first = line(blocked, f"{instance.state_word}. ", _kept(instance))
    return [first, _helps(instance, view)]


def _helps(instance: Instance, view: View) -> Line:
    parts: list[Span | str] = []
    if instance.blame and failed(instance):
        parts.append(dim(f"{blame_word(instance.blame).capitalize()}: "))
    if instance.next_action:
        parts.append(instance.next_action)
    elif instance.explanation is not None and instance.explanation.next_action:
        parts.append(instance.explanation.next_action)
    if instance.error:
        parts += ["  " if parts else "", key("E")]
    if not parts and instance.next_at is not None:
        parts.append(dim(f"Synced again {since(instance.next_at, view)}."))
    return line(*parts)


def _kept(instance: Instance) -> Span:
    """Return which issue a task is linked with, or what a proof sync is filed under."""
    if instance.kind is InstanceKind.TASK:
        return dim(f"{instance.external_key} in {instance.app_name}" if instance.external_key else "")
    return dim(f"Filed under {instance.label_name}" if instance.label_name else "")


def instance_wanted(account: AccountView, kind: InstanceKind, shown: str, words: str = "") -> InstanceFilter:
    """Return which instances a table asks for.

    Tasks go by their integrations, so that those whose connection was disconnected are among them. One integration of
    proof serves every account of an app, so proof syncs go by their connections.
    """
    chosen = InstanceFilter(kind=kind, text=words or None)
    if kind is InstanceKind.TASK:
        chosen.integration_id = [
            each.id for each in account.integrations if each.kind is IntegrationKind.TASKS
        ]
    elif cards := (*account.cards, *account.others):
        chosen.connection_id = [card.connection.id for card in cards]
    else:
        chosen.integration_id = [each.id for each in account.integrations]
    if shown == "failed":
        chosen.state = ["failed_or_blocked"]
    elif shown == "blocked":
        chosen.blocked = True
    return chosen


def error_page(instance: Instance) -> list[Line]:
    """Return the whole error message, line by line, with what the app answered, whose fault it is and what to do."""
    lines = [line(part) for part in block(instance.error)]
    rest: list[tuple[str, str]] = [
        ("Answered", str(instance.status or "")),
        ("At fault", blame_word(instance.blame) if instance.blame else ""),
        ("What to do", instance.next_action),
    ]
    if any(value for _, value in rest):
        lines.append(())
    return [*lines, *(line(dim(f"{name:<11}"), value) for name, value in rest if value)]
