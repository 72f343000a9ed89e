"""Health of a connection: unknown → connected ⇄ suspect → failing → connected.

One bad check makes a connection suspect, never failing: a refused credential is rechecked once, at once,
anything else after 1, 5 and 15 minutes. Any success makes it connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from healthdesk.domain.daily import next_in_slot
from healthdesk.domain.exchange import Failure
from healthdesk.domain.retry import spread
from healthdesk.domain.states import ConnectionState, ErrorKind

WORST_FIRST = (
    ConnectionState.FAILING,
    ConnectionState.SUSPECT,
    ConnectionState.UNKNOWN,
    ConnectionState.CONNECTED,
)
"""The order in which connections are listed where the worst is looked for."""

RECHECKS_S: tuple[float, ...] = (60, 300, 900)
"""Seconds before each recheck of a suspect connection."""

FAILING_EVERY_S = 900.0
REFUSED_EVERY_S = 3600.0

CREDENTIAL_KINDS = frozenset({ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION})
"""Failures of a heartbeat that say the app refuses the credential."""

REACHABILITY_KINDS = frozenset(
    {
        ErrorKind.DNS,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.TLS,
        ErrorKind.ADDRESS_BLOCKED,
    }
)
"""Failures that say the app cannot be reached at all, whatever is sent to it."""


_SILENT_KINDS = frozenset(
    {
        ErrorKind.DNS,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.TLS,
        ErrorKind.TIMEOUT,
        ErrorKind.RESET,
    }
)
"""Failures that a network of our own that is down makes, too."""


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What is known before a check. `last_failure_kind` is that of the check before, None when it was good."""

    state: ConnectionState
    suspect_checks: int
    state_since: datetime
    last_failure_kind: ErrorKind | None = None


@dataclass(frozen=True, slots=True)
class HealthChange:
    """What is so after a check.

    `suspect_checks` is the number of the recheck that comes next, 1 to 3 while suspect; 0 while suspect means that a
    failing connection is given one delivery as a probe. `opened`: it is failing from now on; `recovered`: it works
    again after failing. `changed`: the state is another one, so `state_since` becomes now.
    `recheck_now`: check again at once. `next_check_at` is None when nothing is to be checked by itself.
    """

    state: ConnectionState
    suspect_checks: int
    next_check_at: datetime | None
    opened: bool
    recovered: bool
    changed: bool
    recheck_now: bool = False


def after_check(
    facts: HealthFacts,
    failure: Failure | None,
    now: datetime,
    every_s: float,
    jitter_unit: float,
    jitter: float = 0.1,
    slot: float | None = None,
    early_for: datetime | None = None,
) -> HealthChange:
    """Decide health after a heartbeat: `failure` is what it found, None when all was well.

    `slot` in [0, 1) is where in the interval the connection has its place; without one the next check is an interval
    away, give or take the jitter. `early_for` is when the next check is due, if this one came before it: that a
    suspect connection fails still is no recheck, so that asking again and again does not make it failing.
    """
    if failure is None:
        settled = facts.state is ConnectionState.CONNECTED
        next_at = (
            now + timedelta(seconds=spread(every_s, jitter_unit, jitter))
            if slot is None
            else next_in_slot(now, every_s, slot, jitter, settled=settled)
        )
        return _change(facts, ConnectionState.CONNECTED, 0, next_at)
    refused = failure.kind in CREDENTIAL_KINDS
    done = facts.suspect_checks if facts.state is ConnectionState.SUSPECT else 0
    if done and early_for is not None and not refused:
        return _change(facts, ConnectionState.SUSPECT, done, early_for)
    if facts.state is ConnectionState.FAILING or done >= len(RECHECKS_S) or _confirms(facts, refused=refused):
        delay_s = spread(REFUSED_EVERY_S if refused else FAILING_EVERY_S, jitter_unit, jitter)
        delay_s = _at_least(delay_s, failure.retry_after_s)
        return _change(facts, ConnectionState.FAILING, 0, now + timedelta(seconds=delay_s))
    delay_s = 0.0 if refused else _at_least(RECHECKS_S[done], failure.retry_after_s)
    return _change(
        facts, ConnectionState.SUSPECT, done + 1, now + timedelta(seconds=delay_s), recheck_now=refused
    )


def after_delivery_evidence(
    facts: HealthFacts, failure: Failure | None, now: datetime, *, probe: bool = False
) -> HealthChange:
    """Decide health after a delivery, for a connection without a heartbeat.

    Only a refused credential (two in a row) and reachability (failing for the time that the rechecks of a heartbeat
    take) count against it; an answer about the record itself is as good as a success. While failing, `next_check_at`
    is when one delivery may be let through: call then with `probe`, which makes the connection suspect until the
    delivery succeeds or fails.
    """
    if probe:
        return _change(facts, ConnectionState.SUSPECT, 0, None)
    if failure is None or proves_health(failure):
        return _change(facts, ConnectionState.CONNECTED, 0, None)
    refused = failure.kind is ErrorKind.AUTHENTICATION
    probing = facts.state is ConnectionState.SUSPECT and facts.suspect_checks == 0
    if not refused and failure.kind not in REACHABILITY_KINDS and not probing:
        return _change(facts, facts.state, facts.suspect_checks, _next_probe(facts, now))
    suspect = facts.state is ConnectionState.SUSPECT
    confirmed = suspect and (_confirms(facts, refused=refused) or _outlasts_rechecks(facts, now))
    if facts.state is ConnectionState.FAILING or probing or confirmed:
        delay_s = REFUSED_EVERY_S if refused else FAILING_EVERY_S
        return _change(facts, ConnectionState.FAILING, 0, now + timedelta(seconds=delay_s))
    checks = facts.suspect_checks if suspect else 0
    if checks == 0 or (checks < len(RECHECKS_S) and _failing_for(facts, now, checks)):
        checks += 1
    return _change(facts, ConnectionState.SUSPECT, checks, None)


def is_health_evidence(failure: Failure) -> bool:
    """Tell whether a delivery's failure is a reason to look at its connection's health."""
    return failure.kind in CREDENTIAL_KINDS or failure.kind in REACHABILITY_KINDS


def may_be_our_network(failure: Failure) -> bool:
    """Tell whether a failure may be that of the desk's own network: nothing came back."""
    return failure.status is None and failure.kind in _SILENT_KINDS


def proves_health(failure: Failure) -> bool:
    """Tell whether a delivery's failure shows that its connection works: the record was read, and refused."""
    return (
        failure.status is not None
        and 400 <= failure.status < 500
        and failure.permanent
        and failure.kind not in CREDENTIAL_KINDS
        and failure.kind not in {ErrorKind.NOT_FOUND, ErrorKind.GONE}
    )


def state_word(
    state: ConnectionState,
    judged_by_deliveries: bool,  # noqa: FBT001 - reads as a row's two columns
    *,
    pinged: bool = False,
    kind: str = "",
) -> str:
    """Return the word operators read. `pinged`: it pings the desk; `kind` is that of the failure behind the state."""
    if state is ConnectionState.FAILING:
        return "Late" if pinged and kind == ErrorKind.LATE else "Connection failure"
    if state is ConnectionState.SUSPECT:
        return "Checking again"
    if pinged and state is ConnectionState.UNKNOWN:
        return "Waiting for first ping"
    if judged_by_deliveries:
        return "Judged by deliveries"
    return "Connected" if state is ConnectionState.CONNECTED else "Not checked yet"


def _change(
    facts: HealthFacts,
    state: ConnectionState,
    suspect_checks: int,
    next_check_at: datetime | None,
    *,
    recheck_now: bool = False,
) -> HealthChange:
    was_failing = facts.state is ConnectionState.FAILING or (
        facts.state is ConnectionState.SUSPECT and facts.suspect_checks == 0
    )
    return HealthChange(
        state=state,
        suspect_checks=suspect_checks,
        next_check_at=next_check_at,
        opened=state is ConnectionState.FAILING and not was_failing,
        recovered=state is ConnectionState.CONNECTED and was_failing,
        changed=state is not facts.state,
        recheck_now=recheck_now,
    )


def _confirms(facts: HealthFacts, *, refused: bool) -> bool:
    """Tell whether a refused credential was refused at the check before, too."""
    return refused and facts.state is ConnectionState.SUSPECT and facts.last_failure_kind in CREDENTIAL_KINDS


def _failing_for(facts: HealthFacts, now: datetime, checks: int) -> bool:
    return (now - facts.state_since).total_seconds() >= sum(RECHECKS_S[:checks])


def _outlasts_rechecks(facts: HealthFacts, now: datetime) -> bool:
    return facts.suspect_checks >= len(RECHECKS_S) and _failing_for(facts, now, len(RECHECKS_S))


def _next_probe(facts: HealthFacts, now: datetime) -> datetime | None:
    if facts.state is not ConnectionState.FAILING:
        return None
    return now + timedelta(seconds=FAILING_EVERY_S)


def _at_least(delay_s: float, retry_after_s: float | None) -> float:
    """Return the delay, or what Retry-After asks for up to an hour."""
    return max(delay_s, min(retry_after_s or 0.0, REFUSED_EVERY_S))
