"""Records: the log, one record, its attempts and bodies, and resends; how else they move is in `flow`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Select, func, select, type_coerce

from healthdesk.store.columns import IdTime
from healthdesk.store.counting import count
from healthdesk.store.log_query import search
from healthdesk.store.resend_plans import resend_plan
from healthdesk.store.resending import resend, would_resend
from healthdesk.store.rows import AttemptRow, BodyRow, LogRows, RecordQuery, RecordRow
from healthdesk.store.rows_log import Order
from healthdesk.store.schema import attempt_exchanges, record_bodies, records
from healthdesk.store.schema import attempts as attempt_table
from healthdesk.store.schema_setup import integrations, sources
from healthdesk.store.scope import missing

__all__ = [
    "attempt",
    "attempts",
    "body",
    "count",
    "get",
    "page",
    "resend",
    "resend_plan",
    "would_resend",
]


_ELSEWHERE = {
    "integration_name": func.coalesce(integrations.c.name, ""),
    "source": func.coalesce(sources.c.key, records.c.source_id),
    "source_name": func.coalesce(sources.c.name, ""),
    "arrived_at": type_coerce(records.c.id, IdTime),
    "next_attempt_at": records.c.next_at,
}
"""Fields of a row of the log that are no column of `records` of the same name."""

_RECORDS = (
    select(
        *(
            (_ELSEWHERE[name] if name in _ELSEWHERE else records.c[name]).label(name)
            for name in [each.name for each in fields(RecordRow)]
        )
    )
    .select_from(records)
    .outerjoin(integrations, integrations.c.id == records.c.integration_id)
    .outerjoin(sources, sources.c.id == records.c.source_id)
)
"""Rows of the log, column by column as RecordRow has its fields: to read them by name would take twice as long."""


def page(
    conn: Connection,
    query: RecordQuery,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
    order: Order | None = None,
) -> LogRows:
    """Return a page of the log, sorted as `order` says, else by the first date that the filter bounds, else by arrival.

    It costs the same at any depth and for any filter: a search that found too little in what it reads at most answers
    that, and goes on at `next`.
    """
    found = search(conn, query, after=after, limit=limit, newest_first=newest_first, order=order)
    if not found.ids:
        return LogRows([], found.next, found.order, found.searched_to)
    rows = {row.id: RecordRow(*row) for row in conn.execute(_RECORDS.where(records.c.id.in_(found.ids)))}
    items = [rows[record_id] for record_id in found.ids if record_id in rows]
    return LogRows(items, found.next, found.order, found.searched_to)


def get(conn: Connection, record_id: str) -> RecordRow:
    """Return a record, or raise NotFound."""
    row = conn.execute(_RECORDS.where(records.c.id == record_id)).one_or_none()
    if row is None:
        raise missing("record", record_id)
    return RecordRow(*row)


def body(conn: Connection, record_id: str) -> BodyRow | None:
    """Return what was posted, or None once retention removed it."""
    row = conn.execute(select(record_bodies).where(record_bodies.c.record_id == record_id)).one_or_none()
    if row is None:
        return None
    return BodyRow(row.record_id, bytes(row.body), row.data_start, row.data_end, row.content_type)


def attempts(conn: Connection, record_id: str, limit: int = 100) -> list[AttemptRow]:
    """Return the newest attempts of a record, oldest first."""
    newest = (
        _select_attempts()
        .where(attempt_table.c.record_id == record_id)
        .order_by(attempt_table.c.id.desc())
        .limit(limit)
    )
    return [_attempt(row) for row in reversed(conn.execute(newest).all())]


def attempt(conn: Connection, record_id: str, attempt_id: str) -> AttemptRow:
    """Return one attempt with its response body, or raise NotFound."""
    row = conn.execute(
        _select_attempts()
        .add_columns(attempt_exchanges.c.response_body, attempt_exchanges.c.request_body)
        .where(attempt_table.c.record_id == record_id, attempt_table.c.id == attempt_id)
    ).one_or_none()
    if row is None:
        raise missing("attempt", attempt_id)
    return _attempt(row, response_body=row.response_body, request_body=row.request_body)


def _select_attempts() -> Select[Any]:
    return select(
        attempt_table,
        attempt_exchanges.c.method,
        attempt_exchanges.c.url,
        attempt_exchanges.c.request_headers,
        attempt_exchanges.c.response_headers,
        attempt_exchanges.c.response_cut,
    ).outerjoin(attempt_exchanges, attempt_exchanges.c.attempt_id == attempt_table.c.id)


def _attempt(row: Any, response_body: bytes | None = None, request_body: bytes | None = None) -> AttemptRow:
    return AttemptRow(
        id=row.id,
        record_id=row.record_id,
        number=row.number,
        trigger=row.trigger,
        triggered_by=row.triggered_by,
        outcome=row.outcome,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=row.duration_ms,
        status=row.status,
        error_kind=row.error_kind,
        blame=row.blame,
        error=row.error,
        next_action=row.next_action,
        retry_after_s=row.retry_after_s,
        connect_ms=row.connect_ms,
        tls_ms=row.tls_ms,
        first_byte_ms=row.first_byte_ms,
        fix_id=row.fix_id,
        batch_id=row.batch_id,
        webhook_id=row.webhook_id,
        method=row.method or "",
        url=row.url or "",
        request_headers=row.request_headers or {},
        response_headers=row.response_headers or {},
        response_cut=bool(row.response_cut),
        response_body=None if response_body is None else bytes(response_body),
        request_body=None if request_body is None else bytes(request_body),
    )
