"""The daemons that share this database, and their leases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from healthdesk.store.rows import DaemonRow


def register(conn: Connection, daemon_id: str, now: datetime, lease: timedelta) -> None:
    """Say that a daemon runs, for as long as its lease."""
    raise NotImplementedError


def renew(conn: Connection, daemon_id: str, now: datetime, lease: timedelta) -> bool:
    """Extend a daemon's lease; return False if it had run out and others may have taken its work."""
    raise NotImplementedError


def leave(conn: Connection, daemon_id: str, now: datetime) -> None:
    """Say that a daemon stopped; its lease ends now."""
    raise NotImplementedError


def expired(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease ran out."""
    raise NotImplementedError


def running(conn: Connection, now: datetime) -> list[DaemonRow]:
    """Return daemons whose lease holds."""
    raise NotImplementedError
