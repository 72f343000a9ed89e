"""Values kept per operator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection


def get(conn: Connection, user: str, key: str) -> Any | None:
    """Return a value, or None."""
    raise NotImplementedError


def put(conn: Connection, user: str, key: str, value: Any, now: datetime) -> None:
    """Store a value."""
    raise NotImplementedError
