"""The window of a delivery integration: its verdict, and everything about its environments."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.api.sources import Source
from healthdesk.domain.states import CircuitState, Environment, IntegrationState, RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.delivery import LABEL, delivery_lines
from healthdesk.tui.view.environment import (
    TITLES,
    UNKNOWN,
    circuit_span,
    environment_state,
    limits_words,
    totals_spans,
)
from healthdesk.tui.view.times import View, full, since
from healthdesk.tui.view.words import plural


def integration_verdict(found: Integration, silent: Sequence[Source], view: View) -> list[Line]:
    """Return the verdict, the worst first, and the key that helps; then the sources that are silent."""
    lines = _verdict(found, view)
    if silent:
        names = ", ".join(each.name for each in silent)
        lines.append(line(Span(f"⚠ Silent: {names}. Nothing came for longer than usual.", Tone.WARN)))
    return lines


def _verdict(found: Integration, view: View) -> list[Line]:
    for item in found.environments:
        if item.circuit.state is CircuitState.OPEN:
            told = f"✗ Circuit of {TITLES[item.environment]} is open since {since(item.circuit.since, view)}"
            why = [line(dim(item.circuit.reason))] if item.circuit.reason else []
            return [line(Span(told, Tone.BAD), "   ", key("C"), dim(" probes or closes it")), *why]
    paused = [
        TITLES[item.environment] for item in found.environments if item.state is IntegrationState.PAUSED
    ]
    failed = failed_of(found)
    if paused:
        told = f"⏸ Paused: {', '.join(paused)}. Records are kept and held."
        return [line(Span(told, Tone.WARN), "   ", key("p"), dim(" resumes"))]
    if failed:
        return [
            line(Span(f"✗ {plural(failed, 'record')} failed", Tone.BAD), "   ", key("l"), dim(" shows them"))
        ]
    if not found.environments:
        return [line(Span("○ It delivers nowhere yet.", Tone.WARN), "   ", key("E"), dim(" sets up testing"))]
    if not found.sources:
        return [
            line(Span("○ No source is enabled for it.", Tone.WARN), dim("   the Sources tab enables them"))
        ]
    return [line(Span("● Delivering", Tone.GOOD))]


def failed_of(found: Integration) -> int:
    """Return how many records of production failed; of testing where there is nothing else."""
    production = [item for item in found.environments if item.environment is Environment.PRODUCTION]
    return sum(item.totals.get(RecordState.FAILED.value, 0) for item in production or found.environments)


def integration_head(found: Integration, view: View) -> list[Line]:
    """Return everything in short, for a preview: the verdict, and a block for each environment."""
    lines = [*_verdict(found, view), line(dim(f"Sources: {', '.join(found.sources) or 'none enabled'}"))]
    for item in found.environments:
        lines += [
            (),
            line(strong(f"{TITLES[item.environment]}  "), environment_state(item, view)),
            line(dim("  endpoint "), f"{item.method} {item.endpoint}"),
            line(dim(f"  on {item.connection_name} · {limits_words(item)}")),
            line(dim("  records  "), *totals_spans(item.totals)),
            line(dim("  key      "), item.key_hint or "none yet"),
        ]
    lines += [(), line(dim("Post to  "), found.records_url)]
    return lines


def environment_lines(item: EnvironmentView, view: View) -> list[Line]:
    """Return everything about one environment."""
    lines = [
        line(strong(TITLES[item.environment])),
        _row("State", environment_state(item, view)),
        _row("Endpoint", f"{item.method} {item.endpoint}"),
        _row("Connection", item.connection_name or item.connection_id),
        _row("Limits", limits_words(item)),
        line(dim(f"{'Records':<{LABEL}} "), *totals_spans(item.totals)),
    ]
    if item.circuit.state is not CircuitState.CLOSED:
        lines.append(_row("Circuit", circuit_span(item.circuit, view)))
    if item.circuit.reason:
        lines.append(_row("  why", item.circuit.reason))
    return [*lines, *method_lines(item, view)]


def method_lines(item: EnvironmentView, view: View) -> list[Line]:
    """Return how an environment delivers, what its card does not say: method, headers, unknown ones, secrets."""
    accepts = (
        f"{item.accept_limit_per_minute:,} a minute" if item.accept_limit_per_minute else "as many as come"
    )
    lines = delivery_lines(item.delivery)
    for number, (name, value) in enumerate(sorted(item.headers.items())):
        lines.append(_row("" if number else "Headers", f"{name}: {value}"))
    return [
        *lines,
        _row("On unknown", UNKNOWN[item.on_unknown]),
        _row("Accepts", accepts),
        _row("Key", f"{item.key_hint} of {full(item.key_created_at, view)}" if item.key_hint else "none yet"),
        _row("Signs with", item.signing_secret_hint or "–"),
        *([_row("Receipts by", item.receipt_secret_hint)] if item.receipt_secret_hint else []),
    ]


def _row(name: str, value: str | Span) -> Line:
    return line(dim(f"{name:<{LABEL}} "), value)


def integration_facts(found: Integration, view: View) -> list[Line]:
    """Return everything about an integration; also what `y` copies."""
    lines = [
        line(strong(found.name)),
        line(dim("Post to     "), found.records_url),
        line(dim("Sources     "), ", ".join(found.sources) or "none enabled"),
        line(dim("Added       "), f"{full(found.created_at, view)} by {found.created_by}"),
        line(dim("Id          "), found.id),
    ]
    for item in found.environments:
        lines += [(), *environment_lines(item, view)]
    return lines
