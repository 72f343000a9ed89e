"""What happened to a record, in one order: it arrived, was tried, fixed, looked up, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from healthdesk.api.flow import RecordEvent
from healthdesk.api.records import Attempt, Moment
from healthdesk.domain.states import AttemptOutcome, RecordState, Trigger
from healthdesk.store.rows import RecordEventRow, RecordRow

ARRIVED = "arrived"
ATTEMPT = "attempt"
NEXT = "next"

_TRIGGERS = {
    Trigger.FIRST: "First attempt",
    Trigger.RETRY: "Tried again",
    Trigger.RESEND: "Resent",
    Trigger.JOB: "Sent by a job",
    Trigger.RECOVERY: "Sent on recovery",
}
_OUTCOMES = {
    AttemptOutcome.SENDING: "is being sent",
    AttemptOutcome.DELIVERED: "delivered",
    AttemptOutcome.UNKNOWN: "arrival unknown",
    AttemptOutcome.INTERRUPTED: "interrupted",
}
_COMING = {
    RecordState.RETRYING: "Tried again by itself.",
    RecordState.AWAITING_RECEIPT: "Its receipt is due by then.",
    RecordState.UNKNOWN: "The endpoint is asked whether it has it.",
}


def event_view(row: RecordEventRow) -> RecordEvent:
    """Return an event as it is shown."""
    return RecordEvent(id=row.id, at=row.at, kind=row.kind, by=row.by, sentence=row.sentence)


def timeline(row: RecordRow, attempts: Iterable[Attempt], events: Sequence[RecordEventRow]) -> list[Moment]:
    """Return the moments of a record by time; of those at one time, events come after attempts."""
    moments = [Moment(at=row.arrived_at, what=ARRIVED, sentence="It arrived.")]
    moments += [
        Moment(at=each.started_at, what=ATTEMPT, sentence=_told(each), by=each.triggered_by, attempt=each)
        for each in attempts
    ]
    moments += [
        Moment(at=each.at, what=each.kind.value, sentence=each.sentence, by=each.by) for each in events
    ]
    moments.sort(key=lambda moment: moment.at)
    if row.next_attempt_at is not None and row.state in _COMING:
        moments.append(Moment(at=row.next_attempt_at, what=NEXT, sentence=_COMING[row.state]))
    return moments


def _told(attempt: Attempt) -> str:
    began = _TRIGGERS.get(attempt.trigger, "Sent")
    came = str(attempt.status) if attempt.status is not None else _OUTCOMES.get(attempt.outcome, "no answer")
    within = "in" if attempt.status is not None else "after"
    took = f" {within} {milliseconds(attempt.duration_ms)}" if attempt.duration_ms is not None else ""
    parts = "".join(
        f", {name} {milliseconds(value)}"
        for name, value in (
            ("connect", attempt.connect_ms),
            ("TLS", attempt.tls_ms),
            ("first byte", attempt.first_byte_ms),
        )
        if value is not None
    )
    parts = f" ({parts.removeprefix(', ')})" if parts else ""
    fixed = ", fixed" if attempt.fix_id else ""
    said = f": {attempt.error}" if attempt.error else "."
    return f"{began}{fixed}, {came}{took}{parts}{said}"


def milliseconds(value: float) -> str:
    """Return `38 ms` or `1.2 s`."""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"
