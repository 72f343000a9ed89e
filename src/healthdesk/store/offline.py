"""What is told once a desk that was offline is back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.alerts import render_offline
from healthdesk.domain.states import AlertEvent, AlertState
from healthdesk.store import outbox
from healthdesk.store.desk import set_setting, setting
from healthdesk.store.schema_connections import CHECKED, connections
from healthdesk.store.schema_desk import alerts
from healthdesk.store.scope import scope_of


@dataclass(frozen=True, slots=True)
class ToldOffline:
    """How many checks were put off, and how many messages say so."""

    checks: int
    alerts: int


def remember(conn: Connection, host: str, since: datetime) -> None:
    """Keep since when the desk on a host is offline: a restart must not lose what has to be told."""
    set_setting(conn, _key(host), since.isoformat())


def remembered(conn: Connection, host: str) -> datetime | None:
    """Return since when the desk on a host is offline and has not told so, or None."""
    kept = setting(conn, _key(host))
    return datetime.fromisoformat(kept) if kept else None


def _key(host: str) -> str:
    return f"offline_since:{host}"


def tell(
    conn: Connection, host: str, since: datetime, now: datetime, *, put_off: frozenset[str]
) -> ToldOffline:
    """Queue one message for every channel of every rule: from when to when the desk was offline, and what waited.

    `put_off` are connections whose check was tried meanwhile; those that became due and were not tried count too.
    """
    due = conn.execute(select(connections.c.id).where(text(CHECKED), connections.c.next_check <= now))
    checks = len(put_off.union(due.scalars()))
    title, body = render_offline(since, now, checks)
    rows = [
        {
            "id": scope_of(conn).new_id("alt"),
            "channel_id": channel_id,
            "event": AlertEvent.RECOVERED,
            "state": AlertState.QUEUED,
            "title": title,
            "body": body,
            "created_at": now,
            "next_at": now,
        }
        for channel_id in sorted(outbox.everybody(conn))
    ]
    if rows:
        conn.execute(sa.insert(alerts), rows)
    set_setting(conn, _key(host), "")
    return ToldOffline(checks, len(rows))
