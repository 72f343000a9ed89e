"""How much an environment may take on."""

import asyncio
import random
from bisect import bisect_left
from itertools import pairwise

import pytest

from healthdesk.engine.slots import AHEAD_S, Bucket, Lane, Pace
from healthdesk.testing import FakeClock


def test_lane_claims_ahead_so_that_no_slot_waits_for_a_commit():
    lane = Lane(concurrency=4)
    assert lane.wants(0.0, ahead=True) == 8
    assert lane.wants(0.0, ahead=False) == 4


def test_lane_wants_nothing_until_woken_once_a_claim_came_back_short():
    lane = Lane(concurrency=4)
    lane.asking()
    lane.took(8, 3)
    assert lane.wants(0.0, ahead=True) == 0
    lane.dirty = True
    assert lane.wants(0.0, ahead=True) == 5


def test_wake_up_between_asking_and_answer_is_not_lost():
    lane = Lane(concurrency=4)
    lane.asking()
    lane.dirty = True  # a record was accepted after the claim looked, before its answer came
    lane.took(8, 0)
    assert lane.wants(0.0, ahead=True) == 8


def test_full_answer_means_that_there_may_be_more():
    lane = Lane(concurrency=2)
    lane.asking()
    lane.took(4, 4)
    assert lane.dirty
    assert lane.wants(0.0, ahead=True) == 0
    lane.done()
    assert lane.wants(0.0, ahead=True) == 1


def test_rate_bounds_what_is_claimed_over_any_span():
    clock = FakeClock()
    lane = Lane(concurrency=100, pace=Pace(10.0, clock))
    start, taken = clock.monotonic(), []
    while clock.monotonic() < start + 5.0:
        wanted = lane.wants(clock.monotonic(), ahead=True)
        lane.asking()
        lane.took(wanted, wanted)
        for _ in range(wanted):
            taken.append(clock.monotonic() - start)
            lane.done()
        clock.advance(0.01)
    assert 45 <= len(taken) <= 50
    assert taken[0] >= 0.1 - AHEAD_S, "the first one waits, too"
    assert all(later - earlier >= 0.1 - 0.011 for earlier, later in pairwise(taken))


def test_time_in_which_nothing_was_sent_is_not_saved_up():
    clock = FakeClock()
    pace = Pace(5.0, clock)
    assert pace.available(clock.monotonic()) == 0
    clock.advance(60)
    assert pace.available(clock.monotonic()) == 1
    pace.take(1)
    assert pace.available(clock.monotonic()) == 0
    assert pace.wait_s() == pytest.approx(0.2 - AHEAD_S)


def test_fast_pace_plans_what_leaves_within_a_moment():
    clock = FakeClock()
    pace = Pace(1000.0, clock)
    clock.advance(1)
    assert pace.available(clock.monotonic()) == 21
    pace.take(21)
    assert pace.available(clock.monotonic()) == 0


async def left_at(clock: FakeClock, pace: Pace, number: int, step_s: float) -> list[float]:
    """Return when each of `number` requests left that all want to leave now, seconds after now."""
    start, left = clock.monotonic(), []

    async def leave() -> None:
        await pace.turn()
        left.append(clock.monotonic() - start)

    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(leave())
        while len(left) < number:
            for _ in range(10):
                await asyncio.sleep(0)
            clock.advance(step_s)
    return left


async def test_requests_leave_apart_however_many_wait():
    clock = FakeClock()
    left = await left_at(clock, Pace(4.0, clock), 5, 0.05)
    assert left[0] >= 0.25
    assert all(later - earlier >= 0.25 - 1e-9 for earlier, later in pairwise(left))
    assert left[-1] < 5 * 0.25 + 5 * 0.05 + 0.1


async def test_a_late_one_is_not_made_up_for_by_the_next():
    clock = FakeClock()
    left = await left_at(clock, Pace(4.0, clock), 4, 0.4)
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(left))


async def test_another_rate_holds_from_the_last_request_on():
    clock = FakeClock()
    pace = Pace(4.0, clock)
    await left_at(clock, pace, 1, 0.25)
    pace.change(1.0)
    (left,) = await left_at(clock, pace, 1, 0.05)
    assert left >= 1.0 - 0.25 - 1e-9
    assert pace.available(clock.monotonic()) == 1
    pace.take(1)
    assert pace.wait_s() == pytest.approx(1.0 - AHEAD_S)


async def test_questions_and_attempts_that_are_always_due_share_the_places():
    clock = FakeClock()
    pace, left = Pace(4.0, clock), []

    async def leave(what):
        await pace.turn()
        left.append((clock.monotonic(), what))

    async def ask():
        while True:
            await pace.question()
            await leave("question")

    asking = asyncio.create_task(ask())
    async with asyncio.TaskGroup() as attempts:
        while len(left) < 20:
            if pace.available(clock.monotonic()):
                pace.take(1)
                attempts.create_task(leave("attempt"))
            for _ in range(10):
                await asyncio.sleep(0)
            clock.advance(0.01)
    asking.cancel()
    assert [what for _, what in left[:20]].count("question") == 10
    assert all(later - earlier >= 0.25 - 1e-9 for (earlier, _), (later, _) in pairwise(left))


async def test_questions_take_all_places_where_no_attempt_is_due():
    clock = FakeClock()
    pace, asked = Pace(4.0, clock), []

    async def ask():
        while True:
            await pace.question()
            asked.append(clock.monotonic())

    asking = asyncio.create_task(ask())
    for _ in range(500):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.advance(0.01)
    asking.cancel()
    assert 13 <= len(asked) <= 20


def test_bucket_waits_for_its_first_token_and_says_how_long():
    bucket = Bucket(rate_per_s=0.5)
    assert bucket.available(0.0) == 1
    bucket.take(1)
    assert bucket.available(1.0) == 0
    assert bucket.wait_s() == 1.0
    assert bucket.available(2.0) == 1


@pytest.mark.parametrize("rate_per_s", [0.5, 1.0, 7.0, 25.0, 100.0, 3000.0])
def test_a_bucket_never_lets_more_go_within_a_second_than_its_rate(rate_per_s):
    rng, bucket, now, went = random.Random(7), Bucket(rate_per_s, tokens=0.0), 0.0, []
    for _ in range(3000):
        now += rng.choice([0.001, 0.02, 0.05, 0.4, 3.0]) * rng.random()
        allowed = bucket.available(now)
        bucket.take(allowed)
        went += [now] * allowed
    most = max(bisect_left(went, at + 1.0) - first for first, at in enumerate(went))
    assert most <= max(1, rate_per_s)
    assert most >= min(rate_per_s, 20) * 0.5
