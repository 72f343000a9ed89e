"""Health of a connection: unknown → connected ⇄ suspect → failing → connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import ConnectionState, ErrorKind


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a heartbeat found."""

    ok: bool
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What is known before a check.

    `suspect_kind` is the kind of the last failed check, kept while suspect or failing.
    """

    state: ConnectionState
    suspect_checks: int
    state_since: datetime
    suspect_kind: ErrorKind | None = None


@dataclass(frozen=True, slots=True)
class HealthChange:
    """What is so after a check.

    `suspect_checks` is the number of the recheck that is due next (1 to 3 while suspect). `opened`: it is failing from now on;
    `recovered`: it was failing. `changed`: the state is another one, so `state_since` becomes now.
    `next_check_at` is None when nothing is to be checked by itself.
    """

    state: ConnectionState
    suspect_checks: int
    next_check_at: datetime | None
    opened: bool
    recovered: bool
    changed: bool
    suspect_kind: ErrorKind | None = None


def after_check(
    facts: HealthFacts,
    result: CheckResult,
    now: datetime,
    every_s: float,
    jitter_unit: float,
    jitter: float = 0.1,
) -> HealthChange:
    """Decide health after a heartbeat."""
    raise NotImplementedError


def after_delivery_evidence(
    facts: HealthFacts, failure: Failure | None, now: datetime
) -> HealthChange | None:
    """Decide health after a delivery, for a connection without a heartbeat; None when it says nothing about health.

    While failing, `next_check_at` is when one held record may be tried, to see whether it works again.
    """
    raise NotImplementedError


def calls_for_check(failure: Failure) -> bool:
    """Tell whether a delivery's failure is a reason to check its connection now."""
    raise NotImplementedError


def state_word(state: ConnectionState, judged_by_deliveries: bool) -> str:
    """Return the word operators read."""
    raise NotImplementedError
