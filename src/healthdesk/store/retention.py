"""Deleting what is old, in small steps that do not block writers.

Failed, held, awaited and unknown records stay, however old, until they are closed: a failed record is closed when its
problem was resolved by hand. A step looks at a bounded stretch of ids and remembers where it stopped, so that
what has to stay is not read over and over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, func, or_, select, text

from healthdesk.domain.ids import first_id_at
from healthdesk.domain.states import AlertState, CallbackState, ProblemState, RecordState
from healthdesk.store import fixes, ledger, look_ups, lookups, record_events
from healthdesk.store.schema import (
    WAITING,
    attempt_exchanges,
    attempts,
    callback_bodies,
    callbacks,
    record_bodies,
    records,
)
from healthdesk.store.schema import ledger as ledger_table
from healthdesk.store.schema_connections import (
    authorizations,
    connection_transitions,
    connections,
    heartbeats,
)
from healthdesk.store.schema_desk import activity, alerts, daemons, problems
from healthdesk.store.stretch import stretch

CLOSED = or_(
    records.c.state == RecordState.DELIVERED,
    and_(records.c.state == RecordState.FAILED, records.c.problem_id.is_(None)),
)
AUTHORIZATIONS_KEPT = timedelta(days=1)
"""How long an authorization is kept once its time ran out: they hold secrets, and who asks late is told why."""

FINISHED_ALERTS = (AlertState.SENT, AlertState.FAILED, AlertState.SUPERSEDED)

MOST_REJECTED = 1000
"""Rejected callbacks kept of one connection, however young: whoever knows its address can make as many as they like."""


def thin_rejected(conn: Connection, *, most: int = MOST_REJECTED, limit: int = 200) -> int:
    """Delete up to `limit` of the oldest rejected callbacks of a connection that has more than `most`; return how many."""
    rejected = callbacks.c.state == CallbackState.REJECTED
    crowded = conn.execute(
        select(callbacks.c.connection_id)
        .where(rejected)
        .group_by(callbacks.c.connection_id)
        .having(func.count() > most)
        .limit(1)
    ).scalar_one_or_none()
    if crowded is None:
        return 0
    surplus = (
        conn.execute(
            select(callbacks.c.id)
            .where(callbacks.c.connection_id == crowded, rejected)
            .order_by(callbacks.c.id.desc())
            .offset(most)
            .limit(limit)
        )
        .scalars()
        .all()
    )
    conn.execute(delete(callback_bodies).where(callback_bodies.c.callback_id.in_(surplus)))
    conn.execute(delete(callbacks).where(callbacks.c.id.in_(surplus)))
    return len(surplus)


def delete_some(
    conn: Connection, now: datetime, *, bodies: timedelta, rest: timedelta, limit: int = 200
) -> int:
    """Take one small step: look at up to `limit` rows of each kind and delete those that are too old.

    Returns how many rows it looked at; call again until that is 0.
    """
    bodies_before, rest_before = now - bodies, now - rest
    looked_at = _bodies(conn, first_id_at("rec", bodies_before), limit)
    looked_at += _records(conn, first_id_at("rec", rest_before), limit)
    waiting = select(callbacks.c.id).where(text(WAITING))
    # the last good and the first bad check of an outage, however long it lasts
    is_evidence = select(connections.c.id).where(
        connections.c.id == heartbeats.c.connection_id,
        connections.c.deleted_at.is_(None),
        or_(
            connections.c.last_good_check == heartbeats.c.id, connections.c.first_bad_check == heartbeats.c.id
        ),
    )
    looked_at += _delete(
        conn,
        callback_bodies,
        callback_bodies.c.callback_id,
        first_id_at("cbk", bodies_before),
        limit,
        callback_bodies.c.callback_id.not_in(waiting),
    )
    looked_at += _delete(
        conn,
        callbacks,
        callbacks.c.id,
        first_id_at("cbk", rest_before),
        limit,
        callbacks.c.state != CallbackState.ACCEPTED,
    )
    looked_at += _delete(
        conn,
        heartbeats,
        heartbeats.c.id,
        first_id_at("hbt", rest_before),
        limit,
        ~is_evidence.exists(),
    )
    looked_at += _delete(
        conn, connection_transitions, connection_transitions.c.id, first_id_at("trn", rest_before), limit
    )
    looked_at += _authorizations(conn, now - AUTHORIZATIONS_KEPT, limit)
    looked_at += fixes.delete_unused(conn, rest_before, limit)
    looked_at += _delete(conn, activity, activity.c.id, first_id_at("act", rest_before), limit)
    looked_at += _delete(
        conn,
        alerts,
        alerts.c.id,
        first_id_at("alt", rest_before),
        limit,
        alerts.c.state.in_(FINISHED_ALERTS),
    )
    looked_at += _delete(
        conn,
        problems,
        problems.c.id,
        first_id_at("prb", rest_before),
        limit,
        and_(
            problems.c.state == ProblemState.RESOLVED,
            problems.c.resolved_at < rest_before,
            problems.c.count == 0,
        ),
    )
    in_ledger = select(ledger_table.c.daemon_id)
    looked_at += _delete(
        conn,
        daemons,
        daemons.c.id,
        first_id_at("dmn", rest_before),
        limit,
        and_(daemons.c.lease_until < rest_before, daemons.c.id.not_in(in_ledger)),
    )
    return looked_at


def _closed(conn: Connection, ids: list[str]) -> list[Any]:
    return list(
        conn.execute(
            select(records.c.id, records.c.integration_id, records.c.environment, records.c.state)
            .where(records.c.id.in_(ids), CLOSED)
            .order_by(records.c.id)
            .with_for_update(skip_locked=True)
        )
    )


def _bodies(conn: Connection, before: str, limit: int) -> int:
    """Delete bodies of closed records: what was posted, and what was sent and came back."""
    looked_at = stretch(conn, "retention.bodies", record_bodies.c.record_id, before, limit)
    ids = [row.id for row in _closed(conn, looked_at)]
    _delete_bodies(conn, ids)
    return len(looked_at) if len(looked_at) == limit else len(ids)


def _records(conn: Connection, before: str, limit: int) -> int:
    """Delete closed records with their attempts, and count them as removed."""
    looked_at = stretch(conn, "retention.records", records.c.id, before, limit)
    closed = _closed(conn, looked_at)
    ids = [row.id for row in closed]
    _delete_bodies(conn, ids)
    if ids:
        conn.execute(delete(attempts).where(attempts.c.record_id.in_(ids)))
        record_events.delete_of(conn, ids)
        lookups.delete_of(conn, ids)
        look_ups.delete_of(conn, ids)
        fixes.delete_of(conn, ids)
        conn.execute(delete(records).where(records.c.id.in_(ids)))
        deltas = ledger.Deltas()
        for row in closed:
            deltas.removed(row.integration_id, row.environment, row.state)
        ledger.apply(conn, deltas)
    return len(looked_at) if len(looked_at) == limit else len(ids)


def _delete_bodies(conn: Connection, ids: list[str]) -> None:
    if ids:
        theirs = select(attempts.c.id).where(attempts.c.record_id.in_(ids))
        conn.execute(delete(attempt_exchanges).where(attempt_exchanges.c.attempt_id.in_(theirs)))
        conn.execute(delete(record_bodies).where(record_bodies.c.record_id.in_(ids)))
        fixes.forget_bodies(conn, ids)


def _authorizations(conn: Connection, before: datetime, limit: int) -> int:
    """Delete authorizations whose time ran out before then, whatever became of them."""
    old = select(authorizations.c.id).where(authorizations.c.expires_at < before).limit(limit)
    ids = list(conn.execute(old).scalars())
    if ids:
        conn.execute(delete(authorizations).where(authorizations.c.id.in_(ids)))
    return len(ids)


def _delete(
    conn: Connection,
    table: Table,
    column: Column[Any],
    before: str,
    limit: int,
    condition: ColumnElement[bool] | None = None,
) -> int:
    """Delete up to `limit` of the oldest rows of a table that may go."""
    old = select(column).where(column < before)
    if condition is not None:
        old = old.where(condition)
    ids = list(conn.execute(old.order_by(column).limit(limit)).scalars())
    if ids:
        conn.execute(delete(table).where(column.in_(ids)))
    return len(ids)
