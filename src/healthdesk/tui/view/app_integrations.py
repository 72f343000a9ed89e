"""Integrations: rows of every kind, and one of tasks or proof whole with its mapping."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from healthdesk.api.integrations import Integration, TaskField, TaskSettings
from healthdesk.domain.durations import format_span
from healthdesk.domain.instance_states import FieldDirection
from healthdesk.domain.states import IntegrationKind, IntegrationState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.instance_words import DIRECTIONS, FIELDS, WORK
from healthdesk.tui.view.tasks import fact
from healthdesk.tui.view.times import View, full
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

NOTHING: Mapping[str, str] = MappingProxyType({})
INTEGRATION_COLUMNS = [
    Column("", 1),
    Column("Integration", 18, flex=3),
    Column("Kind", 8),
    Column("App", 12, flex=2),
    Column("Admin connection", 18, flex=2),
    Column("Instances", 12, right=True),
]


def integration_cells(integration: Integration) -> list[Span]:
    """Return the cells of an integration."""
    totals = integration.totals
    failed = totals.failed if totals is not None else 0
    many = f"{totals.total:,}" if totals is not None else "–"
    return [
        _glyph(integration),
        Span(integration.name),
        Span(integration.kind.value, Tone.DIM),
        Span(integration.app_name or "–"),
        _admin(integration),
        Span(f"✗ {failed:,} / {many}" if failed else many, Tone.BAD if failed else Tone.DIM),
    ]


def _paused(integration: Integration) -> bool:
    if integration.kind is IntegrationKind.DELIVERY:
        states = [each.state for each in integration.environments]
        return bool(states) and all(state is IntegrationState.PAUSED for state in states)
    return integration.state is IntegrationState.PAUSED


def _glyph(integration: Integration) -> Span:
    if _paused(integration):
        return Span("⏸", Tone.WARN)
    if _needs_admin(integration):
        return Span("✗", Tone.BAD)
    return Span("●", Tone.GOOD)


def _needs_admin(integration: Integration) -> bool:
    return integration.kind is IntegrationKind.TASKS and integration.connection_id is None


def _admin(integration: Integration) -> Span:
    if _needs_admin(integration):
        return Span("needs one", Tone.BAD)
    if integration.kind is not IntegrationKind.TASKS:
        return dim("–")
    return Span(f"{integration.connection_name} · {integration.admin}")


def integration_explain(integration: Integration) -> list[Line]:
    """Explain an integration in two lines."""
    if _needs_admin(integration):
        return [
            line(Span("Its admin connection was disconnected: no issue can be created.", Tone.BAD)),
            line(dim("Next: "), key("e"), dim(" gives it another one")),
        ]
    if integration.tasks is not None:
        return [line(dim("Creates in "), _where(integration.tasks)), line(dim(_often(integration)))]
    if integration.proof is not None:
        return [line(f"Collects datasets of {integration.app_name}."), line(dim(_often(integration)))]
    return [line("Delivers records."), line(key("enter"), dim(" opens it with its problems"))]


def _often(integration: Integration) -> str:
    settings = integration.tasks or integration.proof
    return f"every {format_span(settings.every_s)}" if settings is not None else ""


def _where(settings: TaskSettings) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.container.items()) or "the account itself"


def app_integration_head(integration: Integration) -> list[Line]:
    """Return the top of the window of one of tasks or proof."""
    totals = integration.totals
    state = " · paused" if _paused(integration) else ""
    lines = [
        line(
            _glyph(integration),
            strong(f" {integration.name}"),
            dim(f"  {integration.kind.value} · {integration.app_name}{state}"),
        )
    ]
    if totals is not None:
        noun = "task" if integration.kind is IntegrationKind.TASKS else "proof sync"
        failed = Span(f"✗ {totals.failed:,} failed", Tone.BAD if totals.failed else Tone.DIM)
        blocked = dim(f"   ▪ {totals.blocked:,} blocked" if totals.blocked else "")
        lines.append(
            line(
                f"{plural(totals.total, noun)}   ",
                Span(f"✓ {totals.succeeded:,} succeeded", Tone.GOOD),
                "   ",
                failed,
                blocked,
            )
        )
    if _needs_admin(integration):
        lines += integration_explain(integration)
    return lines


def app_integration_lines(
    integration: Integration, names: Mapping[str, str], view: View, *, places: Mapping[str, str] = NOTHING
) -> list[Line]:
    """Return everything about one of tasks or proof; `names` are what the app calls its statuses, by id.

    `places` are what it calls the parts of a container, by key.
    """
    lines = [
        fact("App", integration.app_name),
        *([fact("Admin", _admin(integration))] if integration.kind is IntegrationKind.TASKS else []),
        fact("Every", _often(integration).removeprefix("every ")),
    ]
    if integration.tasks is not None:
        lines += mapping_lines(integration.tasks, names, places)
    return [
        *lines,
        (),
        fact("Created", f"{full(integration.created_at, view)} by {integration.created_by}"),
        fact("Integration", dim(integration.id)),
    ]


def mapping_lines(
    settings: TaskSettings, names: Mapping[str, str], places: Mapping[str, str] = NOTHING
) -> list[Line]:
    """Return where issues are created, which way fields are synced, and which status is which."""
    lines: list[Line] = [(), line(strong("Issues are created in"))]
    lines += [fact(f"  {places.get(key, key)}"[:15], value) for key, value in settings.container.items()]
    lines += [(), line(strong("Fields"), dim("  which way each is synced"))]
    for name, label in FIELDS.items():
        way = settings.directions.get(cast("TaskField", name), FieldDirection.BOTH)
        arrow = {FieldDirection.BOTH: "← →", FieldDirection.PUSH: "  →", FieldDirection.PULL: "←  ", FieldDirection.OFF: "   "}[way]  # fmt: skip
        lines.append(fact(f"  {label}", Span(f"{arrow}  ", Tone.ACCENT), DIRECTIONS[way]))
    lines += [(), line(strong("Statuses"), dim("  ours → theirs"))]
    for status, word in WORK.items():
        theirs = settings.statuses.get(status)
        lines.append(
            fact(f"  {word.text}", dim("→ "), names.get(theirs, theirs) if theirs else dim("by itself"))
        )
    if settings.their_statuses:
        lines.append(line(dim("  theirs → ours")))
        for theirs, status in settings.their_statuses.items():
            lines.append(fact(f"  {names.get(theirs, theirs)}"[:15], dim("→ "), WORK[status].text))
    if settings.values:
        lines += [(), line(strong("Filled in"))]
        lines += [fact(f"  {name}"[:15], value) for name, value in settings.values.items()]
    if settings.people:
        lines += [(), line(strong("People"))]
        lines += [fact(f"  {name}"[:15], value) for name, value in settings.people.items()]
    return lines
