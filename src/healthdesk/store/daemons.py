"""The daemons that share this database, and their leases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from healthdesk.store.rows import DaemonRow
from healthdesk.store.schema_desk import daemons


def register(conn: Connection, daemon_id: str, now: datetime, lease: timedelta) -> None:
    """Say that a daemon runs, for as long as its lease."""
    conn.execute(insert(daemons).values(id=daemon_id, started_at=now, lease_until=now + lease))


def renew(conn: Connection, daemon_id: str, now: datetime, lease: timedelta) -> bool:
    """Extend a daemon's lease; return False if it had run out, so that others may have taken its work."""
    held: datetime | None = conn.execute(
        select(daemons.c.lease_until).where(daemons.c.id == daemon_id).with_for_update()
    ).scalar_one_or_none()
    if held is None:
        register(conn, daemon_id, now, lease)
        return False
    conn.execute(
        update(daemons).where(daemons.c.id == daemon_id).values(lease_until=now + lease, stopped_at=None)
    )
    return held >= now


def leave(conn: Connection, daemon_id: str, now: datetime) -> None:
    """Say that a daemon stopped; its lease ends now."""
    conn.execute(
        update(daemons)
        .where(daemons.c.id == daemon_id)
        .values(lease_until=now - timedelta(microseconds=1), stopped_at=now)
    )


def live(conn: Connection, now: datetime) -> list[str]:
    """Return the ids of daemons whose lease holds."""
    return list(conn.execute(select(daemons.c.id).where(daemons.c.lease_until >= now)).scalars())


def running(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease holds."""
    return [
        DaemonRow(row.id, row.started_at, row.lease_until, row.stopped_at)
        for row in conn.execute(select(daemons).where(daemons.c.lease_until >= now).order_by(daemons.c.id))
    ]


def expired(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease ran out."""
    return [
        DaemonRow(row.id, row.started_at, row.lease_until, row.stopped_at)
        for row in conn.execute(select(daemons).where(daemons.c.lease_until < now).order_by(daemons.c.id))
    ]
