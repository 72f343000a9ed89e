"""Values kept per operator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.store.schema_desk import preferences
from healthdesk.store.scope import on_sqlite


def get(conn: Connection, user: str, key: str) -> Any | None:
    """Return a value, or None."""
    return conn.execute(
        select(preferences.c.value).where(preferences.c.user_name == user, preferences.c.key == key)
    ).scalar_one_or_none()


def put(conn: Connection, user: str, key: str, value: Any, now: datetime) -> None:
    """Store a value; None forgets it."""
    if value is None:
        conn.execute(preferences.delete().where(preferences.c.user_name == user, preferences.c.key == key))
        return
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(preferences)
    conn.execute(
        upsert.values(user_name=user, key=key, value=value, updated_at=now).on_conflict_do_update(
            index_elements=["user_name", "key"], set_={"value": value, "updated_at": now}
        )
    )
