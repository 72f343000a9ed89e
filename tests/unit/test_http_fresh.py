"""The cache of keys, sources and connections: quick, one read for all, never old for long."""

from __future__ import annotations

import asyncio

import pytest

from healthdesk.errors import StoreUnavailable
from healthdesk.http.fresh import FRESH_S, STALE_S, FreshCache
from healthdesk.testing import FakeClock


class Database:
    def __init__(self) -> None:
        self.values: dict[str, str] = {"a": "1"}
        self.reads = 0
        self.gate: asyncio.Event | None = None
        self.broken = False

    async def load(self, key: str) -> str | None:
        self.reads += 1
        value = self.values.get(key)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise StoreUnavailable("gone")
        return value


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_what_is_fresh_is_not_read_again(clock: FakeClock) -> None:
    database = Database()
    cache = FreshCache(database.load, clock)
    assert [await cache.get("a") for _ in range(5)] == ["1"] * 5
    assert await cache.get("unknown") is None
    assert await cache.get("unknown") is None
    assert database.reads == 2


async def test_a_change_elsewhere_is_seen_after_a_moment(clock: FakeClock) -> None:
    database = Database()
    cache = FreshCache(database.load, clock)
    await cache.get("a")
    database.values["a"] = "2"
    clock.advance(FRESH_S)
    assert await cache.get("a") == "1"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await cache.get("a") == "2"
    database.values["a"] = "3"
    clock.advance(STALE_S)
    assert await cache.get("a") == "3"


async def test_all_who_wait_share_one_read(clock: FakeClock) -> None:
    database = Database()
    database.gate = asyncio.Event()
    cache = FreshCache(database.load, clock)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting[0].cancel()
    database.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert database.reads == 1
    assert answers[1:] == ["1"] * 49


async def test_a_local_change_is_seen_at_once_even_by_a_read_under_way(clock: FakeClock) -> None:
    database = Database()
    database.gate = asyncio.Event()
    cache = FreshCache(database.load, clock)
    early = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    database.values["a"] = "2"
    cache.clear()
    database.gate.set()
    assert await early == "1"
    assert await cache.get("a") == "2"


async def test_a_lost_database_is_an_error_once_nothing_recent_is_known(clock: FakeClock) -> None:
    database = Database()
    cache = FreshCache(database.load, clock)
    await cache.get("a")
    database.broken = True
    clock.advance(FRESH_S)
    assert await cache.get("a") == "1"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(STALE_S)
    with pytest.raises(StoreUnavailable):
        await cache.get("a")
    database.broken = False
    assert await cache.get("a") == "1"


async def test_memory_is_bounded(clock: FakeClock) -> None:
    database = Database()
    cache = FreshCache(database.load, clock, most_entries=10)
    for number in range(100):
        await cache.get(str(number))
    assert len(cache._entries) <= 10
