"""Token buckets: a burst of a minute's worth, then as fast as they refill."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from healthdesk.http.limits import TokenBuckets


def test_a_minutes_worth_passes_at_once_and_then_callers_are_told_how_long_to_wait() -> None:
    buckets = TokenBuckets()
    assert [buckets.take("k", 3, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("k", 3, 0.0) == 20.0
    assert buckets.take("k", 3, 19.0) > 0
    assert buckets.take("k", 3, 20.0) == 0.0


def test_keys_do_not_share_a_bucket() -> None:
    buckets = TokenBuckets()
    assert buckets.take("a", 1, 0.0) == 0.0
    assert buckets.take("a", 1, 0.0) > 0
    assert buckets.take("b", 1, 0.0) == 0.0


def test_memory_is_bounded() -> None:
    buckets = TokenBuckets(most_keys=2)
    for key in range(100):
        buckets.take(key, 1, 0.0)
    assert len(buckets._buckets) == 2


@given(per_minute=st.integers(1, 1000), steps=st.lists(st.floats(0, 5), max_size=60))
def test_never_more_than_the_burst_and_the_refill(per_minute: int, steps: list[float]) -> None:
    buckets, now, passed = TokenBuckets(), 0.0, 0
    for step in steps:
        now += step
        passed += buckets.take("k", per_minute, now) == 0.0
    assert passed <= per_minute + now * per_minute / 60 + 1e-6


@given(per_minute=st.integers(1, 1000))
def test_who_waits_as_told_passes(per_minute: int) -> None:
    buckets, now = TokenBuckets(), 0.0
    for _ in range(per_minute):
        assert buckets.take("k", per_minute, now) == 0.0
    for _ in range(3):
        now += buckets.take("k", per_minute, now)
        assert buckets.take("k", per_minute, now) == 0.0
