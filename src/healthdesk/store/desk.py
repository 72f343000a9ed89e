"""Counts of the whole desk, for its status."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection


def counts(conn: Connection, now: datetime) -> dict[str, int]:
    """Return the numbers of the wire's Status, none of them counted over the log."""
    raise NotImplementedError


def setting(conn: Connection, key: str) -> str | None:
    """Return a value the desk keeps about itself."""
    raise NotImplementedError


def set_setting(conn: Connection, key: str, value: str) -> None:
    """Keep a value about the desk itself."""
    raise NotImplementedError
