"""Connections that somebody may work with: their own, and those they hold a grant on."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select

from healthdesk.store.connection_rows import connection_of, members_of
from healthdesk.store.rows import ConnectionRow
from healthdesk.store.schema_connections import connection_members, connections


def usable_by(conn: Connection, app: str, user: str) -> list[ConnectionRow]:
    """Return the connections of an app that a user owns or holds a grant on, oldest first."""
    granted = select(connection_members.c.connection_id).where(connection_members.c.user_name == user)
    found = conn.execute(
        select(connections)
        .where(
            connections.c.app == app,
            connections.c.deleted_at.is_(None),
            or_(connections.c.owner == user, connections.c.id.in_(granted)),
        )
        .order_by(connections.c.id)
    ).all()
    members = members_of(conn, [row.id for row in found])
    return [connection_of(row, members.get(row.id, [])) for row in found]


def used(conn: Connection, connection_id: str, now: datetime) -> None:
    """Keep that a task was configured with a connection."""
    conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(used_at=now))
