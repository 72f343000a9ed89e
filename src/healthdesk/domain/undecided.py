"""Records whose outcome is not known yet: what a lookup, a receipt or a passed deadline makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.folding import digest, pattern
from healthdesk.domain.lookup import Answered
from healthdesk.domain.outcome import capped, parsed
from healthdesk.domain.retry import spread
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.states import Blame, ErrorKind, OnUnknown, RecordState
from healthdesk.domain.values import values_of

_CAN_BE_ASKED = frozenset(
    {RecordState.UNKNOWN, RecordState.AWAITING_RECEIPT, RecordState.FAILED, RecordState.RETRYING}
)
"""States in which it matters what an endpoint says when an operator has it asked."""

_NOT_SENT_AGAIN_YET = frozenset({RecordState.HELD, RecordState.QUEUED})
"""States in which the last attempt, where there was one, may have arrived, and the next has not begun."""

_ANSWERED = "The endpoint took it and did not confirm it in time"


class Said(StrEnum):
    """What a receipt says of its record."""

    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a record decides: `tries` are those of this round, `asked` how often its endpoint was asked by itself
    since the last attempt, that of now included.
    """

    state: RecordState
    tries: int
    error_kind: str = ""
    last_attempt_at: datetime | None = None
    asked: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """When is tried again, and what becomes of what stays unknown. `jitter_unit` in [0, 1) spreads waits."""

    schedule: Sequence[float]
    on_unknown: OnUnknown
    jitter_unit: float
    jitter: float = 0.2


@dataclass(frozen=True, slots=True)
class Decision:
    """The record's next state and when it is looked at again; `sentence` tells why, for people.

    `failure` is why it is not delivered, where that is news.
    """

    state: RecordState
    next_at: datetime | None
    sentence: str
    failure: Failure | None = None


def after_lookup(
    facts: Facts, answer: Answered, rules: Rules, now: datetime, *, by_hand: bool = False
) -> Decision | None:
    """Decide what an endpoint's answer makes of a record. None: nothing.

    What is there is delivered. What is not is sent again when the schedule says, which is at once where the daemon had
    stopped, until the tries are used up. Asking goes on along the schedule; in the end it is as `on_unknown` says.
    """
    found, said = answer.found, answer.said
    if not may_have_arrived(facts.state, facts.attempts):
        return None
    if found:
        return Decision(RecordState.DELIVERED, None, f"The endpoint has it: {said}.")
    if facts.state is not RecordState.UNKNOWN or (by_hand and found is None):
        return None
    if found is False:
        return _again(facts, f"The endpoint does not have it: {said}.", rules, now)
    if facts.asked < len(rules.schedule):
        wait_s = spread(rules.schedule[facts.asked], rules.jitter_unit, rules.jitter)
        next_at = now + timedelta(seconds=wait_s)
        return Decision(
            RecordState.UNKNOWN, next_at, f"The endpoint left it open: {said}. It is asked again."
        )
    return not_to_be_asked(facts, f"The endpoint left it open: {said}.", rules, now)


def not_to_be_asked(facts: Facts, why: str, rules: Rules, now: datetime) -> Decision:
    """Decide what becomes of an unknown record whose endpoint cannot be asked, or not any more."""
    if rules.on_unknown is OnUnknown.RESEND:
        return _again(facts, why, rules, now)
    return Decision(RecordState.UNKNOWN, None, f"{why} It is held for an operator, as the integration wants.")


def _again(facts: Facts, why: str, rules: Rules, now: datetime) -> Decision:
    if facts.tries >= len(rules.schedule):
        failure = _interrupted() if facts.error_kind == ErrorKind.INTERRUPTED else None
        return Decision(RecordState.FAILED, None, f"{why} Its tries are used up.", failure)
    next_at = now
    if facts.error_kind != ErrorKind.INTERRUPTED and facts.last_attempt_at is not None:
        wait_s = spread(rules.schedule[facts.tries], rules.jitter_unit, rules.jitter)
        next_at = max(now, facts.last_attempt_at + timedelta(seconds=wait_s))
    return Decision(RecordState.RETRYING, next_at, f"{why} It is sent again with the same webhook-id.")


def after_deadline(
    facts: Facts, after: Literal["failed", "unknown", "resend"], rules: Rules, now: datetime, *, asks: bool
) -> Decision:
    """Decide what becomes of a record whose receipt did not come: its endpoint is asked where it can be (`asks`)."""
    if asks:
        failure = unconfirmed(permanent=False)
        return Decision(RecordState.UNKNOWN, now, "No receipt came in time: the endpoint is asked.", failure)
    if after == "unknown":
        failure = unconfirmed(permanent=False)
        return Decision(RecordState.UNKNOWN, None, "No receipt came in time.", failure)
    if after == "resend" and facts.tries < len(rules.schedule):
        failure = unconfirmed(permanent=False)
        return Decision(RecordState.RETRYING, now, "No receipt came in time: it is sent again.", failure)
    return Decision(RecordState.FAILED, None, "No receipt came in time.", unconfirmed(permanent=True))


def may_have_arrived(state: RecordState, attempts: int) -> bool:
    """Tell whether it matters what an endpoint says of a record in this state, after so many attempts in all."""
    return state in _CAN_BE_ASKED or (attempts > 0 and state in _NOT_SENT_AGAIN_YET)


def after_receipt(
    state: RecordState, said: Said, *, of_last: bool, attempts: int = 0
) -> tuple[RecordState | None, str]:
    """Return a record's next state, or None and why a receipt changes nothing.

    A confirmation counts for whatever is not on its way: the endpoint has it. Of one that is held or queued after
    `attempts` it has to be of what was sent last: who resends under another webhook-id wants it sent once more. A refusal counts where one is awaited or
    nothing is known, and only of what was sent last (`of_last`): that of an earlier webhook-id tells nothing of it.
    """
    if state is RecordState.DELIVERED:
        return None, "The record was delivered already."
    counts = of_last or state not in _NOT_SENT_AGAIN_YET
    if said is Said.DELIVERED and counts and may_have_arrived(state, attempts):
        return RecordState.DELIVERED, ""
    if said is Said.FAILED and state in (RecordState.AWAITING_RECEIPT, RecordState.UNKNOWN):
        if of_last:
            return RecordState.FAILED, ""
        return None, "It is of an earlier sending: the record was sent again under another webhook-id."
    return None, f"No receipt was awaited: the record is {state.value.replace('_', ' ')}."


def refused(told: str, data: Sequence[bytes]) -> Failure:
    """Return the failure that a receipt tells. `told` is the endpoint's; no value of `data`, which is what was posted
    and what was sent instead, is in any text of it.
    """
    values: frozenset[str] = frozenset()
    for each in data if told else ():
        values |= values_of(parsed(each))
    scrubber = Scrubber(values)
    message = capped(scrubber.scrub(told))
    safe = "The endpoint took the record and failed to process it"
    return Failure(
        kind=ErrorKind.REFUSED,
        blame=Blame.THEM,
        permanent=True,
        sentence=message or safe,
        safe_sentence=safe,
        next_action="Read what the endpoint's receipt says and have the cause mended; then resend",
        sent=Sent.YES,
        message=message,
        pattern=digest(pattern(told, scrubber)) if told else "",
    )


def _interrupted() -> Failure:
    """Return the failure of a record whose every try ended with a stop of the daemon: it is in no problem yet."""
    said = "The daemon stopped while this was being sent"
    return Failure(
        kind=ErrorKind.INTERRUPTED,
        blame=Blame.US,
        permanent=True,
        sentence=said,
        safe_sentence=said,
        next_action="Look into the daemon's log for why it stopped; then resend",
        sent=Sent.MAYBE,
    )


def used_up(error_kind: str) -> Failure:
    """Return the failure of a record that is given up and is in no problem, since that was resolved meanwhile."""
    said = "It was not delivered, and its tries are used up"
    return Failure(
        kind=ErrorKind(error_kind or ErrorKind.INTERRUPTED),
        blame=Blame.THEM,
        permanent=True,
        sentence=said,
        safe_sentence=said,
        next_action="Look at what became of its attempts; then resend",
        sent=Sent.MAYBE,
    )


def unconfirmed(*, permanent: bool) -> Failure:
    """Return the failure of a receipt that did not come."""
    return Failure(
        kind=ErrorKind.UNCONFIRMED,
        blame=Blame.THEM,
        permanent=permanent,
        sentence=_ANSWERED,
        safe_sentence=_ANSWERED,
        next_action="Ask the endpoint's owner what became of it; resend it if it is not there",
        sent=Sent.YES,
    )
