from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Text, text

from healthdesk.domain.ids import IdFactory
from healthdesk.errors import SchemaMismatch, StoreError
from healthdesk.store.database import Store
from healthdesk.store.migrate import known_revisions
from healthdesk.store.schema_all import metadata
from healthdesk.testing import FakeClock


def same_type(_context, _inspected, _column, inspected_type, metadata_type):
    """Text under a decorator is text; whether a text is an enum is no matter of the database."""
    impl = getattr(metadata_type, "impl", metadata_type)
    return False if isinstance(impl, Text) and isinstance(inspected_type, Text) else None


async def test_migrations_make_exactly_the_schema(store):
    def difference(conn):
        context = MigrationContext.configure(conn, opts={"compare_type": same_type})
        return compare_metadata(context, metadata)

    assert await store.read(difference) == []


def test_the_names_of_the_migrations_tell_their_revisions():
    config = Config()
    config.set_main_option("script_location", "healthdesk.store:migrations")
    script = ScriptDirectory.from_config(config)
    assert known_revisions() == (
        script.get_current_head(),
        frozenset(revision.revision for revision in script.walk_revisions()),
    )


async def test_migrated_partial_indexes_say_the_same_on_both_databases(store):
    def conditions(conn):
        if store.dialect == "sqlite":
            rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        else:
            rows = conn.execute(text("SELECT indexname, indexdef FROM pg_indexes"))
        return {name for name, sql in rows if sql and " WHERE " in sql}

    declared = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert await store.read(conditions) == declared


async def test_opening_again_migrates_nothing_and_keeps_what_is_there(url, opened):
    first = await opened(url)
    await first.check_writable()
    await first.close()
    second = await opened(url, migrate=False)
    await second.check_writable()


async def test_a_database_of_a_newer_program_is_refused(url, opened):
    store = await opened(url)
    await store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await store.close()
    with pytest.raises(SchemaMismatch, match="9999") as refused:
        await opened(url)
    assert "newer" in refused.value.fix


async def test_an_older_database_is_not_migrated_unasked(tmp_path, opened):
    with closing(sqlite3.connect(tmp_path / "new.db")) as older:
        older.execute("PRAGMA user_version = 1")
    with pytest.raises(SchemaMismatch, match="none"):
        await opened(f"sqlite:///{tmp_path}/new.db", migrate=False)


async def test_a_new_sqlite_file_is_readable_by_its_owner_only(tmp_path, opened):
    await opened(f"sqlite:///{tmp_path}/new.db")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("url", ["sqlite://", "mysql://x/y", "no url"], indirect=False)
async def test_other_databases_are_refused_with_a_sentence(url: str):
    with pytest.raises(StoreError):
        await Store.open(url, daemon_id="dmn_x", clock=FakeClock(), ids=IdFactory(os.urandom))


async def test_a_directory_that_is_not_there_is_unavailable(tmp_path: Path, opened):
    from healthdesk.errors import StoreUnavailable

    with pytest.raises(StoreUnavailable):
        await opened(f"sqlite:///{tmp_path}/no/where.db")


async def test_braces_from_before_there_were_templates_stay_themselves(tmp_path: Path):
    from healthdesk.store.migrate import migrate
    from healthdesk.store.sqlite_engines import writing_engine

    path = tmp_path / "old.db"
    engine = writing_engine(path, 5.0)

    def save(environment: str, its_path: str, headers: str) -> None:
        with closing(sqlite3.connect(path)) as conn, conn:  # without foreign keys
            conn.execute(
                "INSERT INTO environments (integration_id, environment, connection_id, path, headers, created_at)"
                " VALUES ('int_1', ?, 'con_1', ?, ?, 0)",
                (environment, its_path, headers),
            )

    with engine.begin() as conn:
        migrate(conn, allowed=True, to="0004")
    save("production", "/a/{id}", '{"X-To": "{b}", "X-Plain": "é"}')
    with engine.begin() as conn:
        migrate(conn, allowed=True, to="0005")
    save("testing", "/a/{b}", '{"X-To": "{level}", "X-Odd": "}"}')
    with engine.begin() as conn:
        migrate(conn, allowed=True)
        found = conn.execute(text("SELECT path, headers FROM environments ORDER BY environment"))
        assert [(row.path, json.loads(row.headers)) for row in found] == [
            ("/a/{{id}}", {"X-To": "{{b}}", "X-Plain": "é"}),
            ("/a/{{b}}", {"X-To": "{level}", "X-Odd": "}}"}),
        ]
    engine.dispose()
