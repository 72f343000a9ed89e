"""Who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from healthdesk.store.paging import paged
from healthdesk.store.rows import ActivityRow, PageRows
from healthdesk.store.schema_desk import activity


def add(
    conn: Connection,
    *,
    activity_id: str,
    at: datetime,
    user: str,
    verb: str,
    object_kind: str,
    object_id: str,
    object_name: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Store that an operator did something, in the transaction that does it."""
    conn.execute(
        insert(activity).values(
            id=activity_id,
            at=at,
            user_name=user,
            verb=verb,
            object_kind=object_kind,
            object_id=object_id,
            object_name=object_name,
            detail=dict(detail or {}),
        )
    )


def page(
    conn: Connection,
    *,
    user: str | None = None,
    object_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[ActivityRow]:
    """Return what was done."""
    query = select(activity)
    if user is not None:
        query = query.where(activity.c.user_name == user)
    if object_id is not None:
        query = query.where(activity.c.object_id == object_id)
    return paged(conn, query, activity.c.id, _activity, after=after, limit=limit, newest_first=newest_first)


def _activity(row: Any) -> ActivityRow:
    return ActivityRow(
        id=row.id,
        at=row.at,
        user=row.user_name,
        verb=row.verb,
        object_kind=row.object_kind,
        object_id=row.object_id,
        object_name=row.object_name,
        detail=row.detail,
    )
