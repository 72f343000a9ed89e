"""Flapping is many changes in a short time, and ends with quiet."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.flapping import CHANGES, QUIET, WITHIN, Transition, flapping_since, quiet_at, turns
from healthdesk.domain.states import ConnectionState as S

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
MINUTES = st.lists(st.integers(0, 12 * 60), max_size=30)


def to_and_fro(*minutes_ago: float) -> list[Transition]:
    states = [S.CONNECTED, S.SUSPECT]
    return [
        Transition(NOW - timedelta(minutes=ago), states[n % 2], states[(n + 1) % 2])
        for n, ago in enumerate(sorted(minutes_ago, reverse=True))
    ]


def test_four_changes_in_six_hours_are_flapping_since_the_first() -> None:
    four = to_and_fro(200, 120, 60, 0)
    assert flapping_since(None, four, NOW) == NOW - timedelta(minutes=200)
    assert flapping_since(None, four[1:], NOW) is None
    assert flapping_since(None, to_and_fro(361, 120, 60, 0), NOW) is None


def test_getting_worse_and_the_first_check_are_no_changes() -> None:
    steps = [S.UNKNOWN, S.SUSPECT, S.FAILING, S.SUSPECT, S.FAILING, S.CONNECTED]
    transitions = [
        Transition(NOW + timedelta(minutes=n), before, after)
        for n, (before, after) in enumerate(itertools.pairwise(steps))
    ]
    assert turns(transitions) == [NOW + timedelta(minutes=4)]


def test_it_ends_after_a_quiet_time_and_not_before() -> None:
    seen = to_and_fro(200, 120, 60, 0)
    since = flapping_since(None, seen, NOW)
    assert flapping_since(since, seen, NOW + QUIET - timedelta(seconds=1)) == since
    assert flapping_since(since, seen, NOW + QUIET) is None
    assert quiet_at(seen, NOW) == NOW + QUIET
    assert flapping_since(since, [], NOW) is None, "retention took its transitions: nothing is known of it"


@given(MINUTES)
def test_it_is_marked_exactly_when_enough_changed_within_the_window(minutes: list[int]) -> None:
    seen = to_and_fro(*minutes)
    recent = [ago for ago in minutes if timedelta(minutes=ago) < WITHIN]
    assert (flapping_since(None, seen, NOW) is not None) is (len(recent) >= CHANGES)
