"""A backup is one moment of a desk at work, and goes back whole, into either database, or not at all."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from healthdesk.domain.backup_format import Reader, Writer
from healthdesk.errors import BackupError, SchemaMismatch
from healthdesk.store import ledger
from healthdesk.store.backup import dump
from healthdesk.store.restoring import restore_into
from healthdesk.store.schema_all import metadata
from tests.store.world import REFUSED, World

DIALECTS = ("sqlite", "postgresql")


async def backed_up(store) -> list[bytes]:
    async with store.snapshot() as snapshot:
        parts = [part async for part in dump(snapshot, Writer(), version="0.1.0", made_at="now")]
    return b"".join(parts).splitlines(keepends=True)


async def rows_of(store):
    def read(conn):
        return {
            table.name: sorted(map(repr, conn.execute(sa.select(table)).all()))
            for table in metadata.sorted_tables
        }

    return await store.read(read)


async def a_desk_at_work(world: World) -> None:
    for _ in range(3):
        await world.store.accept(world.record())
    claimed = await world.claim()
    await world.step([world.delivered(claimed[0]), world.failed(claimed[1], why=REFUSED)])
    await world.add_channel("mail")


@pytest.fixture
def target(request, tmp_path):
    """Where to restore: a file that is not there, or an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/restored.db"
    return request.getfixturevalue("postgres_url")


@pytest.mark.parametrize("target", DIALECTS, indirect=True)
async def test_what_comes_back_is_what_there_was_in_either_database(world, target, opened) -> None:
    await a_desk_at_work(world)
    lines = await backed_up(world.store)
    await restore_into(target, Reader(lines))
    restored = await opened(target, daemon_id="dmn_two")
    assert await rows_of(restored) == await rows_of(world.store)
    assert await restored.read(ledger.totals) == await restored.read(ledger.recount)


async def test_it_is_one_moment_whatever_is_written_meanwhile(world, tmp_path, opened) -> None:
    await a_desk_at_work(world)
    before = await rows_of(world.store)
    parts = []
    async with world.store.snapshot() as snapshot:
        async for part in dump(snapshot, Writer(), version="0.1.0", made_at="now"):
            parts.append(part)
            await world.store.accept(world.record())
    target = f"sqlite:///{tmp_path}/restored.db"
    await restore_into(target, Reader(b"".join(parts).splitlines(keepends=True)))
    assert await rows_of(await opened(target)) == before
    assert len((await rows_of(world.store))["records"]) > len(before["records"])


async def test_many_rows_are_read_page_by_page(sqlite_world, monkeypatch) -> None:
    monkeypatch.setattr("healthdesk.store.backup.ROWS", 2)
    monkeypatch.setattr("healthdesk.store.backup.ROWS_WITH_BYTES", 2)
    for _ in range(5):
        await sqlite_world.store.accept(sqlite_world.record())
    counted = Reader(await backed_up(sqlite_world.store)).verify()
    assert (counted["records"], counted["record_bodies"], counted["sources"]) == (5, 5, 2)


async def test_a_database_in_use_is_left_as_it_is(world, url) -> None:
    lines = await backed_up(world.store)
    before = await rows_of(world.store)
    with pytest.raises(BackupError, match="in use"):
        await restore_into(url, Reader(lines))
    assert await rows_of(world.store) == before


def spoilt(lines: list[bytes], how: str) -> list[bytes]:
    if how == "cut":
        return lines[:-1]
    if how == "cut within a line":
        return [*lines[:-2], lines[-2][:5]]
    if how == "a row is gone":
        return [*lines[:-3], *lines[-2:]]
    if how == "a value is another":
        return [line.replace(b"CRM endpoint", b"CRM endpoinT") for line in lines]
    if how == "something follows":
        return [*lines, b"[1]\n"]
    return [b"%PDF-1.7\n", *lines]


@pytest.mark.parametrize(
    "how",
    ["cut", "cut within a line", "a row is gone", "a value is another", "something follows", "no backup"],
)
async def test_what_is_not_whole_changes_nothing(sqlite_world, tmp_path, how) -> None:
    await a_desk_at_work(sqlite_world)
    lines = spoilt(await backed_up(sqlite_world.store), how)
    path = tmp_path / "restored.db"
    with pytest.raises(BackupError):
        await restore_into(f"sqlite:///{path}", Reader(lines))
    assert list(tmp_path.glob("restored.db*")) == []


async def test_an_older_backup_is_brought_to_this_schema(sqlite_world, tmp_path, opened) -> None:
    """Made as the program before this one would have: its tables, its revision."""
    from healthdesk.store.migrate import migrate
    from healthdesk.store.sqlite import writing_engine

    old = tmp_path / "old.db"
    engine = writing_engine(old, 5.0)
    with engine.begin() as conn:
        migrate(conn, allowed=True, to="0004")
        names = sa.inspect(conn).get_table_names()
        columns = [each["name"] for each in sa.inspect(conn).get_columns("sources")]
    engine.dispose()
    assert "jobs" not in names
    from healthdesk.domain.backup_format import Head, TableHead

    writer = Writer()
    kinds = {"created_at": "integer"}
    lines = [
        writer.head(Head("0004", "0.0.9", "then", "sqlite")),
        writer.table(TableHead("sources", tuple((name, kinds.get(name, "text")) for name in columns))),
        writer.rows(
            [[{"created_at": 1, "levels": "[]", "fields": "[]"}.get(name, name) for name in columns]]
        ),
        writer.end(),
    ]
    target = f"sqlite:///{tmp_path}/new.db"
    await restore_into(target, Reader(lines))
    restored = await rows_of(await opened(target, migrate=False))
    assert len(restored["sources"]) == 1
    assert restored["jobs"] == []


async def test_a_newer_backup_is_refused(tmp_path) -> None:
    from healthdesk.domain.backup_format import Head

    writer = Writer()
    lines = [writer.head(Head("9999", "9.0", "soon", "sqlite")), writer.end()]
    with pytest.raises(SchemaMismatch, match="9999"):
        await restore_into(f"sqlite:///{tmp_path}/new.db", Reader(lines))
