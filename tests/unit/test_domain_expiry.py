"""A credential's end is told 30, 14, 7 and 1 days ahead, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.expiry import cause_words, days_left, due_warning, left_words, near_words, threshold

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)


def in_(**ahead: float) -> datetime:
    return NOW + timedelta(**ahead)


@pytest.mark.parametrize(
    ("ahead_days", "reached"),
    [
        (31, None),
        (30, 30),
        (15, 30),
        (14, 14),
        (7.5, 14),
        (7, 7),
        (1.5, 7),
        (1, 1),
        (0.01, 1),
        (0, 0),
        (-3, 0),
    ],
)
def test_the_nearest_threshold_reached_counts(ahead_days: float, reached: int | None) -> None:
    assert threshold(in_(days=ahead_days), NOW) == reached


@given(st.floats(0, 60), st.lists(st.floats(0.001, 5), min_size=1, max_size=80))
def test_each_threshold_is_warned_of_at_most_once_and_in_order(ahead_days: float, steps: list[float]) -> None:
    expires_at, now, warned = in_(days=ahead_days), NOW, None
    told: list[int] = []
    for step in steps:
        due = due_warning(expires_at, now, warned)
        if due is not None:
            told.append(due)
            warned = due
        assert due_warning(expires_at, now, warned) is None, "repeating it tells nothing"
        now += timedelta(days=step)
    assert told == sorted(set(told), reverse=True)
    assert set(told) <= {30, 14, 7, 1, 0}


def test_all_five_are_told_when_somebody_looks_every_hour() -> None:
    expires_at, warned, told = in_(days=40), None, []
    for hour in range(41 * 24):
        due = due_warning(expires_at, NOW + timedelta(hours=hour), warned)
        if due is not None:
            warned = due
            told.append(due)
    assert told == [30, 14, 7, 1, 0]


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        ({"days": 30, "seconds": -40}, "30 days"),
        ({"days": 6}, "6 days"),
        ({"days": 1, "minutes": -1}, "1 day"),
        ({"hours": 23}, "23 hours"),
        ({"hours": 1}, "1 hour"),
        ({"minutes": 20}, "less than an hour"),
        ({"seconds": 0}, "expired"),
        ({"days": -2}, "expired"),
    ],
)
def test_what_is_left_in_words(ahead: dict[str, float], words: str) -> None:
    assert left_words(in_(**ahead), NOW) == words


def test_the_cause_says_what_happens_and_the_row_only_when_it_is_near() -> None:
    assert cause_words(in_(days=6), NOW, "bearer") == "token expires in 6 days"
    assert cause_words(in_(days=-6), NOW, "bearer") == "token expired"
    assert cause_words(in_(days=6), NOW, "mtls") == "client certificate expires in 6 days"
    assert cause_words(in_(days=-6), NOW, "mtls") == "client certificate expired"
    assert near_words(in_(days=31), NOW) == near_words(None, NOW) == ""
    assert near_words(in_(days=6), NOW) == "6 days"
    assert (days_left(in_(days=6), NOW), days_left(in_(days=-2), NOW)) == (6, -2)
