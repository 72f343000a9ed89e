"""Whose connections are: those of one operator, and another owner for them with what works with them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.store.connection_rows import connection_of, members_of
from healthdesk.store.connections import remove_member, update
from healthdesk.store.paging import paged
from healthdesk.store.rows import ConnectionRow, PageRows
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import instances, templates


@dataclass(frozen=True, slots=True)
class Given:
    """How many tasks and proof syncs, and how many repeating tasks, have another owner now."""

    instances: int = 0
    templates: int = 0


def of_owner(
    conn: Connection, owner: str, *, after: str | None = None, limit: int = 50
) -> PageRows[ConnectionRow]:
    """Return the connections that somebody owns, oldest first."""
    query = select(connections).where(connections.c.deleted_at.is_(None), connections.c.owner == owner)
    found = paged(
        conn, query, connections.c.id, lambda row: row, after=after, limit=limit, newest_first=False
    )
    members = members_of(conn, [row.id for row in found.items])
    return PageRows([connection_of(row, members.get(row.id, [])) for row in found.items], found.next)


def ids_of(conn: Connection, owner: str) -> list[str]:
    """Return the ids of every connection that somebody owns, oldest first."""
    query = select(connections.c.id).where(connections.c.deleted_at.is_(None), connections.c.owner == owner)
    return list(conn.execute(query.order_by(connections.c.id)).scalars())


def give(conn: Connection, connection_id: str, before: str, to: str) -> Given:
    """Make `to` the owner of a connection that was `before`'s, and of what they configured with it; or raise NotFound.

    What others configured with it stays theirs, and all of it goes on working with the connection. Whoever owns it is
    no member beside that, and who owned it holds nothing on it any more.
    """
    update(conn, connection_id, {"owner": to})
    remove_member(conn, connection_id, to)
    return Given(
        _give(conn, instances, (instances.c.connection_id == connection_id, instances.c.owner == before), to),
        _give(conn, templates, (templates.c.connection_id == connection_id, templates.c.owner == before), to),
    )


def give_rest(conn: Connection, before: str, to: str) -> Given:
    """Make `to` the owner of every task, proof sync and repeating task that is `before`'s, whatever it works with."""
    return Given(
        _give(conn, instances, (instances.c.owner == before,), to),
        _give(conn, templates, (templates.c.owner == before,), to),
    )


def _give(conn: Connection, table: sa.Table, which: tuple[sa.ColumnElement[bool], ...], to: str) -> int:
    return conn.execute(sa.update(table).where(*which).values(owner=to)).rowcount
