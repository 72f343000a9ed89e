"""A database that is locked, full or gone says so, stores nothing of the call, and comes back by itself."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing

import asyncpg
import pytest
from sqlalchemy import text

from healthdesk.errors import StoreUnavailable
from healthdesk.store import desk, ledger, records, sqlite
from healthdesk.store.rows import RecordQuery
from tests.store.world import World


@pytest.fixture
async def locked(sqlite_url, opened, clock, ids):
    """A desk on SQLite that waits for locks only a moment, and another connection to its file."""
    world = await World.made(await opened(sqlite_url, busy_timeout_s=0.01), clock, ids)
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield world, other


async def test_a_locked_database_fails_the_writes_and_recovers(locked):
    world, other = locked
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(
        *(world.store.accept(world.record()) for _ in range(5)),
        world.store.check_writable(),
        world.store.write(desk.set_setting, "x", "1"),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 7
    assert "locked" in str(answers[0])
    assert (await world.store.read(records.page, RecordQuery())).items == [], "reading goes on"
    other.execute("ROLLBACK")
    await world.accept(2)
    await world.store.check_writable()
    assert await world.check_ledger() == {"queued": 2}


async def limit_pages(world, extra):
    """Let the file grow by so many pages only, as a full disk does."""

    def change(conn):
        pages = conn.execute(text("PRAGMA page_count")).scalar_one()
        conn.execute(text(f"PRAGMA max_page_count = {pages + extra}"))

    await world.store.write(change)


async def test_a_full_database_fails_the_writes_whole_and_recovers(sqlite_world):
    world = sqlite_world
    accepted = await world.accept(3)
    await limit_pages(world, 4)
    big = b'{"data": "' + b"x" * 60_000 + b'"}'
    answers = await asyncio.gather(
        *(world.store.accept(world.record(body=big)) for _ in range(4)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 4
    assert "full" in str(answers[0])
    assert await world.check_ledger() == {"queued": 3}
    await limit_pages(world, 1_000_000)
    await world.accept(4, body=big)
    assert await world.check_ledger() == {"queued": 7}
    assert len(accepted) == 3


async def test_a_full_database_does_not_lose_results(sqlite_world):
    world = sqlite_world
    await world.accept(3)
    claimed = await world.claim()
    await limit_pages(world, 0)
    with pytest.raises(StoreUnavailable):
        await world.accept(1000)
    before = await world.store.read(ledger.totals)
    assert before == await world.store.read(ledger.recount)
    await limit_pages(world, 1_000_000)
    result = await world.step([world.delivered(each) for each in claimed])
    assert result.late == []
    assert (await world.check_ledger())["delivered"] == 3


async def test_a_connection_that_is_gone_is_replaced(sqlite_world):
    world = sqlite_world

    def spoil(conn):
        conn.connection.dbapi_connection.close()

    with pytest.raises((StoreUnavailable, sqlite3.ProgrammingError)):
        await world.store.write(spoil)
    await world.accept(2)
    assert await world.check_ledger() == {"queued": 2}


async def test_a_closed_store_is_unavailable_and_closing_waits_for_what_was_handed_in(world, url, opened):
    pending = [asyncio.ensure_future(world.store.accept(world.record())) for _ in range(20)]
    await asyncio.sleep(0)
    await world.store.close()
    assert len({answer.id for answer in await asyncio.gather(*pending)}) == 20
    with pytest.raises(StoreUnavailable):
        await world.store.accept(world.record())
    with pytest.raises(StoreUnavailable):
        await world.store.write(desk.set_setting, "x", "1")
    with pytest.raises(StoreUnavailable):
        await world.store.read(desk.setting, "x")
    again = await opened(url)
    assert sum((await again.read(ledger.totals))[0].states.values()) == 20


async def test_closing_does_not_wait_for_ever_for_a_disk_that_hangs(
    sqlite_world, sqlite_url, opened, monkeypatch, caplog
):
    world = sqlite_world
    await world.accept(1)
    hangs, flows = threading.Event(), threading.Event()

    def hang(_conn):
        hangs.set()
        flows.wait(60)

    under_way = asyncio.ensure_future(world.store.write(hang))
    await asyncio.to_thread(hangs.wait)
    monkeypatch.setattr(sqlite, "CLOSE_TIMEOUT_S", 0.01)
    await world.store.close()
    assert (
        "the writer did not commit within 0.01 s what was handed in: none of it was answered" in caplog.text
    )
    assert "the database file was not closed within 0.01 s" in caplog.text
    writer = world.store._backend._thread
    assert (writer.is_alive(), writer.daemon) == (True, True), "it does not keep the process from ending"
    assert not under_way.done()
    flows.set()
    await under_way
    await asyncio.to_thread(writer.join)
    again = await opened(sqlite_url)
    assert (await again.read(ledger.totals))[0].states["queued"] == 1, "what was answered is there"


async def test_a_caller_that_gives_up_does_not_disturb_the_batch(world):
    gone = asyncio.ensure_future(world.store.accept(world.record()))
    stays = [asyncio.ensure_future(world.store.accept(world.record())) for _ in range(3)]
    await asyncio.sleep(0)
    gone.cancel()
    assert len(await asyncio.gather(*stays)) == 3
    assert sum((await world.check_ledger()).values()) in {3, 4}


async def admin(url):
    base, _, query = url.partition("?")
    return await asyncpg.connect(f"{base.rpartition('/')[0]}/postgres?{query}")


async def test_a_lost_server_connection_is_replaced(postgres_world, postgres_url):
    world = postgres_world
    await world.accept(2)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await admin(postgres_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()
    answers = await asyncio.gather(
        *(world.store.accept(world.record()) for _ in range(3)), return_exceptions=True
    )
    assert all(
        not isinstance(answer, BaseException) or isinstance(answer, StoreUnavailable) for answer in answers
    )
    await world.accept(2)
    stored = sum(not isinstance(answer, BaseException) for answer in answers)
    assert await world.check_ledger() == {"queued": 4 + stored}


async def test_a_database_that_takes_no_connections_is_unavailable_until_it_does(
    postgres_world, postgres_url, opened
):
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await admin(postgres_url)
    try:
        await postgres_world.store.close()
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        with pytest.raises(StoreUnavailable):
            await opened(postgres_url, "dmn_two")
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    finally:
        await connection.close()
    store = await opened(postgres_url, "dmn_two")
    await store.check_writable()


async def test_a_read_only_server_is_unavailable_for_writes(postgres_world, postgres_url):
    world = postgres_world
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    connection = await admin(postgres_url)
    try:
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        for _ in range(20):  # the pool finds out about each lost connection by using it
            with pytest.raises(StoreUnavailable):
                await world.store.accept(world.record())
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()
    while True:
        try:
            await world.accept(1)
            break
        except StoreUnavailable:
            continue
    assert await world.check_ledger() == {"queued": 1}


async def test_a_mistake_in_a_statement_is_no_outage(world):
    with pytest.raises(Exception, match="no_such_table") as raised:
        await world.store.write(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
    assert not isinstance(raised.value, StoreUnavailable)
