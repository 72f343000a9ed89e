"""A backup is one moment of a desk at work, and goes back whole, into either database, or not at all."""

from __future__ import annotations

import gzip
import hashlib

import pytest
import sqlalchemy as sa

from healthdesk.domain.backup_format import Head, Reader, TableHead, Writer
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
    with pytest.raises(BackupError, match="in use") as refused:
        await restore_into(url, Reader(lines))
    assert "away" in refused.value.fix or "an empty database" in refused.value.fix
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


async def test_what_is_not_whole_changes_nothing(sqlite_world, tmp_path) -> None:
    await a_desk_at_work(sqlite_world)
    lines = await backed_up(sqlite_world.store)
    path = tmp_path / "restored.db"
    for how, said in (
        ("cut", "desk.gz is not whole: it broke off"),
        ("cut within a line", "desk.gz is not whole: it broke off"),
        ("a row is gone", "desk.gz is damaged: its digest does not fit"),
        ("a value is another", "desk.gz is damaged: its digest does not fit"),
        ("something follows", "desk.gz is damaged: something follows its end"),
        ("no backup", "desk.gz is no backup of healthdesk"),
    ):
        with pytest.raises(BackupError) as refused:
            await restore_into(f"sqlite:///{path}", Reader(spoilt(lines, how), "desk.gz"))
        assert (refused.value.what, bool(refused.value.fix)) == (said, True), how
        assert list(tmp_path.glob("restored.db*")) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _: b"hello", "is no backup of healthdesk"),
        (lambda _: b"", "is not whole"),
        (lambda packed: packed[:-4], "is not whole"),
        (lambda packed: packed[:-900] + bytes(20) + packed[-880:], "is damaged"),
        (lambda packed: packed[:-8] + bytes(8), "cannot be unpacked"),
        (gzip.decompress, "is no backup of healthdesk"),
    ],
)
def test_a_compressed_file_that_is_spoilt_is_said_to_be_so(tmp_path, spoil, said) -> None:
    writer = Writer()
    head = writer.head(Head("0001", "0.1.0", "now", "sqlite"))
    table = writer.table(TableHead("sources", (("id", "text"),)))
    rows = writer.rows([[f"src_{hashlib.sha256(bytes([n])).hexdigest()}"] for n in range(200)])
    file = tmp_path / "desk.gz"
    file.write_bytes(spoil(gzip.compress(head + table + rows + writer.end())))
    with pytest.raises(BackupError, match=said), gzip.open(file) as lines:
        Reader(lines).verify()


async def test_an_older_backup_is_brought_to_this_schema(sqlite_world, tmp_path, opened) -> None:
    """Made as the program before this one would have: its tables, its revision."""
    from healthdesk.store.migrate import migrate
    from healthdesk.store.sqlite_engines import writing_engine

    old = tmp_path / "old.db"
    engine = writing_engine(old, 5.0)
    with engine.begin() as conn:
        migrate(conn, allowed=True, to="0004")
        names = sa.inspect(conn).get_table_names()
        columns = [each["name"] for each in sa.inspect(conn).get_columns("sources")]
    engine.dispose()
    assert "jobs" not in names
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
    writer = Writer()
    lines = [writer.head(Head("9999", "9.0", "soon", "sqlite")), writer.end()]
    with pytest.raises(SchemaMismatch, match="9999") as refused:
        await restore_into(f"sqlite:///{tmp_path}/new.db", Reader(lines))
    assert "that made it, 9.0" in refused.value.fix
