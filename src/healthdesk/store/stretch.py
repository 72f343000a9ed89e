"""Looking through an old stretch of ids step by step, so that what has to stay is not read over and over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, select

from healthdesk.store import desk


def stretch(conn: Connection, mark: str, column: Column[Any], before: str, limit: int) -> list[str]:
    """Return the next ids to look at and remember the last; at the end the next round starts anew."""
    start = desk.setting(conn, mark) or ""
    if start == "" and not conn.execute(select(column).where(column < before).limit(1)).first():
        return []
    ids = list(
        conn.execute(
            select(column).where(column > start, column < before).order_by(column).limit(limit)
        ).scalars()
    )
    desk.set_setting(conn, mark, ids[-1] if len(ids) == limit else "")
    return ids
