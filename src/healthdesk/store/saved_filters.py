"""Filters of the log that operators saved: their own, and those that are shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.schema_setup import saved_filters
from healthdesk.store.scope import missing, on_sqlite


@dataclass(frozen=True, slots=True)
class SavedFilterRow:
    """A saved filter; `filter` is the wire's RecordFilter without what it leaves open."""

    id: str
    name: str
    owner: str
    shared: bool
    filter: dict[str, Any]
    created_at: datetime


def save(
    conn: Connection,
    *,
    filter_id: str,
    name: str,
    owner: str,
    shared: bool,
    chosen: dict[str, Any],
    now: datetime,
) -> SavedFilterRow:
    """Store a filter under a name; one of the owner's that has the name already becomes this one and keeps its id."""
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(saved_filters)
    made = upsert.values(
        id=filter_id, name=name, owner=owner, shared=shared, filter=chosen, created_at=now
    ).on_conflict_do_update(index_elements=["owner", "name"], set_={"shared": shared, "filter": chosen})
    return _row(conn.execute(made.returning(saved_filters)).one())


def get(conn: Connection, filter_id: str) -> SavedFilterRow:
    """Return a saved filter, or raise NotFound."""
    row = conn.execute(select(saved_filters).where(saved_filters.c.id == filter_id)).one_or_none()
    if row is None:
        raise missing("filter", filter_id)
    return _row(row)


def page(
    conn: Connection, user: str, *, after: str | None = None, limit: int = 50
) -> PageRows[SavedFilterRow]:
    """Return the filters that an operator sees, theirs and the shared ones, by age."""
    seen = select(saved_filters).where(or_(saved_filters.c.owner == user, saved_filters.c.shared))
    return paged(conn, seen, saved_filters.c.id, _row, after=after, limit=limit, newest_first=False)


def remove(conn: Connection, filter_id: str) -> None:
    """Delete a saved filter."""
    conn.execute(sa.delete(saved_filters).where(saved_filters.c.id == filter_id))


def _row(row: Any) -> SavedFilterRow:
    return SavedFilterRow(**{name: getattr(row, name) for name in SavedFilterRow.__slots__})
