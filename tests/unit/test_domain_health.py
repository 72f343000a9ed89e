"""A connection turns red only when it is confirmed, and green with any success."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.health import (
    CREDENTIAL_KINDS,
    REACHABILITY_KINDS,
    HealthChange,
    HealthFacts,
    after_check,
    after_delivery_evidence,
    is_health_evidence,
    may_be_our_network,
    proves_health,
    state_word,
)
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
DAY_S = 86_400.0
S = ConnectionState
UNITS = st.floats(0, 1, exclude_max=True)


def failure(
    kind: ErrorKind = ErrorKind.TIMEOUT, *, status: int | None = None, retry_after_s: float | None = None
) -> Failure:
    permanent = status is not None and 400 <= status < 500
    return Failure(kind, Blame.THEM, permanent, "s", "s", "n", Sent.YES, status, retry_after_s)


REFUSED = failure(ErrorKind.AUTHENTICATION, status=401)
DOWN = failure(ErrorKind.CONNECTION_REFUSED)
FAILURES = st.sampled_from(ErrorKind).map(failure)


def test_asking_again_before_a_recheck_is_due_is_no_recheck() -> None:
    suspect, due_at = HealthFacts(S.SUSPECT, 3, NOW, DOWN.kind), NOW + timedelta(minutes=15)
    asked = after_check(suspect, DOWN, NOW, DAY_S, 0.5, early_for=due_at)
    assert (asked.state, asked.suspect_checks, asked.next_check_at) == (S.SUSPECT, 3, due_at)
    assert after_check(suspect, DOWN, due_at, DAY_S, 0.5).state is S.FAILING
    assert after_check(suspect, None, NOW, DAY_S, 0.5, early_for=due_at).state is S.CONNECTED
    refused = after_check(
        HealthFacts(S.SUSPECT, 1, NOW, DOWN.kind), REFUSED, NOW, DAY_S, 0.5, early_for=due_at
    )
    assert refused.recheck_now, "a refused credential is rechecked at once, whoever asked"


class Desk:
    """Keeps the facts between checks, as the store does."""

    def __init__(self, state: ConnectionState = S.CONNECTED, now: datetime = NOW) -> None:
        self.facts = HealthFacts(state, 0, now)
        self.now = now
        self.change: HealthChange | None = None

    def keep(self, change: HealthChange, failed: Failure | None) -> HealthChange:
        since = self.now if change.changed else self.facts.state_since
        self.facts = HealthFacts(change.state, change.suspect_checks, since, failed.kind if failed else None)
        self.change = change
        return change

    def check(self, failed: Failure | None, unit: float = 0.5) -> HealthChange:
        return self.keep(after_check(self.facts, failed, self.now, DAY_S, unit), failed)

    def deliver(self, failed: Failure | None, *, probe: bool = False) -> HealthChange:
        return self.keep(after_delivery_evidence(self.facts, failed, self.now, probe=probe), failed)

    def wait(self) -> float:
        """Let time pass until the next check; return how long that was."""
        assert self.change is not None
        assert self.change.next_check_at is not None
        waited, self.now = self.change.next_check_at - self.now, self.change.next_check_at
        return waited.total_seconds()


@given(st.lists(FAILURES, max_size=6), UNITS, st.sampled_from([S.UNKNOWN, S.CONNECTED, S.FAILING]))
def test_any_success_gives_connected(failures: list[Failure], unit: float, state: ConnectionState) -> None:
    desk = Desk(state)
    for failed in failures:
        desk.check(failed, unit)
    was = desk.facts.state
    change = desk.check(None, unit)
    assert change.state is S.CONNECTED
    assert change.recovered is (was is S.FAILING)
    assert DAY_S * 0.9 <= desk.wait() <= DAY_S * 1.1


@given(st.lists(st.none() | FAILURES, max_size=30), UNITS)
def test_never_failing_without_confirmation(results: list[Failure | None], unit: float) -> None:
    desk = Desk()
    bad: list[Failure] = []
    for failed in results:
        before = desk.facts.state
        change = desk.check(failed, unit)
        desk.wait()
        bad = [*bad, failed] if failed else []
        assert change.opened is (before is not S.FAILING and change.state is S.FAILING)
        if change.state is S.FAILING:
            twice_refused = any(
                first.kind in CREDENTIAL_KINDS and second.kind in CREDENTIAL_KINDS
                for first, second in itertools.pairwise(bad)
            )
            assert twice_refused or len(bad) >= 4
        elif failed:
            assert change.state is S.SUSPECT
            assert 1 <= change.suspect_checks <= 3


def test_an_outage_is_rechecked_after_1_5_and_15_minutes_then_every_15() -> None:
    desk = Desk()
    waits, words = [], []
    for _ in range(6):
        words.append((desk.check(DOWN).state, desk.facts.suspect_checks))
        waits.append(desk.wait() / 60)
    assert waits == [1, 5, 15, 15, 15, 15]
    assert words == [(S.SUSPECT, 1), (S.SUSPECT, 2), (S.SUSPECT, 3), *[(S.FAILING, 0)] * 3]


def test_a_refused_credential_is_rechecked_at_once_then_hourly() -> None:
    desk = Desk()
    first = desk.check(REFUSED)
    assert (first.state, first.recheck_now, desk.wait()) == (S.SUSPECT, True, 0)
    second = desk.check(REFUSED)
    assert (second.state, second.recheck_now, second.opened) == (S.FAILING, False, True)
    assert desk.wait() == 3600
    again = desk.check(REFUSED)
    assert (again.state, again.opened) == (S.FAILING, False)


def test_a_refusal_after_a_timeout_is_confirmed_first() -> None:
    desk = Desk()
    desk.check(DOWN)
    assert desk.check(REFUSED).state is S.SUSPECT
    assert desk.check(REFUSED).state is S.FAILING


def test_one_bad_answer_after_days_of_health_is_no_failure() -> None:
    desk = Desk()
    for failed in (DOWN, None, REFUSED, None, DOWN, None):
        assert desk.check(failed).state is not S.FAILING


def test_a_recheck_waits_as_long_as_the_app_asks_up_to_an_hour() -> None:
    desk = Desk()
    desk.check(failure(ErrorKind.RATE_LIMITED, status=429, retry_after_s=120))
    assert desk.wait() == 120
    desk.check(failure(ErrorKind.RATE_LIMITED, status=429, retry_after_s=1e9))
    assert desk.wait() == 3600


def test_two_refused_deliveries_in_a_row_fail_a_connection_without_heartbeat() -> None:
    desk = Desk(S.UNKNOWN)
    assert desk.deliver(REFUSED).state is S.SUSPECT
    change = desk.deliver(REFUSED)
    assert (change.state, change.opened) == (S.FAILING, True)
    assert desk.wait() == 3600


def test_a_burst_of_refused_connections_is_no_outage_until_it_lasts() -> None:
    desk = Desk()
    for _ in range(100):
        assert desk.deliver(DOWN).state is S.SUSPECT
    seen = []
    while desk.facts.state is S.SUSPECT and len(seen) < 60:
        desk.now += timedelta(minutes=1)
        seen.append(desk.deliver(DOWN).suspect_checks)
    assert desk.facts.state is S.FAILING
    assert len(seen) == 21
    assert seen == [2] * 5 + [3] * 15 + [0]


def test_a_failing_connection_without_heartbeat_is_probed_by_one_delivery() -> None:
    desk = Desk(S.FAILING)
    desk.deliver(DOWN)
    assert desk.wait() == 900
    probe = desk.deliver(None, probe=True)
    assert (probe.state, probe.suspect_checks, probe.recovered) == (S.SUSPECT, 0, False)
    failed = desk.deliver(failure(ErrorKind.TIMEOUT))
    assert (failed.state, failed.opened) == (S.FAILING, False)
    desk.wait()
    desk.deliver(None, probe=True)
    assert desk.deliver(None).recovered


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_refused_record_never_turns_a_connection_red_and_proves_it_healthy(status: int) -> None:
    refused = failure(ErrorKind.REFUSED, status=status)
    assert proves_health(refused)
    assert not is_health_evidence(refused)
    for state in S:
        assert Desk(state).deliver(refused).state is S.CONNECTED


@given(st.lists(FAILURES.filter(lambda failed: not is_health_evidence(failed)), min_size=1, max_size=30))
def test_failures_of_records_say_nothing_of_health(failures: list[Failure]) -> None:
    for state in (S.UNKNOWN, S.CONNECTED, S.FAILING):
        desk = Desk(state)
        for failed in failures:
            change = desk.deliver(failed)
            assert (change.state, change.changed) == (state, False)
            assert (change.next_check_at is not None) is (state is S.FAILING)


def test_what_makes_a_delivery_ask_for_a_check() -> None:
    evidence = {kind for kind in ErrorKind if is_health_evidence(failure(kind))}
    assert evidence == CREDENTIAL_KINDS | REACHABILITY_KINDS


def test_the_words() -> None:
    words = [state_word(state, False) for state in S]
    assert words == ["Not checked yet", "Connected", "Checking again", "Connection failure"]
    judged = [state_word(state, True) for state in S]
    assert judged == ["Judged by deliveries", "Judged by deliveries", "Checking again", "Connection failure"]


def test_with_a_slot_a_connection_that_just_works_goes_there_and_stays_near_it() -> None:
    first = after_check(HealthFacts(S.UNKNOWN, 0, NOW), None, NOW, DAY_S, 0.5, slot=0.25)
    assert first.next_check_at is not None
    assert first.next_check_at.time().isoformat() == "06:00:00"
    again = after_check(HealthFacts(S.CONNECTED, 0, NOW), None, first.next_check_at, DAY_S, 0.5, slot=0.25)
    assert again.next_check_at == first.next_check_at + timedelta(days=1)


def test_a_failing_connection_waits_as_long_as_the_app_asks_up_to_an_hour() -> None:
    asked = failure(ErrorKind.RATE_LIMITED, status=429, retry_after_s=2400)
    change = after_check(HealthFacts(S.FAILING, 0, NOW), asked, NOW, DAY_S, 0.5)
    assert change.next_check_at == NOW + timedelta(seconds=2400)
    endless = failure(ErrorKind.RATE_LIMITED, status=429, retry_after_s=10**9)
    change = after_check(HealthFacts(S.FAILING, 0, NOW), endless, NOW, DAY_S, 0.5)
    assert change.next_check_at == NOW + timedelta(hours=1)


def test_only_silence_can_be_the_network_of_the_desk() -> None:
    silent = {kind for kind in ErrorKind if may_be_our_network(failure(kind))}
    assert silent == {
        ErrorKind.DNS,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.TLS,
        ErrorKind.TIMEOUT,
        ErrorKind.RESET,
    }
    assert not may_be_our_network(failure(ErrorKind.TIMEOUT, status=408)), "an answer came"


def test_words_of_a_connection_that_pings_the_desk():
    assert state_word(S.UNKNOWN, False, pinged=True) == "Waiting for first ping"
    assert state_word(S.CONNECTED, False, pinged=True) == "Connected"
    assert state_word(S.FAILING, False, pinged=True, kind="late") == "Late"
    assert state_word(S.FAILING, False, pinged=True, kind="refused") == "Connection failure"
    assert state_word(S.FAILING, False, kind="late") == "Connection failure"
