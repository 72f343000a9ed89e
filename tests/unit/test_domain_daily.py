"""Daily checks are spread over the day, and stay so."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.daily import next_in_slot, slot_of

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
DAY_S = 86_400.0
SLOTS = st.floats(0, 1, exclude_max=True)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by contract


def test_a_thousand_connections_that_begin_at_once_are_spread_over_the_whole_day() -> None:
    hours = Counter(
        int(
            (next_in_slot(NOW, DAY_S, slot_of(f"con_{n}"), 0.1, settled=False) - NOW).total_seconds()
            // 3600
            % 24
        )
        for n in range(1000)
    )
    assert set(hours) == set(range(24))
    assert max(hours.values()) < 3 * 1000 / 24


@given(TIMES, SLOTS, st.floats(60, 7 * DAY_S), st.floats(0, 0.99))
def test_the_first_check_comes_within_one_interval_and_never_at_once(
    now: datetime, slot: float, every_s: float, jitter: float
) -> None:
    wait_s = (next_in_slot(now, every_s, slot, jitter, settled=False) - now).total_seconds()
    assert 0 < wait_s <= every_s * 1.0101


@given(TIMES, SLOTS, st.floats(60, 7 * DAY_S), st.floats(0, 0.99))
def test_a_settled_one_is_checked_once_an_interval_give_or_take_the_jitter(
    now: datetime, slot: float, every_s: float, jitter: float
) -> None:
    wait_s = (next_in_slot(now, every_s, slot, jitter, settled=True) - now).total_seconds()
    assert every_s * (1 - jitter) - 0.001 <= wait_s <= every_s * (1 + jitter) + 0.001


@given(TIMES, SLOTS)
def test_whenever_it_was_checked_it_is_back_in_its_slot_within_six_days(now: datetime, slot: float) -> None:
    for _ in range(6):
        now = next_in_slot(now, DAY_S, slot, 0.1, settled=True)
    off_s = (now.timestamp() - slot * DAY_S) % DAY_S
    assert min(off_s, DAY_S - off_s) < 1
    assert next_in_slot(now, DAY_S, slot, 0.1, settled=True) - now == timedelta(days=1) or off_s > 0
