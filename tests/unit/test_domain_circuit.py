"""The circuit's decisions, by hand-picked cases and by any sequence of results."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain import circuit
from healthdesk.domain.circuit import CLOSED, CircuitFacts, Counted, Window
from healthdesk.domain.delivery import Circuit
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, CircuitState, ErrorKind
from healthdesk.testing import START

RULES = Circuit()
NOW = START


def failure(kind: ErrorKind, status: int | None = None, sent: Sent = Sent.YES) -> Failure:
    return Failure(kind, Blame.THEM, False, "s", "s", "n", sent, status=status)


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("why", "speaks"),
    [
        (failure(ErrorKind.SERVER_ERROR, 503), True),
        (failure(ErrorKind.RATE_LIMITED, 429), True),
        (failure(ErrorKind.TIMEOUT), True),
        (failure(ErrorKind.RESET, sent=Sent.MAYBE), True),
        (failure(ErrorKind.CONNECTION_REFUSED, sent=Sent.NO), True),
        (failure(ErrorKind.AUTHENTICATION, 401), True),
        (failure(ErrorKind.NOT_FOUND, 404), True),
        (failure(ErrorKind.REFUSED, 422), False),
        (failure(ErrorKind.MISSING_FIELD, 400), False),
        (failure(ErrorKind.TOO_LARGE, 413), False),
        (failure(ErrorKind.INTERNAL, sent=Sent.MAYBE), False),
        (failure(ErrorKind.INTERRUPTED, sent=Sent.NO), False),
    ],
)
def test_failures_of_the_endpoint_count_and_those_of_a_record_do_not(why, speaks):
    assert circuit.counts(why, judged_by_deliveries=False, templated=False) is speaks


def test_what_a_connection_is_judged_by_is_left_to_it():
    refused = failure(ErrorKind.CONNECTION_REFUSED, sent=Sent.NO)
    assert not circuit.counts(refused, judged_by_deliveries=True, templated=False)
    assert circuit.counts(failure(ErrorKind.SERVER_ERROR, 500), judged_by_deliveries=True, templated=False)


def test_an_address_made_of_the_record_that_is_not_found_may_be_the_records_fault():
    assert not circuit.counts(failure(ErrorKind.NOT_FOUND, 404), judged_by_deliveries=False, templated=True)


@pytest.mark.parametrize(
    ("total", "failed", "does"), [(9, 9, False), (10, 6, False), (10, 7, True), (100, 69, False)]
)
def test_it_opens_at_its_share_of_enough_attempts(total, failed, does):
    assert circuit.opens(CLOSED, RULES, Counted(total, failed)) is does


def test_switched_off_it_never_opens():
    assert not circuit.opens(CLOSED, Circuit(enabled=False), Counted(1000, 1000))


def test_failed_probes_double_the_wait_up_to_the_longest():
    facts = circuit.opened(CLOSED, RULES, NOW, "10 of 10 attempts failed")
    assert facts == CircuitFacts(CircuitState.OPEN, NOW, after(30), 0, "10 of 10 attempts failed")
    waits = []
    for _ in range(7):
        facts = circuit.probed(circuit.probing(facts, NOW, 30), RULES, NOW, good=False)
        waits.append((facts.probe_at - NOW).total_seconds())
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    assert facts.reason == "10 of 10 attempts failed"


def test_an_endpoint_that_asks_for_time_is_given_it_up_to_the_longest_wait():
    facts = circuit.probing(circuit.opened(CLOSED, RULES, NOW, ""), NOW, 30)
    assert circuit.probed(facts, RULES, NOW, good=False, retry_after_s=300).probe_at == after(300)
    assert circuit.probed(facts, RULES, NOW, good=False, retry_after_s=90_000).probe_at == after(900)
    assert circuit.probed(facts, RULES, NOW, good=False, retry_after_s=1).probe_at == after(60)


def test_the_ramp_doubles_until_it_lets_all_through():
    facts = circuit.probed(circuit.probing(CLOSED, NOW, 30), RULES, NOW, good=True)
    limits = []
    while facts.state is CircuitState.RAMPING:
        limits.append(circuit.ramp_limit(facts.step))
        facts = circuit.ramped(facts, NOW, 16)
    assert limits == [2, 4, 8]
    assert facts == CircuitFacts(CircuitState.CLOSED, NOW)


def test_on_the_ramp_as_many_failures_as_it_lets_through_open_it_again():
    facts = circuit.probed(circuit.probing(CLOSED, NOW, 30), RULES, NOW, good=True)
    assert not circuit.opens(facts, RULES, Counted(1, 1))
    assert circuit.opens(facts, RULES, Counted(2, 2))
    again = circuit.opened(facts, RULES, NOW, "2 of 2 attempts failed")
    assert again.probe_at == after(60)


def test_a_ramp_without_traffic_ends_by_itself():
    facts = CircuitFacts(CircuitState.RAMPING, NOW, None, 1)
    assert not circuit.idled(facts, RULES, after(299))
    assert circuit.idled(facts, RULES, after(300))
    assert circuit.idled(facts, RULES, after(-7200)), "begun by a clock that was ahead"


def test_a_clock_that_was_ahead_keeps_no_circuit_waiting():
    facts = circuit.opened(CLOSED, RULES, after(86_400), "")
    assert circuit.probe_due(facts, RULES, NOW, 30)
    assert not circuit.probe_due(circuit.opened(CLOSED, RULES, after(1800), ""), RULES, NOW, 30), (
        "clocks of one desk may differ that much"
    )
    lost = circuit.probing(facts, after(86_400), 30)
    assert circuit.probe_due(lost, RULES, NOW, 30)


def test_a_probe_without_a_result_is_given_up_after_its_timeout_and_some_grace():
    facts = circuit.probing(circuit.opened(CLOSED, RULES, NOW, ""), NOW, 30)
    assert not circuit.probe_due(facts, RULES, after(59), 30)
    assert circuit.probe_due(facts, RULES, after(60), 30)


@given(st.lists(st.tuples(st.floats(0, 50), st.booleans()), max_size=200))
def test_the_window_counts_what_is_young_and_forgets_what_is_old(results):
    window, at, kept = Window(300), 1000.0, []
    for gap, good in results:
        at += gap
        window.note(at, good=good)
        kept.append((at, good))
    seen = window.counted(at)
    surely = [good for when, good in kept if at - when <= 300 - 300 / circuit.SLICES]
    maybe = [good for when, good in kept if at - when <= 300]
    assert len(surely) <= seen.total <= len(maybe)
    assert surely.count(False) <= seen.failed <= maybe.count(False)
    assert window.counted(at + 301).total == 0


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 64))
def test_whatever_the_probes_say_the_circuit_waits_ramps_or_is_closed(results, concurrency):
    facts, now = circuit.opened(CLOSED, RULES, NOW, "x"), NOW
    for good in results:
        if facts.state is CircuitState.OPEN:
            assert facts.probe_at is not None
            assert timedelta(seconds=30) <= facts.probe_at - now <= timedelta(seconds=900)
            now = facts.probe_at
            assert circuit.probe_due(facts, RULES, now, 30)
            facts = circuit.probed(circuit.probing(facts, now, 30), RULES, now, good=good)
        elif facts.state is CircuitState.RAMPING:
            facts = (
                circuit.ramped(facts, now, concurrency) if good else circuit.opened(facts, RULES, now, "x")
            )
        else:
            break
