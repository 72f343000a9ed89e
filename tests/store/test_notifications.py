from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy import text

from healthdesk.errors import StoreUnavailable
from tests.store.test_unavailable import admin


async def test_daemons_hear_each_other(postgres_world, postgres_url, opened):
    world = postgres_world
    other = await opened(postgres_url, "dmn_two")
    heard: list[tuple[str, str]] = []
    listening = await listen(world, heard)
    await other.notify("changed", "dmn_two record.changed rec_ö")
    await wait_for(lambda: heard)
    assert heard == [("changed", "dmn_two record.changed rec_ö")]
    await stopped(listening)


async def test_listening_begins_again_after_the_connection_was_lost(postgres_world, postgres_url):
    world = postgres_world
    heard: list[tuple[str, str]] = []
    listening = await listen(world, heard)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await admin(postgres_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()
    await world.clock.wait_for_sleepers(1)
    world.clock.advance(1)
    await listeners(world, 1)
    await world.store.notify("changed", "again")
    await wait_for(lambda: heard)
    assert heard[-1] == ("changed", "again")
    await stopped(listening)


async def test_on_sqlite_nobody_else_is_heard_and_closing_ends_it(sqlite_world):
    world = sqlite_world
    heard: list[tuple[str, str]] = []

    task = asyncio.ensure_future(collect(world, heard))
    await world.store.notify("changed", "x")
    await world.store.close()
    await task
    assert heard == []


async def test_closing_ends_listening_and_leaves_no_listener_behind(postgres_world, postgres_url):
    heard: list[tuple[str, str]] = []
    listening = await listen(postgres_world, heard)
    assert not listening.done()
    await postgres_world.store.close()
    await listening
    assert heard == []
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await admin(postgres_url)
    try:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%'"
        async with asyncio.timeout(60):
            while await connection.fetchval(left, name):  # the server takes its time to notice
                pass
    finally:
        await connection.close()


async def collect(world, heard):
    async for news in world.store.notifications():
        heard.append(news)


async def listen(world, heard):
    task = asyncio.ensure_future(collect(world, heard))
    await listeners(world, 1)
    return task


async def stopped(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def listeners(world, count):
    """Wait until so many connections listen: the server says that they have, and are done with it."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'"
    )
    found = 0
    while found < count:
        with suppress(StoreUnavailable):  # lost connections are what is tested
            found = await world.store.read(lambda conn: conn.execute(query).scalar_one())


async def wait_for(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what the server sends sets no event of ours
            await asyncio.sleep(0)
