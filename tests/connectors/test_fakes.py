"""The fakes keep their promises, because every tier believes them."""

import asyncio
from datetime import timedelta

import pytest

from healthdesk.clock import Clock
from healthdesk.testing import START, FakeClock


async def asleep(clock: Clock, log: list, *naps: float):
    for nap in naps:
        await clock.sleep(nap)
        log.append((nap, clock.now() - START))


async def test_the_clock_stands_still_until_it_is_advanced(clock):
    log = []
    task = asyncio.ensure_future(asleep(clock, log, 5))
    await clock.wait_for_sleepers()
    clock.advance(4.5)
    await asyncio.sleep(0)
    assert (log, clock.now() - START) == ([], timedelta(seconds=4.5))
    clock.advance(0.5)
    await task
    assert log == [(5, timedelta(seconds=5))]
    assert clock.sleepers == 0


async def test_timers_fire_in_order_each_at_its_own_time(clock):
    fired = []
    for seconds in (3, 1, 2):
        clock.call_later(seconds, lambda seconds=seconds: fired.append((seconds, clock.monotonic())))
    start = clock.monotonic()
    clock.advance(10)
    assert fired == [(1, start + 1), (2, start + 2), (3, start + 3)]


async def test_running_walks_through_sleeps_that_follow_on_another(clock):
    log = []
    task = asyncio.ensure_future(asleep(clock, log, 1, 1, 1))
    await clock.run_for(2.5)
    assert [at.total_seconds() for _, at in log] == [1, 2]
    await clock.run_for(0.5)
    await task
    assert clock.now() - START == timedelta(seconds=3)


async def test_a_cancelled_sleeper_is_forgotten(clock):
    task = asyncio.ensure_future(clock.sleep(5))
    await clock.wait_for_sleepers()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleepers == 0
    clock.advance(10)


async def test_the_time_of_day_jumps_and_sleepers_do_not_notice(clock):
    task = asyncio.ensure_future(clock.sleep(5))
    await clock.wait_for_sleepers()
    clock.jump(-3600)
    assert clock.now() == START - timedelta(hours=1)
    assert not task.done()
    clock.advance(5)
    await task


@pytest.mark.parametrize("seconds", [0, -1])
async def test_sleeping_for_nothing_lets_others_run_and_takes_no_time(clock, seconds):
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, "the other")
    await clock.sleep(seconds)
    assert ran == ["the other"]
    assert (clock.now(), clock.sleepers) == (START, 0)


async def test_a_stopped_endpoint_comes_back_on_its_port(endpoint, session):
    from healthdesk.connectors.session import Request

    url = endpoint.url
    await endpoint.stop()
    assert (await session.send(Request("GET", url))).error is not None
    await endpoint.start()
    assert endpoint.url == url
    assert (await session.send(Request("GET", url))).status == 200


def test_a_fake_clock_is_a_clock():
    clock: Clock = FakeClock()
    assert clock.now().tzinfo is not None
