"""Push heartbeats: who may ping, when the next one is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.pings import PingSchedule, due_at
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows, PingRow
from healthdesk.store.schema_connections import connections, pings

CONNECTION = "connection"
_KEPT = tuple(name for name in PingRow.__slots__ if name != "object_name")


def put(conn: Connection, row: PingRow, token_hash: bytes) -> None:
    """Set what is expected of an object, with a new token; what was known of its pings before is forgotten."""
    conn.execute(
        sa.delete(pings).where(pings.c.object_kind == row.object_kind, pings.c.object_id == row.object_id)
    )
    values = {name: getattr(row, name) for name in _KEPT} | {
        "schedule": row.schedule.to_json(),
        "token_hash": token_hash,
    }
    conn.execute(sa.insert(pings).values(values))
    _mark(conn, row.object_kind, row.object_id, pinged=True)


def change(conn: Connection, ping_id: str, schedule: PingSchedule, grace_s: float, now: datetime) -> None:
    """Change what is expected; the token stays."""
    conn.execute(
        sa.update(pings)
        .where(pings.c.id == ping_id)
        .values(schedule=schedule.to_json(), grace_s=grace_s, due_at=due_at(schedule, grace_s, now))
    )


def remove(conn: Connection, object_kind: str, object_id: str) -> bool:
    """Expect nothing any more; return whether anything was."""
    gone = conn.execute(
        sa.delete(pings).where(pings.c.object_kind == object_kind, pings.c.object_id == object_id)
    ).rowcount
    _mark(conn, object_kind, object_id, pinged=False)
    return bool(gone)


def of(conn: Connection, object_kind: str, object_id: str) -> PingRow | None:
    """Return what is expected of an object, or None."""
    return _one(conn, (pings.c.object_kind == object_kind) & (pings.c.object_id == object_id))


def page(conn: Connection, *, after: str | None = None, limit: int = 50) -> PageRows[PingRow]:
    """Return push heartbeats by age, with the names of what they are of."""
    query = select(pings, connections.c.name.label("object_name")).outerjoin(
        connections, (pings.c.object_kind == CONNECTION) & (connections.c.id == pings.c.object_id)
    )
    return paged(
        conn,
        query,
        pings.c.id,
        lambda row: replace(_ping(row), object_name=row.object_name or ""),
        after=after,
        limit=limit,
        newest_first=False,
    )


def find(conn: Connection, token_hash: bytes, *, lock: bool = False) -> PingRow | None:
    """Return what a token belongs to, or None."""
    return _one(conn, pings.c.token_hash == token_hash, lock=lock)


def claim_due(conn: Connection, now: datetime, limit: int) -> list[PingRow]:
    """Return pings that are late, each to one daemon: none of them is due again before the next ping."""
    found = conn.execute(
        select(pings)
        .where(pings.c.due_at <= now)
        .order_by(pings.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if found:
        conn.execute(sa.update(pings).where(pings.c.id.in_([row.id for row in found])).values(due_at=None))
    return [_ping(row) for row in found]


def received(
    conn: Connection,
    row: PingRow,
    *,
    kind: str,
    now: datetime,
    due: datetime | None,
    started_at: datetime | None,
) -> None:
    """Keep that a ping came and when the next one is late."""
    values: dict[str, Any] = {"last_kind": kind, "due_at": due, "started_at": started_at}
    if kind != "start":
        values["last_at"] = now
    conn.execute(sa.update(pings).where(pings.c.id == row.id).values(values))


def forgive(conn: Connection, now: datetime) -> int:
    """Give every ping that is late its grace again, for a time when nobody listened; return how many."""
    late = conn.execute(select(pings.c.id, pings.c.grace_s).where(pings.c.due_at <= now)).all()
    for row in late:
        due = now + timedelta(seconds=row.grace_s)
        conn.execute(sa.update(pings).where(pings.c.id == row.id).values(due_at=due))
    return len(late)


def next_due_at(conn: Connection) -> datetime | None:
    """Return when the next ping is late, or None."""
    found: datetime | None = conn.execute(
        select(pings.c.due_at).where(pings.c.due_at.is_not(None)).order_by(pings.c.due_at).limit(1)
    ).scalar_one_or_none()
    return found


def _mark(conn: Connection, object_kind: str, object_id: str, *, pinged: bool) -> None:
    if object_kind == CONNECTION:
        conn.execute(sa.update(connections).where(connections.c.id == object_id).values(pinged=pinged))


def _one(conn: Connection, condition: Any, *, lock: bool = False) -> PingRow | None:
    query = select(pings).where(condition)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _ping(row)


def _ping(row: Any) -> PingRow:
    values = {name: getattr(row, name) for name in _KEPT}
    return PingRow(**values | {"schedule": PingSchedule.from_json(row.schedule)})
