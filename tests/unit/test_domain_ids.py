"""Ids grow, hold their time, and their ranges are ranges of time."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.ids import IdFactory, first_id_at, id_time, is_id
from healthdesk.errors import Malformed

NOW = datetime(2025, 11, 22, 14, 2, 1, 123456, tzinfo=UTC)
TIMES = st.integers(0, 250_000_000_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
PREFIXES = st.sampled_from(["rec", "att", "prb", "con"])


def factory(seed: int = 1) -> IdFactory:
    return IdFactory(random.Random(seed).randbytes)


def body(text: str) -> str:
    return text.partition("_")[2]


@given(st.lists(st.tuples(PREFIXES, TIMES), min_size=2, max_size=50), st.integers(0, 5))
def test_ids_grow_across_prefixes_whatever_the_clock_does(
    calls: list[tuple[str, datetime]], seed: int
) -> None:
    ids = factory(seed)
    made = [body(ids.new(prefix, at)) for prefix, at in calls]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("noise", [b"\x00", b"\xff"])
def test_ids_of_one_millisecond_grow_with_the_least_lucky_randomness(noise: bytes) -> None:
    ids = IdFactory(lambda count: noise * count)
    made = [ids.new("rec", NOW) for _ in range(5000)]
    assert made == sorted(set(made))
    assert {id_time(text) for text in made} == {NOW.replace(microsecond=123000)}


@given(TIMES)
def test_the_time_is_in_the_id_to_the_millisecond(at: datetime) -> None:
    made = factory().new("rec", at)
    assert timedelta() <= at - id_time(made) < timedelta(milliseconds=1)
    assert is_id("rec", made)
    assert not is_id("att", made)


@given(TIMES, TIMES)
def test_a_range_of_ids_is_a_range_of_time(made_at: datetime, bound: datetime) -> None:
    made = factory().new("rec", made_at)
    whole = bound.replace(microsecond=bound.microsecond // 1000 * 1000)
    assert (made >= first_id_at("rec", bound)) == (made_at >= whole)


def test_ids_made_in_threads_at_once_are_unique() -> None:
    ids = factory()
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [ids.new("rec", NOW) for _ in range(2000)], range(8)))
    assert len({made for batch in batches for made in batch}) == 16_000
    assert all(batch == sorted(batch) for batch in batches)


def test_two_daemons_make_different_ids_at_the_same_time() -> None:
    one, other = factory(1), factory(2)
    assert not {one.new("rec", NOW) for _ in range(1000)} & {other.new("rec", NOW) for _ in range(1000)}


def test_zones_do_not_matter() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert first_id_at("rec", NOW) == first_id_at("rec", elsewhere)


def test_shape() -> None:
    made = factory().new("rec", NOW)
    assert made.startswith("rec_01K")
    assert len(body(made)) == 26
    assert first_id_at("rec", datetime(1960, 1, 1, tzinfo=UTC)) == "rec_" + "0" * 26


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rec_",
        "rec",
        "rec_01",
        "rec_" + "U" * 26,
        "rec_" + "8" + "0" * 25,
        "rec_" + "0" * 27,
        "rec_" + "0" * 26 + "\n",
        "REC_" + "0" * 26,
        "rec-" + "0" * 26,
        "rec_" + "a" * 26,
        "rec_" + "٣" * 26,
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    assert not is_id("rec", text)
    with pytest.raises(Malformed):
        id_time(text)


def test_an_id_of_a_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Malformed):
        id_time("rec_7" + "Z" * 25)
