"""Callbacks: inbound webhooks from apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.ids import first_id_at
from healthdesk.domain.states import CallbackState, Environment
from healthdesk.errors import Conflict
from healthdesk.store.paging import cut
from healthdesk.store.rows import (
    CallbackRow,
    NewCallback,
    PageRows,
    ProcessedCallback,
    StoredCallback,
    WaitingCallback,
)
from healthdesk.store.schema import DEDUPED, WAITING, callback_bodies, callbacks
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_setup import integrations
from healthdesk.store.scope import missing, on_sqlite

PREFIX = "cbk"


def sender(integration_id: str, environment: Environment | None) -> str:
    """Return what stands in the place of a receipt's connection: ids of deliveries are told apart by it. None is of
    one that was not verified.
    """
    return f"{integration_id}/{environment.value if environment else ''}"


def senders(integration_id: str) -> tuple[str, ...]:
    """Return what may stand in the place of the connection in receipts of an integration."""
    return tuple(sender(integration_id, environment) for environment in (*Environment, None))


def accept(conn: Connection, new: NewCallback) -> StoredCallback:
    """Store a callback once per delivery id; a repeat is counted on the first. A rejected one is no repeat."""
    values = {
        "id": new.id,
        "connection_id": new.connection_id,
        "delivery_id": new.delivery_id,
        "received_at": new.received_at,
        "state": new.state,
        "reason": new.reason,
        "event": new.event,
        "size": len(new.body) if new.size is None else new.size,
        "integration_id": new.integration_id,
        "environment": new.environment,
    }
    insert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(callbacks).values(values)
    upsert = insert.on_conflict_do_update(
        index_elements=["connection_id", "delivery_id"],
        index_where=text(DEDUPED),
        set_={"duplicates": callbacks.c.duplicates + 1},
    ).returning(callbacks.c.id)
    stored: str = conn.execute(upsert).scalar_one()
    if stored != new.id:
        return StoredCallback(stored, duplicate=True)
    conn.execute(
        sa.insert(callback_bodies).values(
            callback_id=new.id,
            content_type=new.content_type,
            headers=dict(new.headers),
            body_cut=new.body_cut,
            body=new.body,
        )
    )
    return StoredCallback(stored)


def page(
    conn: Connection,
    *,
    connection_id: str | None = None,
    integration_id: str | None = None,
    states: tuple[CallbackState, ...] = (),
    arrived_from: datetime | None = None,
    arrived_to: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[CallbackRow]:
    """Return a page of callbacks, without headers and bodies; those of an integration are its receipts."""
    whose: tuple[str, ...] = (connection_id,) if connection_id is not None else ()
    if integration_id is not None:
        whose = senders(integration_id)
    ids = sa.select(callbacks.c.id)
    if arrived_from is not None:
        ids = ids.where(callbacks.c.id >= first_id_at(PREFIX, arrived_from))
    if arrived_to is not None:
        ids = ids.where(callbacks.c.id < first_id_at(PREFIX, arrived_to))
    if after is not None:
        ids = ids.where(callbacks.c.id < after if newest_first else callbacks.c.id > after)
    order = callbacks.c.id.desc() if newest_first else callbacks.c.id.asc()
    ids = ids.order_by(order).limit(limit + 1)
    if whose or states:  # one index range for each state, as in the log
        ids = _merged(ids, whose, states or tuple(CallbackState), limit, newest_first=newest_first)
    picked = list(conn.execute(ids).scalars())
    found = {row.id: _callback(row) for row in conn.execute(_select().where(callbacks.c.id.in_(picked)))}
    return cut([found[callback_id] for callback_id in picked], limit)


def _merged(
    ids: sa.Select[Any],
    whose: tuple[str, ...],
    states: tuple[CallbackState, ...],
    limit: int,
    *,
    newest_first: bool,
) -> sa.Select[Any]:
    of_each = [ids.where(callbacks.c.connection_id == sender) for sender in whose] or [ids]
    parts = [
        sa.select(of_one.where(callbacks.c.state == state).subquery().c.id)
        for of_one in of_each
        for state in states
    ]
    merged = sa.union_all(*parts).subquery()
    return (
        sa.select(merged.c.id)
        .order_by(merged.c.id.desc() if newest_first else merged.c.id.asc())
        .limit(limit + 1)
    )


def get(conn: Connection, callback_id: str) -> CallbackRow:
    """Return a callback with headers and body, or raise NotFound."""
    row = conn.execute(
        _select()
        .add_columns(
            callback_bodies.c.content_type,
            callback_bodies.c.headers,
            callback_bodies.c.body_cut,
            callback_bodies.c.body,
        )
        .outerjoin(callback_bodies, callback_bodies.c.callback_id == callbacks.c.id)
        .where(callbacks.c.id == callback_id)
    ).one_or_none()
    if row is None:
        raise missing("callback", callback_id)
    return _callback(
        row,
        content_type=row.content_type or "",
        headers=row.headers or {},
        body=None if row.body is None else bytes(row.body),
        body_cut=bool(row.body_cut),
    )


def waiting(conn: Connection, *, limit: int, most_bytes: int) -> list[WaitingCallback]:
    """Return accepted callbacks, oldest first: up to `limit`, and one at least, however large it is."""
    sizes = conn.execute(
        select(callbacks.c.id, callbacks.c.size)
        .where(text(WAITING), callbacks.c.integration_id.is_(None))
        .order_by(callbacks.c.id)
        .limit(limit)
    )
    ids = fitting(sizes, most_bytes)
    found = conn.execute(
        select(callbacks.c.id, callbacks.c.event, connections.c.app, callback_bodies.c.body)
        .outerjoin(connections, connections.c.id == callbacks.c.connection_id)
        .outerjoin(callback_bodies, callback_bodies.c.callback_id == callbacks.c.id)
        .where(callbacks.c.id.in_(ids))
        .order_by(callbacks.c.id)
    )
    return [WaitingCallback(row.id, row.app or "", row.event, bytes(row.body or b"")) for row in found]


def fitting(sizes: Iterable[Any], most_bytes: int) -> list[str]:
    """Return the ids of the first (id, size) that are no more than `most_bytes` together, and of one at least."""
    ids: list[str] = []
    left = most_bytes
    for callback_id, size in sizes:
        left -= size
        if ids and left < 0:
            break
        ids.append(callback_id)
    return ids


def processed(conn: Connection, done: Sequence[ProcessedCallback], now: datetime) -> list[str]:
    """Keep what callbacks are about; return the ids of those that no other daemon had processed meanwhile."""
    return [
        each.id
        for each in done
        if conn.execute(
            sa.update(callbacks)
            .where(callbacks.c.id == each.id, text(WAITING))
            .values(
                state=CallbackState.FAILED if each.error else CallbackState.PROCESSED,
                reason=each.error,
                processed_at=now,
                instances="\n".join(each.instances),
                records="\n".join(each.records),
            )
        ).rowcount
    ]


def reprocess(conn: Connection, callback_id: str) -> None:
    """Make a processed or failed callback wait again; raise Conflict for a rejected one."""
    row = conn.execute(select(callbacks.c.state).where(callbacks.c.id == callback_id)).one_or_none()
    if row is None:
        raise missing("callback", callback_id)
    if row.state is CallbackState.REJECTED:
        raise Conflict(
            "this callback was rejected: it is not known to come from the app",
            fix="Correct the connection's verification and let the app send it again.",
        )
    conn.execute(
        sa.update(callbacks)
        .where(callbacks.c.id == callback_id)
        .values(state=CallbackState.ACCEPTED, reason="", processed_at=None)
    )


def _select() -> sa.Select[Any]:
    return (
        select(
            callbacks,
            connections.c.name.label("connection_name"),
            integrations.c.name.label("integration_name"),
        )
        .outerjoin(connections, connections.c.id == callbacks.c.connection_id)
        .outerjoin(integrations, integrations.c.id == callbacks.c.integration_id)
    )


def _callback(row: Any, **more: Any) -> CallbackRow:
    return CallbackRow(
        id=row.id,
        connection_id="" if row.integration_id else row.connection_id,
        connection_name=row.connection_name or "",
        integration_id=row.integration_id,
        integration_name=row.integration_name or "",
        environment=row.environment,
        delivery_id=row.delivery_id,
        received_at=row.received_at,
        state=row.state,
        reason=row.reason,
        event=row.event,
        duplicates=row.duplicates,
        size=row.size,
        processed_at=row.processed_at,
        instances=tuple(row.instances.splitlines()),
        records=tuple(row.records.splitlines()),
        **more,
    )
