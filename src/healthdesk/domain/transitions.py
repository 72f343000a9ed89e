"""Where a record goes after an attempt, and which records can be resent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.retry import next_attempt_at, wait_after
from healthdesk.domain.states import AttemptOutcome, OnUnknown, RecordState

RESEND_ALL_STATES = frozenset({RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRYING})
"""States a resend of everything in the filter touches; the delivered ones are skipped."""

RESENDABLE_STATES = RESEND_ALL_STATES | {RecordState.DELIVERED, RecordState.AWAITING_RECEIPT}
"""States from which an operator can resend one record (or marked ones)."""

LONGEST_BEFORE_ASKING_S = 60.0
"""However long the wait before the next attempt: what became of the last one is wanted to be known soon."""

_NOT_RESENDABLE: Mapping[RecordState, str] = {
    RecordState.QUEUED: "It is queued already and is sent by itself.",
    RecordState.SENDING: "It is being sent right now.",
    RecordState.HELD: "It is held and is sent by itself when its integration delivers again.",
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """The record's next state, when it is tried again (None: not by itself), and the attempt's outcome."""

    state: RecordState
    next_at: datetime | None
    outcome: AttemptOutcome


def after_attempt(
    failure: Failure | None,
    *,
    tries: int,
    schedule: Sequence[float],
    now: datetime,
    jitter_unit: float,
    on_unknown: OnUnknown,
    jitter: float = 0.2,
    asks: bool = False,
    confirmed_within_s: float | None = None,
    alone_next: bool = False,
) -> NextStep:
    """Decide what follows from an attempt; `tries` counts the attempts of this round, this one included.

    A request that may have arrived and was not answered is `unknown`: where the endpoint can be asked (`asks`) it is
    asked first, else it is sent again where the integration wants that, or left for an operator. A permanent refusal
    fails at once, anything else when the schedule ends. A success that is to be confirmed by a receipt awaits it for
    `confirmed_within_s`. What was refused with others and is to be sent alone (`alone_next`) is sent at once, also after
    its last try: nothing was learned of it.
    """
    if failure is None and confirmed_within_s is not None:
        deadline = now + timedelta(seconds=confirmed_within_s)
        return NextStep(RecordState.AWAITING_RECEIPT, deadline, AttemptOutcome.DELIVERED)
    if failure is None:
        return NextStep(RecordState.DELIVERED, None, AttemptOutcome.DELIVERED)
    if alone_next:
        return NextStep(RecordState.RETRYING, now, AttemptOutcome.FAILED)
    unanswered = failure.status is None and failure.sent is not Sent.NO
    if unanswered and asks:
        wait_s = min(LONGEST_BEFORE_ASKING_S, wait_after(tries, schedule, jitter_unit, jitter))
        return NextStep(RecordState.UNKNOWN, now + timedelta(seconds=wait_s), AttemptOutcome.UNKNOWN)
    if unanswered and on_unknown is OnUnknown.HOLD:
        return NextStep(RecordState.UNKNOWN, None, AttemptOutcome.UNKNOWN)
    if unanswered:
        outcome = AttemptOutcome.UNKNOWN
    else:
        outcome = AttemptOutcome.REFUSED if failure.permanent else AttemptOutcome.FAILED
    next_at = None
    if not failure.permanent:
        next_at = next_attempt_at(now, tries, schedule, jitter_unit, failure.retry_after_s, jitter)
    state = RecordState.FAILED if next_at is None else RecordState.RETRYING
    return NextStep(state, next_at, outcome)


def after_interruption(on_unknown: OnUnknown, now: datetime, *, asks: bool = False) -> NextStep:
    """Decide what follows when a crash left the attempt open: the endpoint is asked at once where it can be (`asks`),
    else the record is queued again (at once), or unknown.
    """
    if asks:
        return NextStep(RecordState.UNKNOWN, now, AttemptOutcome.INTERRUPTED)
    if on_unknown is OnUnknown.RESEND:
        return NextStep(RecordState.QUEUED, now, AttemptOutcome.INTERRUPTED)
    return NextStep(RecordState.UNKNOWN, None, AttemptOutcome.INTERRUPTED)


def can_resend(state: RecordState) -> str:
    """Return why a record in this state cannot be resent, or an empty string when it can."""
    return _NOT_RESENDABLE.get(state, "")
