"""An environment of a delivery integration, as a card: how it is, where it delivers, its totals. Testing says TESTING."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.flow import Circuit
from healthdesk.api.integrations import EnvironmentView
from healthdesk.domain.states import (
    CircuitState,
    Environment,
    HoldReason,
    IntegrationState,
    OnUnknown,
    RecordState,
)
from healthdesk.tui.format import Line, Span, Tone, dim, fit, key, line, strong, width_of
from healthdesk.tui.view.log import HOLDS
from healthdesk.tui.view.times import View, since
from healthdesk.tui.view.words import RECORD, plural

TITLES = {Environment.PRODUCTION: "Production", Environment.TESTING: "TESTING"}
"""What each is called on the screen: testing is always marked."""
WORST_FIRST = ("failed", "unknown", "held", "retrying", "awaiting_receipt", "sending", "queued", "delivered")
SHORT = {"awaiting_receipt": "awaiting"}
UNKNOWN = {
    OnUnknown.RESEND: "resent with the same webhook-id",
    OnUnknown.HOLD: "held for an operator",
}
"""What is done with a record whose arrival is unknown."""


def environment_state(item: EnvironmentView, view: View) -> Span:
    """Return how an environment is, the worst of it."""
    if item.state is IntegrationState.PAUSED:
        return Span("⏸ Paused: its records are held", Tone.WARN)
    if item.circuit.state is not CircuitState.CLOSED:
        return circuit_span(item.circuit, view)
    if item.hold_reason is not None and item.hold_reason is not HoldReason.ORDER:
        return Span(f"✗ Held: {HOLDS[item.hold_reason]}", Tone.BAD)
    return Span("● Delivering", Tone.GOOD)


def circuit_span(circuit: Circuit, view: View) -> Span:
    """Return a circuit's state, with when it goes on."""
    match circuit.state:
        case CircuitState.OPEN:
            probe = f" · probe {since(circuit.next_probe_at, view)}" if circuit.next_probe_at else ""
            return Span(f"✗ Circuit open {since(circuit.since, view)}{probe}", Tone.BAD)
        case CircuitState.PROBING:
            return Span("↻ Circuit probed with one record", Tone.WARN)
        case CircuitState.RAMPING:
            return Span(f"↻ Circuit ramps back, step {circuit.step}", Tone.WARN)
        case _:
            return Span("● Circuit closed", Tone.GOOD)


def circuit_lines(item: EnvironmentView, view: View) -> list[Line]:
    """Return the circuit of a problem's environment: its state, since when, why, and how many records wait."""
    circuit, held = item.circuit, item.totals.get(RecordState.HELD.value, 0)
    since_then = circuit.since is not None and circuit.state is not CircuitState.OPEN
    lines = [
        line(
            dim("  State           "),
            circuit_span(circuit, view),
            dim(f" · since {since(circuit.since, view)}" if since_then else ""),
        )
    ]
    if circuit.state is not CircuitState.CLOSED and circuit.reason:
        lines.append(line(dim("  Why             "), circuit.reason))
    if held:
        why = f": {HOLDS[item.hold_reason]}" if item.hold_reason is not None else ""
        waiting = f"{plural(held, 'record')} {'waits' if held == 1 else 'wait'}{why}"
        lines.append(line(dim("  Held            "), Span(waiting, Tone.WARN)))
    return [line(strong(f"Circuit of {TITLES[item.environment]}")), *lines, ()]


def limits_words(item: EnvironmentView) -> str:
    """Return `16 at once, 20/s, 30 s`."""
    rate = [f"{item.rate_per_s:g}/s"] if item.rate_per_s else []
    return ", ".join([f"{item.concurrency} at once", *rate, f"{item.timeout_s:g} s"])


def totals_spans(totals: dict[str, int], *, words: bool = True) -> list[Span]:
    """Return the totals by state, worst first, zeros left out; without words as short as it can be."""
    spans: list[Span] = []
    for name in WORST_FIRST:
        count = totals.get(name, 0)
        if count:
            word = RECORD[RecordState(name)]
            told = f" {SHORT.get(name, word.text.lower())}" if words else ""
            spans += [Span(f"{word.glyph} {count:,}{told}", word.tone), Span("   " if words else "  ")]
    return spans or [dim("no records yet")]


def environment_card(item: EnvironmentView, view: View, width: int) -> list[Line]:
    """Return the lines of a card that has `width` cells inside."""
    totals = totals_spans(item.totals)
    if sum(width_of(span.text) for span in totals) > width:
        totals = totals_spans(item.totals, words=False)
    rows: Sequence[Line] = (
        line(environment_state(item, view)),
        line(f"{item.method} ", item.endpoint),
        line(dim(f"on {item.connection_name or item.connection_id} · {limits_words(item)}")),
        tuple(totals),
        line(dim("key "), item.key_hint or Span("none yet: K makes one", Tone.WARN)),
    )
    return [_cut(row, width) for row in rows]


def missing_card(which: Environment) -> list[Line]:
    """Return the card of an environment that is not set up."""
    if which is Environment.TESTING:
        return [
            line(dim("○ Not set up yet.")),
            line(key("E"), dim(" sets it up: nothing you try")),
            line(dim("there reaches production.")),
        ]
    return [
        line(dim("○ Not set up yet.")),
        line(key("U"), dim(" promotes TESTING to it.")),
    ]


def _cut(row: Line, width: int) -> Line:
    """Return a row that fits, its last part cut."""
    kept: list[Span] = []
    left = width
    for span in row:
        if left <= 0:
            break
        taken = width_of(span.text)
        kept.append(span if taken <= left else Span(fit(span.text, left), span.tone))
        left -= taken
    return tuple(kept)
