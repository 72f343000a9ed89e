"""Alerts: channels and the outbox; rules are in `routing`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.states import AlertEvent, AlertState
from healthdesk.errors import NotFound
from healthdesk.store import daemons, problems
from healthdesk.store.paging import paged
from healthdesk.store.routing import (
    channel_url,
    channels,
    delete_channel,
    delete_rule,
    get_channel,
    get_rule,
    insert_channel,
    insert_rule,
    record_test,
    rules,
    update_rule,
)
from healthdesk.store.rows import AlertRow, ClaimedAlert, PageRows, ProblemRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import OUTBOX_DUE, OUTBOX_SENDING, alerts
from healthdesk.store.schema_desk import channels as channel_table
from healthdesk.store.schema_setup import integrations
from healthdesk.store.scope import scope_of

__all__ = [
    "channel_url",
    "channels",
    "claim",
    "delete_channel",
    "delete_rule",
    "enqueue",
    "get_channel",
    "get_rule",
    "insert_channel",
    "insert_rule",
    "next_due",
    "of_problem",
    "page",
    "postpone",
    "record_test",
    "recover",
    "rules",
    "settle",
    "supersede",
    "update_rule",
]

UNFINISHED = (AlertState.QUEUED, AlertState.SENDING, AlertState.RETRYING)


def page(
    conn: Connection,
    *,
    problem_id: str | None = None,
    channel_id: str | None = None,
    states: tuple[AlertState, ...] = (),
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[AlertRow]:
    """Return messages of the outbox."""
    query = _select()
    if problem_id is not None:
        query = query.where(alerts.c.problem_id == problem_id)
    if channel_id is not None:
        query = query.where(alerts.c.channel_id == channel_id)
    if states:
        query = query.where(alerts.c.state.in_(states))
    return paged(conn, query, alerts.c.id, _alert, after=after, limit=limit, newest_first=newest_first)


def of_problem(conn: Connection, problem_id: str, limit: int = 100) -> list[AlertRow]:
    """Return the newest of what was announced of a problem, oldest first."""
    newest = _select().where(alerts.c.problem_id == problem_id).order_by(alerts.c.id.desc()).limit(limit)
    return [_alert(row) for row in reversed(conn.execute(newest).all())]


def enqueue(
    conn: Connection,
    *,
    alert_id: str,
    channel_id: str,
    event: AlertEvent,
    now: datetime,
    problem_id: str | None = None,
    title: str = "",
    body: str = "",
) -> None:
    """Queue a message, such as a test."""
    conn.execute(
        sa.insert(alerts).values(
            id=alert_id,
            problem_id=problem_id,
            channel_id=channel_id,
            event=event,
            state=AlertState.QUEUED,
            title=title,
            body=body,
            created_at=now,
            next_at=now,
        )
    )


def claim(
    conn: Connection, now: datetime, limit: int, *, skip_channels: Sequence[str] = ()
) -> list[ClaimedAlert]:
    """Take messages that are due, their intent committed; a problem's news go to a channel in order, one at a time.

    Nothing is taken for `skip_channels`: the caller is sending to them.
    """
    earlier = alerts.alias("earlier")
    waits_for_earlier = (
        select(earlier.c.id)
        .where(
            earlier.c.problem_id == alerts.c.problem_id,
            earlier.c.channel_id == alerts.c.channel_id,
            earlier.c.id < alerts.c.id,
            earlier.c.state.in_(UNFINISHED),
        )
        .exists()
    )
    due = (
        select(alerts, channel_table.c.name, channel_table.c.url_enc)
        .join(channel_table, channel_table.c.id == alerts.c.channel_id)
        .where(text("alerts." + OUTBOX_DUE), alerts.c.next_at <= now, ~waits_for_earlier)
        .order_by(alerts.c.next_at, alerts.c.id)
        .limit(limit)
        .with_for_update(of=alerts, skip_locked=True)
    )
    if skip_channels:
        due = due.where(alerts.c.channel_id.not_in(skip_channels))
    rows = conn.execute(due).all()
    if not rows:
        return []
    conn.execute(
        sa.update(alerts)
        .where(alerts.c.id.in_([row.id for row in rows]))
        .values(
            state=AlertState.SENDING,
            next_at=None,
            tries=alerts.c.tries + 1,
            daemon_id=scope_of(conn).daemon_id,
        )
    )
    return [_claimed(conn, row) for row in rows]


def _claimed(conn: Connection, row: Any) -> ClaimedAlert:
    problem: ProblemRow | None = None
    if row.problem_id is not None:
        try:
            problem = problems.get(conn, row.problem_id)
        except NotFound:  # retention removed it; what is left to say is in the message
            problem = None
    return ClaimedAlert(
        id=row.id,
        channel_id=row.channel_id,
        channel_name=row.name,
        url_enc=row.url_enc,
        event=row.event,
        tries=row.tries + 1,
        created_at=row.created_at,
        problem=problem,
        title=row.title,
        body=row.body,
        integration_name=_name(conn, integrations, problem.integration_id if problem else None),
        connection_name=_name(conn, connections, problem.connection_id if problem else None),
    )


def _name(conn: Connection, table: sa.Table, object_id: str | None) -> str:
    if object_id is None:
        return ""
    name: str | None = conn.execute(select(table.c.name).where(table.c.id == object_id)).scalar_one_or_none()
    return name or ""


def settle(
    conn: Connection,
    alert_id: str,
    now: datetime,
    *,
    ok: bool,
    title: str,
    body: str,
    error: str = "",
    next_at: datetime | None = None,
) -> None:
    """Store what became of a send: sent, retrying at `next_at`, or failed. The channel remembers it.

    A message that is not being sent any more (its channel was removed) stays as it is.
    """
    state = AlertState.SENT if ok else (AlertState.RETRYING if next_at else AlertState.FAILED)
    channel_id: str | None = conn.execute(
        sa.update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.state == AlertState.SENDING)
        .values(
            state=state,
            title=title,
            body=body,
            error=error,
            sent_at=now if ok else None,
            next_at=None if ok else next_at,
        )
        .returning(alerts.c.channel_id)
    ).scalar_one_or_none()
    if channel_id is not None:
        record_test(conn, channel_id, now, ok=ok, error=error)


def supersede(conn: Connection, alert_id: str) -> None:
    """Withdraw a message that was claimed and is no news any more, such as of a problem somebody took meanwhile."""
    conn.execute(
        sa.update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.state == AlertState.SENDING)
        .values(state=AlertState.SUPERSEDED, next_at=None)
    )


def postpone(conn: Connection, alert_id: str, until: datetime) -> None:
    """Put a message that was claimed back until a time; it was not tried."""
    conn.execute(
        sa.update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.state == AlertState.SENDING)
        .values(state=AlertState.QUEUED, next_at=until, tries=alerts.c.tries - 1)
    )


def recover(conn: Connection, now: datetime, *, daemon_id: str, others_are_dead: bool) -> int:
    """Queue again what dead daemons were sending: those whose lease ran out, or all but `daemon_id`."""
    owners = conn.execute(select(alerts.c.daemon_id).where(text(OUTBOX_SENDING)).distinct()).scalars().all()
    dead = daemons.dead(conn, now, owners, mine=daemon_id, others_are_dead=others_are_dead)
    if not dead:
        return 0
    again = conn.execute(
        sa.update(alerts)
        .where(text(OUTBOX_SENDING), alerts.c.daemon_id.in_(dead))
        .values(state=AlertState.QUEUED, next_at=now)
    )
    return again.rowcount


def recover_lost(conn: Connection, now: datetime, *, daemon_id: str, known: Sequence[str]) -> int:
    """Queue again what this daemon holds as being sent and knows nothing of; return how many.

    That is a claim whose commit it was not told of, or whose sending died.
    """
    again = conn.execute(
        sa.update(alerts)
        .where(text(OUTBOX_SENDING), alerts.c.daemon_id == daemon_id, alerts.c.id.not_in(list(known)))
        .values(state=AlertState.QUEUED, next_at=now)
    )
    return again.rowcount


def next_due(conn: Connection) -> datetime | None:
    """Return when the next message is due."""
    due_at: datetime | None = conn.execute(
        select(alerts.c.next_at)
        .where(text(OUTBOX_DUE), alerts.c.next_at.is_not(None))
        .order_by(alerts.c.next_at)
        .limit(1)
    ).scalar_one_or_none()
    return due_at


def _select() -> sa.Select[Any]:
    return select(alerts, channel_table.c.name.label("channel_name")).outerjoin(
        channel_table, channel_table.c.id == alerts.c.channel_id
    )


def _alert(row: Any) -> AlertRow:
    return AlertRow(
        id=row.id,
        problem_id=row.problem_id,
        channel_id=row.channel_id,
        channel_name=row.channel_name or "",
        event=row.event,
        state=row.state,
        title=row.title,
        body=row.body,
        tries=row.tries,
        created_at=row.created_at,
        sent_at=row.sent_at,
        next_attempt_at=row.next_at,
        error=row.error,
    )
