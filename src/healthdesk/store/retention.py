"""Deleting what is old, in small steps that do not block writers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from healthdesk.store.rows import Removed


def delete_some(
    conn: Connection, now: datetime, *, bodies_days: float, rest_days: float, limit: int = 500
) -> Removed:
    """Delete up to `limit` rows of each kind that are older than retention allows; failed, held and unknown records stay until they are closed. Call again while `total` is not 0."""
    raise NotImplementedError
