"""The daemons that share this database, and their leases.

On PostgreSQL leases are counted by the database's clock, the one clock that all daemons share: were they counted by
each host's own, a host whose clock is ahead would take the work of daemons that live. On SQLite there is one daemon,
and its clock counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, text, update

from healthdesk.store.columns import from_micros
from healthdesk.store.rows import DaemonRow
from healthdesk.store.schema_desk import daemons
from healthdesk.store.scope import on_sqlite

_DATABASE_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def database_now(conn: Connection) -> datetime | None:
    """Return the time by the database's clock; None on SQLite, which has the host's."""
    return None if on_sqlite(conn) else from_micros(conn.execute(_DATABASE_NOW).scalar_one())


def register(
    conn: Connection,
    daemon_id: str,
    now: datetime,
    lease: timedelta,
    *,
    delivers: bool = True,
    keys: Sequence[str] = (),
) -> None:
    """Say that a daemon runs, for as long as its lease, whether it can send, and the ids of its `keys`."""
    until = (database_now(conn) or now) + lease
    conn.execute(
        insert(daemons).values(
            id=daemon_id, started_at=now, lease_until=until, delivers=delivers, key_ids=" ".join(keys)
        )
    )


def renew(
    conn: Connection,
    daemon_id: str,
    now: datetime,
    lease: timedelta,
    *,
    delivers: bool = True,
    keys: Sequence[str] = (),
) -> bool:
    """Extend a daemon's lease and say whether it can send; return False if it had run out, so that others may have taken its work."""
    held: datetime | None = conn.execute(
        select(daemons.c.lease_until).where(daemons.c.id == daemon_id).with_for_update()
    ).scalar_one_or_none()
    if held is None:
        register(conn, daemon_id, now, lease, delivers=delivers, keys=keys)
        return False
    counted = database_now(conn) or now
    conn.execute(
        update(daemons)
        .where(daemons.c.id == daemon_id)
        .values(lease_until=counted + lease, delivers=delivers, stopped_at=None, key_ids=" ".join(keys))
    )
    return held >= counted


def leave(conn: Connection, daemon_id: str, now: datetime) -> bool:
    """Say that a daemon stopped; its lease ends now. Return False where that was said before, or it is not known."""
    ended = (database_now(conn) or now) - timedelta(microseconds=1)
    left = conn.execute(
        update(daemons)
        .where(daemons.c.id == daemon_id, daemons.c.stopped_at.is_(None))
        .values(lease_until=ended, stopped_at=now)
    )
    return left.rowcount > 0


def dead(
    conn: Connection, now: datetime, owners: Iterable[str], *, mine: str, others_are_dead: bool = False
) -> list[str]:
    """Return which of the `owners` of something under way are dead, and lock these; all but `mine` with `others_are_dead`.

    Dead are those whose lease ran out, and those that never were registered. None of them can renew its lease before this
    transaction ends, and it is told then that it had run out: whatever they own until then was claimed under the lease
    that is over. One that is locked renews its lease at this moment, or is being taken up by another daemon: it is not
    returned. Read the owners before this, in a statement of its own: a daemon is registered before it owns anything.
    """
    others = sorted({*owners} - {mine})
    if others_are_dead or not others:
        return others
    counted = database_now(conn) or now
    known = set(conn.execute(select(daemons.c.id).where(daemons.c.id.in_(others))).scalars())
    over = conn.execute(
        select(daemons.c.id)
        .where(daemons.c.id.in_(others), daemons.c.lease_until < counted)
        .order_by(daemons.c.id)
        .with_for_update(skip_locked=True)
    )
    gone = set(over.scalars())
    return [each for each in others if each in gone or each not in known]


def sharing(conn: Connection, now: datetime) -> list[str]:
    """Return the ids of daemons that share the work: those that live and can send, or all that live if none can."""
    counted = database_now(conn) or now
    found = conn.execute(
        select(daemons.c.id, daemons.c.delivers).where(daemons.c.lease_until >= counted)
    ).all()
    return [row.id for row in found if row.delivers] or [row.id for row in found]


def key_ids(conn: Connection, now: datetime) -> dict[str, list[str]]:
    """Return the ids of the keys of every daemon whose lease holds, the one that encrypts first."""
    counted = database_now(conn) or now
    found = conn.execute(select(daemons.c.id, daemons.c.key_ids).where(daemons.c.lease_until >= counted))
    return {row.id: row.key_ids.split() for row in found}


def running(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease holds."""
    counted = database_now(conn) or now
    return [
        DaemonRow(row.id, row.started_at, row.lease_until, row.stopped_at)
        for row in conn.execute(
            select(daemons).where(daemons.c.lease_until >= counted).order_by(daemons.c.id)
        )
    ]


def expired(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease ran out."""
    counted = database_now(conn) or now
    return [
        DaemonRow(row.id, row.started_at, row.lease_until, row.stopped_at)
        for row in conn.execute(select(daemons).where(daemons.c.lease_until < counted).order_by(daemons.c.id))
    ]
