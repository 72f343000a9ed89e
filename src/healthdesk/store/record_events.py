"""What happened to a record beside its attempts: fixes, lookups, receipts, deadlines, its place in an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import RecordEventKind
from healthdesk.store.rows import RecordEventRow
from healthdesk.store.schema import record_events
from healthdesk.store.scope import scope_of

MOST_SHOWN = 100
NOTHING: Mapping[str, Any] = MappingProxyType({})
Event = tuple[str, str, Mapping[str, Any]]
"""Id of a record, what happened to it, and its detail."""


def add(
    conn: Connection,
    record_id: str,
    kind: RecordEventKind,
    at: datetime,
    sentence: str,
    by: str = "",
    detail: Mapping[str, Any] = NOTHING,
) -> None:
    """Keep that something happened to a record. No value of the record is in `sentence`."""
    add_all(conn, kind, at, [(record_id, sentence, detail)], by)


def add_all(
    conn: Connection, kind: RecordEventKind, at: datetime, events: Iterable[Event], by: str = ""
) -> None:
    """Keep that something of one kind happened to records, one event of each at least."""
    new_id = scope_of(conn).new_id
    conn.execute(
        sa.insert(record_events),
        [
            {
                "record_id": record_id,
                "id": new_id("evt"),
                "at": at,
                "kind": kind,
                "done_by": by,
                "sentence": sentence,
                "detail": dict(detail),
            }
            for record_id, sentence, detail in events
        ],
    )


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
