"""Every attempt leads its record to exactly one state, and a retry comes when it should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.retry import DEFAULT_SCHEDULE_S, longest_wait_s, next_attempt_at
from healthdesk.domain.states import AttemptOutcome, Blame, ErrorKind, OnUnknown, RecordState
from healthdesk.domain.transitions import (
    RESEND_ALL_STATES,
    RESENDABLE_STATES,
    NextStep,
    after_attempt,
    after_interruption,
    can_resend,
)

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
UNITS = st.floats(0, 1, exclude_max=True)
SCHEDULES = st.lists(st.floats(0, 100_000), min_size=1, max_size=10)


def failure(
    *,
    kind: ErrorKind = ErrorKind.SERVER_ERROR,
    permanent: bool = False,
    sent: Sent = Sent.YES,
    status: int | None = 500,
    retry_after_s: float | None = None,
) -> Failure:
    return Failure(kind, Blame.THEM, permanent, "s", "s", "n", sent, status, retry_after_s)


FAILURES = st.builds(
    failure,
    kind=st.sampled_from(ErrorKind),
    permanent=st.booleans(),
    sent=st.sampled_from(Sent),
    status=st.none() | st.integers(100, 599),
    retry_after_s=st.none() | st.floats(0, 1e9),
)


def decide(
    given_failure: Failure | None, tries: int = 1, on_unknown: OnUnknown = OnUnknown.RESEND
) -> NextStep:
    return after_attempt(
        given_failure,
        tries=tries,
        schedule=DEFAULT_SCHEDULE_S,
        now=NOW,
        jitter_unit=0.5,
        on_unknown=on_unknown,
    )


@given(FAILURES, st.integers(1, 12), SCHEDULES, UNITS, st.sampled_from(OnUnknown))
def test_every_failure_leads_to_exactly_one_state(
    failed: Failure, tries: int, schedule: list[float], unit: float, on_unknown: OnUnknown
) -> None:
    step = after_attempt(
        failed, tries=tries, schedule=schedule, now=NOW, jitter_unit=unit, on_unknown=on_unknown
    )
    unanswered = failed.status is None and failed.sent is not Sent.NO
    assert step.state in {RecordState.RETRYING, RecordState.FAILED, RecordState.UNKNOWN}
    assert (step.next_at is not None) == (step.state is RecordState.RETRYING)
    assert step.next_at is None or step.next_at >= NOW
    assert (step.state is RecordState.UNKNOWN) == (unanswered and on_unknown is OnUnknown.HOLD)
    if step.state is not RecordState.UNKNOWN:
        assert (step.state is RecordState.FAILED) == (failed.permanent or tries >= len(schedule))
    if unanswered:
        assert step.outcome is AttemptOutcome.UNKNOWN
    else:
        assert step.outcome is (AttemptOutcome.REFUSED if failed.permanent else AttemptOutcome.FAILED)


def test_success_is_delivered() -> None:
    assert decide(None) == NextStep(RecordState.DELIVERED, None, AttemptOutcome.DELIVERED)


def test_a_permanent_refusal_fails_at_once() -> None:
    assert decide(failure(permanent=True, status=422)) == NextStep(
        RecordState.FAILED, None, AttemptOutcome.REFUSED
    )


def test_a_failing_record_follows_the_schedule_and_then_fails() -> None:
    waits = [decide(failure(), tries).next_at for tries in range(1, len(DEFAULT_SCHEDULE_S) + 1)]
    assert waits == [*(NOW + timedelta(seconds=wait) for wait in DEFAULT_SCHEDULE_S[1:]), None]
    assert decide(failure(), len(DEFAULT_SCHEDULE_S)).state is RecordState.FAILED


@pytest.mark.parametrize("sent", [Sent.MAYBE, Sent.YES])
def test_no_answer_after_sending_is_unknown(sent: Sent) -> None:
    lost = failure(kind=ErrorKind.TIMEOUT, sent=sent, status=None)
    assert decide(lost) == NextStep(RecordState.RETRYING, NOW + timedelta(seconds=5), AttemptOutcome.UNKNOWN)
    assert decide(lost, 8) == NextStep(RecordState.FAILED, None, AttemptOutcome.UNKNOWN)
    held = decide(lost, on_unknown=OnUnknown.HOLD)
    assert held == NextStep(RecordState.UNKNOWN, None, AttemptOutcome.UNKNOWN)


def test_what_was_never_sent_is_simply_tried_again() -> None:
    refused = failure(kind=ErrorKind.CONNECTION_REFUSED, sent=Sent.NO, status=None)
    step = decide(refused, on_unknown=OnUnknown.HOLD)
    assert (step.state, step.outcome) == (RecordState.RETRYING, AttemptOutcome.FAILED)


def test_an_interrupted_attempt_is_sent_again_or_left_to_the_operator() -> None:
    assert after_interruption(OnUnknown.RESEND, NOW) == NextStep(
        RecordState.QUEUED, NOW, AttemptOutcome.INTERRUPTED
    )
    assert after_interruption(OnUnknown.HOLD, NOW) == NextStep(
        RecordState.UNKNOWN, None, AttemptOutcome.INTERRUPTED
    )


@pytest.mark.parametrize("on_unknown", OnUnknown)
def test_an_endpoint_that_can_be_asked_is_asked_before_anything_is_sent_again(on_unknown: OnUnknown) -> None:
    asked_at_once = after_interruption(on_unknown, NOW, asks=True)
    assert asked_at_once == NextStep(RecordState.UNKNOWN, NOW, AttemptOutcome.INTERRUPTED)

    def after(failed: Failure, tries: int) -> NextStep:
        return after_attempt(
            failed,
            tries=tries,
            schedule=DEFAULT_SCHEDULE_S,
            now=NOW,
            jitter_unit=0.5,
            on_unknown=on_unknown,
            asks=True,
        )

    lost = failure(kind=ErrorKind.TIMEOUT, sent=Sent.MAYBE, status=None)
    steps = [after(lost, tries) for tries in range(1, len(DEFAULT_SCHEDULE_S) + 2)]
    assert {(step.state, step.outcome) for step in steps} == {(RecordState.UNKNOWN, AttemptOutcome.UNKNOWN)}
    waits = [step.next_at - NOW for step in steps if step.next_at]
    assert waits == [timedelta(seconds=s) for s in (5, *[60] * 8)], "also after the last try: it may be there"
    never_sent = failure(kind=ErrorKind.CONNECTION_REFUSED, sent=Sent.NO, status=None)
    for other in (never_sent, failure(status=500), failure(status=422, permanent=True)):
        assert after(other, 1).state is not RecordState.UNKNOWN


def test_a_success_that_is_confirmed_later_awaits_its_receipt() -> None:
    def after(failed: Failure | None) -> NextStep:
        return after_attempt(
            failed,
            tries=1,
            schedule=DEFAULT_SCHEDULE_S,
            now=NOW,
            jitter_unit=0.5,
            on_unknown=OnUnknown.RESEND,
            confirmed_within_s=90,
        )

    assert after(None) == NextStep(
        RecordState.AWAITING_RECEIPT, NOW + timedelta(seconds=90), AttemptOutcome.DELIVERED
    )
    assert after(failure()).state is RecordState.RETRYING


def test_every_state_can_be_resent_or_says_why_not() -> None:
    for state in RecordState:
        assert (can_resend(state) == "") == (state in RESENDABLE_STATES)
    assert RESEND_ALL_STATES < RESENDABLE_STATES
    assert RecordState.DELIVERED not in RESEND_ALL_STATES


@given(st.integers(0, 12), SCHEDULES, UNITS, st.floats(0, 1))
def test_jitter_stays_within_its_share(tries: int, schedule: list[float], unit: float, jitter: float) -> None:
    at = next_attempt_at(NOW, tries, schedule, unit, None, jitter)
    if at is None:
        assert tries >= len(schedule)
        return
    delay_s, step_s = (at - NOW).total_seconds(), schedule[tries]
    assert step_s * (1 - jitter) - 1e-3 <= delay_s <= step_s * (1 + jitter) + 1e-3


@given(st.integers(0, 9), SCHEDULES, UNITS, st.floats(0, 1e12))
def test_retry_after_is_honoured_within_two_steps_or_an_hour(
    tries: int, schedule: list[float], unit: float, asked_s: float
) -> None:
    at = next_attempt_at(NOW, tries, schedule, unit, asked_s)
    if at is None:
        return
    delay_s = (at - NOW).total_seconds()
    limit_s = max(sum(schedule[tries : tries + 2]), 3600)
    assert delay_s >= min(asked_s, limit_s) - 1e-3
    assert delay_s <= max(limit_s, schedule[tries] * 1.2) + 1e-3


def test_retry_after_never_shortens_a_wait() -> None:
    at = next_attempt_at(NOW, 3, DEFAULT_SCHEDULE_S, 0.5, 1.0)
    assert at == NOW + timedelta(seconds=1800)


def test_jitter_spreads_both_ways() -> None:
    early = next_attempt_at(NOW, 2, DEFAULT_SCHEDULE_S, 0.0, None)
    late = next_attempt_at(NOW, 2, DEFAULT_SCHEDULE_S, 0.999, None)
    assert early == NOW + timedelta(seconds=240)
    assert late is not None
    assert late > NOW + timedelta(seconds=359)


@given(tries=st.integers(0, 12), schedule=SCHEDULES, unit=UNITS, asked_s=st.none() | st.floats(0, 1e9))
def test_no_wait_is_longer_than_the_longest(tries, schedule, unit, asked_s) -> None:
    at = next_attempt_at(NOW, tries, schedule, unit, asked_s)
    if at is not None:
        assert at <= NOW + timedelta(seconds=longest_wait_s(tries, schedule))
