"""Problems: failures with one cause, folded together; when they open, clear and are announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import AlertEvent, Blame, Environment, ErrorKind, ProblemState

OPENS_AFTER = timedelta(minutes=5)
OPENS_AFTER_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ProblemKey:
    """Which problem a failure belongs to, and what the problem says when it is new.

    `cause` is for the desk, `safe_cause` for alerts. A problem of the connection has neither integration nor environment.
    """

    fingerprint: str
    kind: ErrorKind
    blame: Blame
    status: int | None
    cause: str
    safe_cause: str
    next_action: str
    owner: str
    integration_id: str | None
    connection_id: str | None
    environment: Environment | None
    opens_at_once: bool


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


@dataclass(frozen=True, slots=True)
class ProblemChange:
    """What becomes of a problem.

    `since` is its first_failed_at from now on, `announced` its new flag, `announce` the alert to queue in the same
    transaction. `vanished`: it never opened and is gone; its row may be deleted.
    """

    state: ProblemState
    since: datetime
    opened: bool = False
    reopened: bool = False
    resolved: bool = False
    vanished: bool = False
    announced: bool = False
    announce: AlertEvent | None = None


def key_for_delivery(
    failure: Failure,
    integration_id: str,
    environment: Environment,
    connection_id: str,
    connection_name: str,
    owner: str,
) -> ProblemKey:
    """Return the problem of a failed delivery: the connection's for a refused credential or an unreachable host."""
    raise NotImplementedError


def key_for_connection(failure: Failure, connection_id: str, name: str, owner: str) -> ProblemKey:
    """Return the problem of a connection that is failing; its fingerprint is that of deliveries failing for the same reason."""
    raise NotImplementedError


def on_failure(
    facts: ProblemFacts | None, key: ProblemKey, now: datetime, record_attempts: int
) -> ProblemChange:
    """Decide what a failure does to its problem (None: there is none yet). `record_attempts` of the round, this one included."""
    raise NotImplementedError


def on_tick(facts: ProblemFacts, now: datetime) -> ProblemChange | None:
    """Open what has been failing for five minutes, and announce what opened while muted. None: nothing changes."""
    raise NotImplementedError


def on_cleared(facts: ProblemFacts, now: datetime) -> ProblemChange | None:
    """Resolve a problem that holds up nothing any more. None: it still does, or it is resolved already."""
    raise NotImplementedError


def announces(facts: ProblemFacts, now: datetime, event: AlertEvent) -> bool:
    """Tell whether this news of the problem is told to channels."""
    raise NotImplementedError
