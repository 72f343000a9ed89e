"""Databases that are empty and migrated, one for each test that asks, and used again where a test left them so.

To copy a database takes PostgreSQL a checkpoint and 8 MB of files. What most tests leave behind is a few rows: those
are deleted. A database that was changed in any other way is dropped, so that no test can see what another did.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

GROWN = 500_000
"""Bytes of tables: what deleted rows leave behind would begin to matter to a plan."""

END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

# A row that is written anew, of a table that was altered for example, has another xmin.
# What PostgreSQL itself brings has smaller ids.
STATE = """
    SELECT string_agg(part, ' ') FROM (
        SELECT 'class ' || count(*) || ' ' || sum(xmin::text::bigint) FROM pg_class WHERE oid >= 16384
        UNION ALL
        SELECT 'attribute ' || count(*) || ' ' || sum(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL
        SELECT 'constraint ' || count(*) || ' ' || sum(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT 'analyzed ' || count(*) FROM pg_class WHERE oid >= 16384 AND relkind = 'r' AND reltuples >= 0
        UNION ALL SELECT 'proc ' || count(*) FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'trigger ' || count(*) FROM pg_trigger WHERE oid >= 16384
        UNION ALL SELECT 'database ' || xmin FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT 'setting ' || count(*) FROM pg_db_role_setting
        UNION ALL SELECT 'version ' || xmin FROM alembic_version
    ) AS parts (part)
"""

SIZES = """
    SELECT relname, pg_relation_size(oid) AS size FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""


@dataclass(frozen=True)
class Copy:
    """A database like the template, and what its catalogs said then."""

    name: str
    state: str


class Copies:
    """Copies of the database at `template`, a URL. It has no sequences and no rows but the version of its schema."""

    def __init__(self, template: str) -> None:
        base, _, self._query = template.partition("?")
        self._prefix, _, self._template = base.rpartition("/")
        self._free: list[Copy] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[str]:
        """Yield the URL of one that nobody else has."""
        copy = self._free.pop() if self._free else await self._made()
        yield self._url(copy.name)
        if await self._is_empty_again(copy):
            self._free.append(copy)
        else:
            await self._administer(f"DROP DATABASE {copy.name} WITH (FORCE)")

    async def _made(self) -> Copy:
        name = f"copy_{uuid.uuid4().hex}"
        await self._administer(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        async with self._connected(name) as connection:
            assert not await connection.fetchval("SELECT count(*) FROM pg_sequence"), "nothing sets them back"
            assert not any(size for _, size in await connection.fetch(SIZES)), (
                "nothing brings these rows back"
            )
            return Copy(name, await connection.fetchval(STATE))

    async def _is_empty_again(self, copy: Copy) -> bool:
        """Delete the rows of a test, and tell whether that makes the database what it was."""
        async with self._connected(copy.name) as connection:
            await connection.execute(END_OTHERS)
            if await connection.fetchval(STATE) != copy.state:
                return False
            sizes = {name: size for name, size in await connection.fetch(SIZES) if size}
            if sum(sizes.values()) > GROWN:
                return False
            # A replica checks no foreign keys: what order the tables are in does not matter.
            await connection.execute(
                "SET session_replication_role = replica;" + "".join(f"DELETE FROM {name};" for name in sizes)
            )
            return True

    async def _administer(self, statement: str) -> None:
        async with self._connected("postgres") as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._url(name))
        try:
            yield connection
        finally:
            await connection.close()

    def _url(self, name: str) -> str:
        return f"{self._prefix}/{name}?{self._query}"
