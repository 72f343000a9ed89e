"""A PostgreSQL database that a test leaves is given to another one only where nothing tells that it was used."""

from __future__ import annotations

import asyncpg
import pytest


async def used(copies, *statements) -> str:
    async with copies.one() as url:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()
    return url


async def test_rows_are_deleted_and_who_is_still_connected_is_cut_off(postgres_copies):
    async with postgres_copies.one() as url:
        left_open = await asyncpg.connect(url)
        await left_open.execute("INSERT INTO labels VALUES ('lbl_1', 'label', 'Mine', '', 0, 'mia')")
        await left_open.execute("BEGIN; LOCK TABLE labels")
    async with postgres_copies.one() as again:
        assert again == url
        assert left_open.is_closed()
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM labels") == 0
        await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE labels ADD COLUMN colour text",
        "CREATE INDEX more ON labels (name)",
        "ANALYZE labels",
        "UPDATE alembic_version SET version_num = '9999'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = off', current_database()); END $$",
        (
            "INSERT INTO labels SELECT 'lbl_' || n, 'label', 'Mine ' || n, '', 0, 'mia' FROM generate_series(1, 9999) n;"
            "DELETE FROM labels"
        ),
    ],
    ids=["column", "index", "statistics", "version", "setting", "size"],
)
async def test_what_was_changed_otherwise_is_not_used_again(postgres_copies, change):
    assert await used(postgres_copies) == (url := await used(postgres_copies)), "one is used again"
    await used(postgres_copies, change)
    assert await used(postgres_copies) != url
