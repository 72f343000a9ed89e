"""Why a held record waits: paused, its connection, the circuit, or an earlier one of its key."""

from __future__ import annotations

from datetime import UTC, datetime

from healthdesk.api.common import Explanation
from healthdesk.domain.states import CircuitState, HoldReason, RecordState
from healthdesk.errors import NotFound
from healthdesk.operations.desk import Conn
from healthdesk.store import circuits, integrations, ordering
from healthdesk.store.ordering import Earlier
from healthdesk.store.rows import RecordRow

_EARLIER_IS = {
    RecordState.QUEUED: "is sent next",
    RecordState.SENDING: "is being sent",
    RecordState.RETRYING: "is tried again by itself",
    RecordState.AWAITING_RECEIPT: "awaits its receipt",
    RecordState.UNKNOWN: "may or may not have arrived",
    RecordState.HELD: "is held",
    RecordState.FAILED: "failed",
}


def explain_held(conn: Conn, row: RecordRow) -> Explanation | None:
    """Return why a held record waits, as far as that is told by more than the record; None where it is not."""
    if row.state is not RecordState.HELD:
        return None
    if row.hold_reason is HoldReason.ORDER:
        return _waits_for(row, ordering.goes_first(conn, row.id))
    if row.hold_reason is HoldReason.CIRCUIT:
        return _circuit(conn, row)
    return None


def _waits_for(row: RecordRow, earlier: Earlier | None) -> Explanation:
    if earlier is None:
        return Explanation(
            sentence="Held: it waited for an earlier record of the same key, and is sent next.",
            since=row.arrived_at,
            next_action="It is sent by itself within seconds.",
        )
    action = "It is sent by itself once that one is delivered."
    if earlier.state is RecordState.FAILED:
        action = f"Resend {earlier.id}, or close its problem to go on without it."
    elif earlier.state is RecordState.UNKNOWN:
        action = f"Look up or resend {earlier.id}."
    return Explanation(
        sentence=f"Held: it waits for {earlier.id} of the same key, which {_EARLIER_IS[earlier.state]}.",
        since=row.arrived_at,
        next_action=action,
    )


def _circuit(conn: Conn, row: RecordRow) -> Explanation:
    try:
        facts = circuits.get(conn, row.integration_id, row.environment)
        name = integrations.get(conn, row.integration_id).name
    except NotFound:
        return Explanation(sentence="Held: its environment is gone.", since=row.arrived_at)
    circuit = f"the circuit of {name} · {row.environment.shown}"
    close = "Or close it by hand: `healthdesk integrations circuit`."
    if facts.state is CircuitState.OPEN and facts.since is not None:
        why = f" after {facts.reason}" if facts.reason.endswith("failed") else f": {facts.reason}"
        probe = f"; one record is sent as a probe at {_time(facts.probe_at)}" if facts.probe_at else ""
        sentence = f"Held: {circuit} is open since {_time(facts.since)}{why if facts.reason else ''}{probe}."
        return Explanation(
            sentence=sentence, since=facts.since, next_action=f"It is tried again by itself. {close}"
        )
    if facts.state is CircuitState.PROBING:
        return Explanation(
            sentence=f"Held: {circuit} is open; one record is under way as a probe.",
            since=facts.since,
            next_action=f"What becomes of it decides. {close}",
        )
    return Explanation(
        sentence=f"Held: {circuit} is {facts.state.value} again, and it is sent by itself.",
        since=row.arrived_at,
    )


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
