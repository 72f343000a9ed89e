"""Problems: failures with one cause, folded together; when they open, clear and are announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from healthdesk.domain.problem_keys import (
    ProblemKey,
    key_for_connection,
    key_for_delivery,
    key_for_instance,
)
from healthdesk.domain.states import AlertEvent, ProblemState

__all__ = [
    "ProblemChange",
    "ProblemFacts",
    "ProblemKey",
    "announces",
    "key_for_connection",
    "key_for_delivery",
    "key_for_instance",
    "on_cleared",
    "on_failure",
    "on_reminder",
    "on_tick",
]

OPENS_AFTER = timedelta(minutes=5)
OPENS_AFTER_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """A problem as it is stored.

    `count` is how many records (or instances) it holds up now, the one at hand included; `announced` whether its
    opening was queued for alerts since it last recovered; `opened_before` whether it was ever open;
    `connection_failing` whether it is its connection's problem and that still fails.
    """

    state: ProblemState
    count: int
    first_failed_at: datetime
    announced: bool = False
    opened_before: bool = False
    muted_until: datetime | None = None
    connection_failing: bool = False

    @property
    def holds_up(self) -> bool:
        """Whether something still fails for this cause."""
        return self.count > 0 or self.connection_failing


@dataclass(frozen=True, slots=True)
class ProblemChange:
    """What becomes of a problem.

    `since` is its first_failed_at from now on, `announced` its new flag, `announce` the alert to queue in the same
    transaction. `vanished`: it never opened and is gone; its row may be deleted. `reminded`: it is announced anew.
    """

    state: ProblemState
    since: datetime
    opened: bool = False
    reopened: bool = False
    resolved: bool = False
    vanished: bool = False
    announced: bool = False
    announce: AlertEvent | None = None
    reminded: bool = False


def on_failure(
    facts: ProblemFacts | None, key: ProblemKey, now: datetime, record_attempts: int
) -> ProblemChange:
    """Decide what a failure does to its problem (None: there is none yet).

    `record_attempts` are the attempts of this round of the record, this one included. A permanent refusal opens at
    once; anything else after three attempts of one record or five minutes of failing, and a resolved problem forms
    anew by the same rule, so that one hiccup after a repair does not call it broken again.
    """
    if facts is not None and facts.state in {ProblemState.OPEN, ProblemState.ACKNOWLEDGED}:
        return ProblemChange(facts.state, facts.first_failed_at, announced=facts.announced)
    forming = facts is not None and facts.state is ProblemState.FORMING and facts.holds_up
    since = facts.first_failed_at if facts is not None and forming else now
    if key.opens_at_once or record_attempts >= OPENS_AFTER_ATTEMPTS or now - since >= OPENS_AFTER:
        return _opened(facts, since, now)
    return ProblemChange(ProblemState.FORMING, since, announced=facts is not None and facts.announced)


def on_reminder(facts: ProblemFacts, now: datetime) -> ProblemChange:
    """Decide what it does to an open problem that its reason is news again, such as an end that comes nearer.

    Somebody who took it is not told again.
    """
    told = facts.state is ProblemState.OPEN and announces(facts, now, AlertEvent.OPENED)
    return ProblemChange(
        facts.state,
        facts.first_failed_at,
        announced=told if facts.state is ProblemState.OPEN else facts.announced,
        announce=AlertEvent.OPENED if told else None,
        reminded=True,
    )


def on_tick(facts: ProblemFacts, now: datetime) -> ProblemChange | None:
    """Open what has been failing for five minutes, and announce what opened while muted. None: nothing changes."""
    if facts.state is ProblemState.FORMING and facts.holds_up and now - facts.first_failed_at >= OPENS_AFTER:
        return _opened(facts, facts.first_failed_at, now)
    if facts.state is ProblemState.OPEN and not facts.announced and not _is_muted(facts, now):
        return ProblemChange(facts.state, facts.first_failed_at, announced=True, announce=AlertEvent.OPENED)
    return None


def on_cleared(facts: ProblemFacts, now: datetime) -> ProblemChange | None:
    """Resolve a problem that holds up nothing any more. None: it still does, or it is resolved already.

    What never opened vanishes without a word, and a recovery is told only to whom the opening was told.
    """
    if facts.holds_up or facts.state is ProblemState.RESOLVED:
        return None
    if facts.state is ProblemState.FORMING:
        state = ProblemState.RESOLVED if facts.opened_before else ProblemState.FORMING
        return ProblemChange(
            state, facts.first_failed_at, vanished=not facts.opened_before, announced=facts.announced
        )
    told = announces(facts, now, AlertEvent.RECOVERED)
    return ProblemChange(
        ProblemState.RESOLVED,
        facts.first_failed_at,
        resolved=True,
        announce=AlertEvent.RECOVERED if told else None,
    )


def announces(facts: ProblemFacts, now: datetime, event: AlertEvent) -> bool:
    """Tell whether this news of the problem goes to channels: nothing while muted, and recoveries of told ones only."""
    if _is_muted(facts, now):
        return False
    if event is AlertEvent.RECOVERED:
        return facts.announced
    return facts.state is not ProblemState.ACKNOWLEDGED


def _opened(facts: ProblemFacts | None, since: datetime, now: datetime) -> ProblemChange:
    again = facts is not None and (facts.opened_before or facts.state is ProblemState.RESOLVED)
    event = AlertEvent.REOPENED if again else AlertEvent.OPENED
    told = facts is None or announces(facts, now, event)
    return ProblemChange(
        ProblemState.OPEN,
        since,
        opened=not again,
        reopened=again,
        announced=told,
        announce=event if told else None,
    )


def _is_muted(facts: ProblemFacts, now: datetime) -> bool:
    return facts.muted_until is not None and now < facts.muted_until
