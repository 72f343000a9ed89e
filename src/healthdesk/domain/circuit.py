"""The circuit of an environment: when it opens, when one record is let through, and how it comes back.

What counts are failures of the endpoint, never those of a record. Results are counted by each daemon for itself; the
state is shared, and changes only where it is still what the decision was made of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from healthdesk.domain.delivery import Circuit
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.health import is_health_evidence
from healthdesk.domain.states import CircuitState, ErrorKind

_OF_THE_ENDPOINT = frozenset(
    {
        ErrorKind.AUTHENTICATION,
        ErrorKind.NOT_FOUND,
        ErrorKind.GONE,
        ErrorKind.REDIRECT,
        ErrorKind.RATE_LIMITED,
        ErrorKind.SERVER_ERROR,
        ErrorKind.TIMEOUT,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.RESET,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.DNS,
        ErrorKind.TLS,
        ErrorKind.ADDRESS_BLOCKED,
        ErrorKind.PROTOCOL,
    }
)
"""Kinds that would have met any record: no answer, 5xx, 429, refused credentials, a wrong address."""

_NOT_OF_THE_ENDPOINT = frozenset(
    {ErrorKind.INTERNAL, ErrorKind.INTERRUPTED, ErrorKind.CONFIGURATION, ErrorKind.UNEXPECTED_ANSWER}
)
"""Kinds that say nothing against it: ours, and an answer of success that tells nothing of a record."""

SLICES = 20
"""The window is counted in this many pieces: what it keeps does not grow with the traffic."""

FIRST_RAMP = 2
"""Attempts at a time after a good probe; each step doubles them."""

PROBE_GRACE_S = 30.0
"""How long after its timeout a probe without a result is given up: its daemon died, and another one probes."""


SLACK = timedelta(hours=1)
"""How far clocks of one desk may differ."""


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """A circuit as it is stored.

    `probe_at`: open, when the next probe is due; probing, when this one is given up. `step` counts failed probes while it
    is open or probing, and steps of the ramp while it is ramping.
    """

    state: CircuitState = CircuitState.CLOSED
    since: datetime | None = None
    probe_at: datetime | None = None
    step: int = 0
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether records wait for it."""
        return self.state in {CircuitState.OPEN, CircuitState.PROBING}


CLOSED = CircuitFacts()


@dataclass(frozen=True, slots=True)
class Counted:
    """Attempts of a window and how many of them failed."""

    total: int
    failed: int


class Window:
    """Counts good and failed attempts of the last `length_s`, by a monotonic clock in seconds."""

    def __init__(self, length_s: float) -> None:
        self._slice_s = length_s / SLICES
        self._slices: deque[list[int]] = deque()
        """[number of the slice, good, failed], oldest first."""

    def note(self, at: float, *, good: bool) -> None:
        """Count one attempt that ended at monotonic `at`."""
        number = int(at // self._slice_s)
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1 if good else 2] += 1
        self._forget(number)

    def counted(self, at: float) -> Counted:
        """Return what the window holds at monotonic `at`."""
        self._forget(int(at // self._slice_s))
        failed = sum(each[2] for each in self._slices)
        return Counted(failed + sum(each[1] for each in self._slices), failed)

    def _forget(self, number: int) -> None:
        while self._slices and self._slices[0][0] <= number - SLICES:
            self._slices.popleft()


def counts(failure: Failure, *, judged_by_deliveries: bool, templated: bool) -> bool:
    """Tell whether a failure speaks against the endpoint, and not against its record.

    What its connection is judged by is left to the connection's own health, which holds records better than a circuit.
    An address made of the record (`templated`) that is not found may be wrong for this record alone.
    """
    if judged_by_deliveries and is_health_evidence(failure):
        return False
    if templated and failure.kind in {ErrorKind.NOT_FOUND, ErrorKind.GONE}:
        return False
    if failure.kind in _NOT_OF_THE_ENDPOINT:
        return False
    unanswered = failure.status is None and failure.sent is not Sent.NO
    server = failure.status is not None and failure.status >= 500
    return unanswered or server or failure.kind in _OF_THE_ENDPOINT


def opens(facts: CircuitFacts, rules: Circuit, seen: Counted) -> bool:
    """Tell whether what was seen opens a circuit that is closed or ramping.

    On the ramp as many attempts are enough as it lets through at a time.
    """
    if not rules.enabled or facts.holds:
        return False
    ramping = facts.state is CircuitState.RAMPING
    least = min(rules.least, ramp_limit(facts.step)) if ramping else rules.least
    return seen.total >= least and seen.failed > 0 and seen.failed >= rules.share * seen.total


def opened(facts: CircuitFacts, rules: Circuit, now: datetime, reason: str) -> CircuitFacts:
    """Return the circuit opened; one that opens again from its ramp waits as after a failed probe."""
    step = 1 if facts.state is CircuitState.RAMPING else 0
    return CircuitFacts(CircuitState.OPEN, now, now + _wait(rules, step), step, reason)


def reason_of(seen: Counted) -> str:
    """Return why it opened, as the end of a sentence."""
    return f"{seen.failed:,} of {seen.total:,} attempts failed"


def probe_due(facts: CircuitFacts, rules: Circuit, now: datetime, timeout_s: float) -> bool:
    """Tell whether one record may be let through: the wait is over, or the probe before was lost.

    A time further ahead than any wait, and than clocks of one desk may differ, was set by a clock that was ahead.
    """
    if not facts.holds:
        return False
    if facts.probe_at is None or facts.probe_at <= now:
        return True
    waits_s = (
        max(rules.open_s, rules.longest_s) if facts.state is CircuitState.OPEN else timeout_s + PROBE_GRACE_S
    )
    return facts.probe_at - now > timedelta(seconds=waits_s) + SLACK


def probing(facts: CircuitFacts, now: datetime, timeout_s: float) -> CircuitFacts:
    """Return the circuit while its one record is under way."""
    given_up = now + timedelta(seconds=timeout_s + PROBE_GRACE_S)
    return replace(facts, state=CircuitState.PROBING, since=now, probe_at=given_up)


def probed(
    facts: CircuitFacts, rules: Circuit, now: datetime, *, good: bool, retry_after_s: float | None = None
) -> CircuitFacts:
    """Return the circuit after its probe: on the ramp, or open for twice as long.

    `retry_after_s` is what the endpoint asked for; it is honoured up to the longest wait.
    """
    if good:
        return CircuitFacts(CircuitState.RAMPING, now, None, 1, facts.reason)
    step = facts.step + 1
    wait = _wait(rules, step)
    if retry_after_s is not None:
        wait = max(wait, timedelta(seconds=min(retry_after_s, rules.longest_s)))
    return CircuitFacts(CircuitState.OPEN, now, now + wait, step, facts.reason)


def ramp_limit(step: int) -> int:
    """Return how many attempts the ramp lets through at a time in all daemons."""
    return FIRST_RAMP << max(0, min(step, 16) - 1)


def ramped(facts: CircuitFacts, now: datetime, concurrency: int) -> CircuitFacts:
    """Return the circuit one step further: twice as many at a time, closed once that is all it ever lets through."""
    step = facts.step + 1
    if ramp_limit(step) >= concurrency:
        return replace(CLOSED, since=now)
    return replace(facts, since=now, step=step)


def idled(facts: CircuitFacts, rules: Circuit, now: datetime) -> bool:
    """Tell whether a ramp ends by itself: nothing failed for the length of the window."""
    if facts.state is not CircuitState.RAMPING or facts.since is None:
        return False
    window = timedelta(seconds=rules.window_s)
    return now - facts.since >= window or facts.since - now > SLACK


def closed(now: datetime) -> CircuitFacts:
    """Return the circuit closed, by hand or since it is switched off."""
    return replace(CLOSED, since=now)


def reopened(facts: CircuitFacts, rules: Circuit, now: datetime) -> CircuitFacts:
    """Return the circuit after a probe that told nothing, such as one that was never sent: it waits as before."""
    return CircuitFacts(CircuitState.OPEN, now, now + _wait(rules, facts.step), facts.step, facts.reason)


def _wait(rules: Circuit, step: int) -> timedelta:
    longest_s = max(rules.open_s, rules.longest_s)
    return timedelta(seconds=min(rules.open_s * 2.0 ** min(step, 30), longest_s))
