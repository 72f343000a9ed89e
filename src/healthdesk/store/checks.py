"""Checks of connections: when one is due, and what it decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import HealthChange
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import ConnectionState
from healthdesk.store.connection_rows import connection_row, failure_json
from healthdesk.store.folding import Folding, live_problems
from healthdesk.store.paging import paged
from healthdesk.store.rows import HeartbeatRow, PageRows, ProblemChanges
from healthdesk.store.schema_setup import connections
from healthdesk.store.schema_setup import heartbeats as heartbeat_table

CHECK_LEASE = timedelta(minutes=2)
"""A claimed check that never reports (its daemon died) is due again after this."""


def set_health(
    conn: Connection,
    connection_id: str,
    change: HealthChange,
    failure: Failure | None,
    key: ProblemKey | None,
    heartbeat: HeartbeatRow | None,
    now: datetime,
    *,
    version: int,
) -> ProblemChanges | None:
    """Store what a check (or the evidence of deliveries) decided, the check itself, and what that does to the
    connection's problem: failing opens it, connected lets it go.

    What was found with settings of another `version` than the connection's decides nothing: only the check is
    stored, and None returned.
    """
    row = connection_row(conn, connection_id, lock=True)
    if row.settings_version != version:
        if heartbeat is not None:
            _insert_heartbeat(conn, replace(heartbeat, state_after=row.state))
        return None
    values: dict[str, Any] = {
        "state": change.state,
        "suspect_checks": change.suspect_checks,
        "next_check": change.next_check_at,
    }
    if change.state is not row.state:
        values["state_since"] = now
    if failure is not None:
        values["failure"] = failure_json(failure)
    elif change.state is ConnectionState.CONNECTED:
        values["failure"] = None
        values["last_healthy"] = now
    if heartbeat is not None:
        values["last_checked"] = heartbeat.at
        _insert_heartbeat(conn, heartbeat)
    conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))
    folding = Folding(conn, now)
    if change.state is ConnectionState.FAILING and key is not None:
        folding.note_connection(key)
        folding.fold()
        _let_go(conn, folding, connection_id, but=key.fingerprint)
    elif change.state is ConnectionState.CONNECTED:
        _let_go(conn, folding, connection_id)
    return folding.finish()


def _let_go(conn: Connection, folding: Folding, connection_id: str, but: str = "") -> None:
    for problem in live_problems(conn, connection_id):
        if problem["connection_failing"] and problem["fingerprint"] != but:
            folding.connection_recovered(problem)


def claim_due_checks(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Return ids of connections whose check is due, and put that off a little, so that one daemon checks each."""
    due = list(
        conn.execute(
            select(connections.c.id)
            .where(
                connections.c.deleted_at.is_(None),
                connections.c.next_check.is_not(None),
                connections.c.next_check <= now,
            )
            .order_by(connections.c.next_check)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if due:
        conn.execute(
            sa.update(connections).where(connections.c.id.in_(due)).values(next_check=now + CHECK_LEASE)
        )
    return due


def next_check_at(conn: Connection) -> datetime | None:
    """Return when the next check is due, or None."""
    due_at: datetime | None = conn.execute(
        select(connections.c.next_check)
        .where(connections.c.deleted_at.is_(None), connections.c.next_check.is_not(None))
        .order_by(connections.c.next_check)
        .limit(1)
    ).scalar_one_or_none()
    return due_at


def heartbeats(
    conn: Connection,
    connection_id: str,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[HeartbeatRow]:
    """Return a connection's checks."""
    query = select(heartbeat_table).where(heartbeat_table.c.connection_id == connection_id)
    return paged(
        conn, query, heartbeat_table.c.id, heartbeat_row, after=after, limit=limit, newest_first=newest_first
    )


def heartbeat_row(row: Any) -> HeartbeatRow:
    """Return a check from its row."""
    return HeartbeatRow(**{name: getattr(row, name) for name in HeartbeatRow.__slots__})


def _insert_heartbeat(conn: Connection, heartbeat: HeartbeatRow) -> None:
    values = {name: getattr(heartbeat, name) for name in HeartbeatRow.__slots__}
    conn.execute(
        sa.insert(heartbeat_table).values(values | {"response_headers": dict(heartbeat.response_headers)})
    )
