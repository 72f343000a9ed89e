"""A backup of the whole database, from one snapshot, while the desk runs; and putting it back into an empty one.

Rows are taken as the database holds them: secrets stay encrypted, times are microseconds, JSON is text. So a backup of
either database goes into either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table

from healthdesk.domain.backup_format import Head, Reader, TableHead, Writer
from healthdesk.errors import BackupError, SchemaMismatch
from healthdesk.store.migrate import known_revisions, migrate, revision_of
from healthdesk.store.schema_all import metadata
from healthdesk.store.scope import Snapshot, on_sqlite

ROWS = 500
ROWS_WITH_BYTES = 50
"""Rows read at a time; those of tables that hold bodies may be a megabyte each."""

TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "float": sa.Float(),
    "boolean": sa.Boolean(),
    "bytes": sa.LargeBinary(),
}
IN_USE = ("integrations", "connections", "records", "sources", "channels", "tasks", "templates", "labels")
"""A database with a row in one of these is somebody's desk."""


async def dump(snapshot: Snapshot, writer: Writer, *, version: str, made_at: str) -> AsyncIterator[bytes]:
    """Yield the lines of a backup, some rows at a time."""
    revision, dialect = await snapshot(lambda conn: (revision_of(conn), conn.dialect.name))
    yield writer.head(Head(revision, version, made_at, dialect))
    for table in metadata.sorted_tables:
        columns = tuple((column.name, _kind(column)) for column in table.columns)
        yield writer.table(TableHead(table.name, columns))
        most = ROWS_WITH_BYTES if any(kind == "bytes" for _, kind in columns) else ROWS
        after: tuple[Any, ...] | None = None
        while True:
            rows = await snapshot(_page(table, after, most))
            if rows:
                yield writer.rows(rows)
            if len(rows) < most:
                break
            after = _key(table, rows[-1])
    yield writer.end()


def _page(table: Table, after: tuple[Any, ...] | None, limit: int) -> Any:
    query = _raw(table).order_by(*_raw_key(table)).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(*_raw_key(table)) > sa.tuple_(*map(sa.literal, after)))
    return lambda conn: [tuple(row) for row in conn.execute(query)]


def _raw(table: Table) -> sa.Select[Any]:
    """Select the columns as the database holds them."""
    return sa.select(*(sa.type_coerce(each, TYPES[_kind(each)]).label(each.name) for each in table.columns))


def _raw_key(table: Table) -> list[Any]:
    return [sa.type_coerce(each, TYPES[_kind(each)]) for each in table.primary_key.columns]


def _key(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    names = [column.name for column in table.columns]
    return tuple(row[names.index(column.name)] for column in table.primary_key.columns)


def _kind(column: Column[Any]) -> str:
    """Return which of the backup's kinds a column is of."""
    kind: Any = column.type
    if isinstance(kind, sa.TypeDecorator):
        kind = kind.impl_instance
    for name, known in (
        ("boolean", sa.Boolean),
        ("integer", sa.Integer),
        ("float", sa.Float),
        ("bytes", sa.LargeBinary),
        ("text", sa.Text),
    ):
        if isinstance(kind, known):
            return name
    raise AssertionError(f"a backup knows no column of type {kind!r}")


def restore(conn: Connection, backup: Reader) -> None:
    """Put a backup into an empty database, in the caller's transaction, and bring its schema to this program's.

    Raises BackupError where the database is in use or the backup is not whole, SchemaMismatch where it is of a newer
    program; the caller's transaction is to be undone then.
    """
    head, (newest, known) = backup.head, known_revisions()
    if head.revision not in known:
        raise SchemaMismatch(
            f"this backup is of schema revision {head.revision}; this healthdesk knows up to {newest}",
            fix=f"restore it with the healthdesk that made it, {head.version}, or a newer one",
        )
    _check_empty(conn)
    migrate(conn, allowed=True, to=head.revision)
    table: TableHead | None = None
    rows: list[tuple[Any, ...]] = []
    for each in backup:
        if isinstance(each, TableHead):
            _insert(conn, table, rows)
            table, rows = each, []
            conn.execute(sa.delete(_light(each)))
            continue
        rows.append(each)
        if len(rows) >= ROWS:
            _insert(conn, table, rows)
            rows = []
    _insert(conn, table, rows)
    if not backup.whole:
        raise BackupError("this backup is not whole: it broke off", fix="take another copy of it")
    migrate(conn, allowed=True)


def _check_empty(conn: Connection) -> None:
    known = set(sa.inspect(conn).get_table_names())
    for name in IN_USE:
        if (
            name in known
            and conn.execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)).first()
        ):
            place = conn.engine.url.database
            away = (
                f"move {place} away (with its -wal and -shm)" if on_sqlite(conn) else "give an empty database"
            )
            raise BackupError(
                f"the database {place} is in use: it has {name}",
                fix=f"nothing is restored over a desk: {away}, or name another [storage] database_url, then restore again",
            )


def _insert(conn: Connection, table: TableHead | None, rows: Sequence[tuple[Any, ...]]) -> None:
    if table is not None and rows:
        names = [name for name, _ in table.columns]
        conn.execute(sa.insert(_light(table)), [dict(zip(names, row, strict=True)) for row in rows])


def _light(table: TableHead) -> sa.TableClause:
    return sa.table(table.name, *(sa.column(name, TYPES[kind]) for name, kind in table.columns))
