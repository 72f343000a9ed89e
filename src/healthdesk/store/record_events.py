"""What happened to a record beside its attempts: fixes, lookups, receipts, deadlines, its place in an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import RecordEventKind
from healthdesk.store.rows import RecordEventRow
from healthdesk.store.schema import record_events
from healthdesk.store.scope import scope_of

PREFIX = "evt"
MOST_SHOWN = 100
NOTHING: Mapping[str, Any] = MappingProxyType({})


def add(
    conn: Connection,
    record_id: str,
    kind: RecordEventKind,
    at: datetime,
    sentence: str,
    by: str = "",
    detail: Mapping[str, Any] = NOTHING,
) -> str:
    """Keep that something happened to a record and return the event's id. No value of the record is in `sentence`."""
    event_id = scope_of(conn).new_id(PREFIX)
    conn.execute(
        sa.insert(record_events).values(
            record_id=record_id,
            id=event_id,
            at=at,
            kind=kind,
            done_by=by,
            sentence=sentence,
            detail=dict(detail),
        )
    )
    return event_id


def of(conn: Connection, record_id: str, limit: int = MOST_SHOWN) -> list[RecordEventRow]:
    """Return the newest events of a record, oldest first."""
    newest = (
        select(record_events)
        .where(record_events.c.record_id == record_id)
        .order_by(record_events.c.id.desc())
        .limit(limit)
    )
    return [_event(row) for row in reversed(conn.execute(newest).all())]


def delete_of(conn: Connection, record_ids: Sequence[str]) -> None:
    """Delete the events of records that retention deletes."""
    conn.execute(sa.delete(record_events).where(record_events.c.record_id.in_(record_ids)))


def _event(row: Any) -> RecordEventRow:
    return RecordEventRow(
        id=row.id,
        record_id=row.record_id,
        at=row.at,
        kind=row.kind,
        by=row.done_by,
        sentence=row.sentence,
        detail=row.detail or {},
    )
