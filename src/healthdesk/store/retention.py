"""Deleting what is old, in small steps that do not block writers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection


def delete_some(
    conn: Connection, now: datetime, *, bodies: timedelta, rest: timedelta, limit: int = 200
) -> int:
    """Delete up to `limit` rows of each kind that are older than retention allows; failed, held and unknown records stay until they are closed. Return how many went; call again until 0."""
    raise NotImplementedError
