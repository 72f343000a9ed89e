"""What is usual of a source is learnt from its gaps; silence is longer than that."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.silence import (
    KEPT_DAYS,
    Learnt,
    in_words,
    key_for_silence,
    learn,
    learnt_limit,
    limit_of,
    usual_gap,
)
from healthdesk.domain.states import Environment
from healthdesk.testing import START

PRODUCTION, TESTING = Environment.PRODUCTION, Environment.TESTING


def sent(*gaps_s: float, start=START) -> list:
    at, found = start, [("rec_0", start)]
    for number, gap in enumerate(gaps_s, 1):
        at += timedelta(seconds=gap)
        found.append((f"rec_{number}", at))
    return found


def test_too_few_gaps_say_nothing():
    assert usual_gap(learn(Learnt(), sent(*[60] * 19))) is None
    assert limit_of(learn(Learnt(), sent(*[60] * 19)), None, PRODUCTION) is None
    assert usual_gap(learn(Learnt(), sent(*[60] * 20))) is not None


def test_silence_is_three_times_what_nearly_all_gaps_stay_within():
    known = learn(Learnt(), sent(*[3600] * 99, 2 * 86_400))
    usual = usual_gap(known)
    assert timedelta(hours=1) <= usual <= timedelta(hours=1.2)
    assert learnt_limit(known) == 3 * usual


def test_a_source_that_sends_all_the_time_is_given_ten_minutes():
    assert learnt_limit(learn(Learnt(), sent(*[1] * 500))) == timedelta(minutes=10)


def test_a_source_that_rests_at_night_is_not_silent_at_night():
    day = [60] * 600 + [14 * 3600]
    known = learn(Learnt(), sent(*day, *day))
    assert learnt_limit(known) < timedelta(hours=14), "twice may be chance"
    known = learn(Learnt(), sent(*day, *day, *day))
    assert learnt_limit(known) > timedelta(hours=14)


def test_what_was_set_goes_before_what_was_learnt_and_testing_learns_nothing():
    known = learn(Learnt(), sent(*[60] * 30))
    assert limit_of(known, 7200, PRODUCTION) == timedelta(hours=2)
    assert limit_of(known, 0, PRODUCTION) is None
    assert limit_of(known, None, TESTING) is None
    assert limit_of(known, 7200, TESTING) == timedelta(hours=2)


def test_what_is_older_than_a_month_is_forgotten():
    known = learn(Learnt(), sent(*[60] * 30))
    later = START + timedelta(days=KEPT_DAYS + 2)
    known = learn(known, [("rec_x", later), ("rec_y", later + timedelta(seconds=5))])
    assert sum(known.gaps().values()) == 2


def test_a_clock_that_was_set_back_makes_no_gap():
    known = learn(Learnt(), [("rec_1", START), ("rec_2", START - timedelta(hours=5)), ("rec_3", START)])
    assert not known.gaps()
    assert known.last_at == START


@given(st.lists(st.floats(0, 1e6), max_size=80), st.integers(0, 80))
def test_learning_in_rounds_and_keeping_between_them_is_learning_at_once(gaps, cut):
    arrivals = sent(*gaps)
    at_once = learn(Learnt(), arrivals)
    rounds = learn(Learnt.from_json(learn(Learnt(), arrivals[:cut]).to_json()), arrivals[cut:])
    assert rounds == at_once
    assert Learnt.from_json(at_once.to_json()) == at_once


def test_the_problem_names_the_source_and_since_when():
    key = key_for_silence("src_1", "Heart health", "int_1", PRODUCTION, START, timedelta(hours=3), "alice")
    assert key.cause == "Heart health sent nothing since 2026-03-02 09:30 UTC, longer than 3 h"
    assert key.safe_cause == key.cause
    assert (key.integration_id, key.connection_id, key.environment) == ("int_1", None, PRODUCTION)


def test_lengths_are_told_in_two_units():
    assert in_words(timedelta(minutes=90)) == "1 h 30 min"
    assert in_words(timedelta(days=2, hours=3, minutes=4)) == "2 d 3 h"
    assert in_words(timedelta(seconds=5)) == "1 min"
