"""What produces records, and through which integrations each is delivered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.store.rows import PageRows, SourceRow


def insert(
    conn: Connection,
    *,
    source_id: str,
    key: str,
    name: str,
    levels: list[str],
    fields: list[dict[str, Any]],
    now: datetime,
    by: str,
) -> None:
    """Store a new source, or raise Conflict when the key is taken."""
    raise NotImplementedError


def get(conn: Connection, id_or_key: str) -> SourceRow:
    """Return a source by id or key, or raise NotFound."""
    raise NotImplementedError


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[SourceRow]:
    """Return sources by age."""
    raise NotImplementedError


def update(
    conn: Connection,
    source_id: str,
    *,
    name: str | None = None,
    levels: list[str] | None = None,
    fields: list[dict[str, Any]] | None = None,
) -> None:
    """Change a source; what is None stays."""
    raise NotImplementedError


def enable(conn: Connection, source_id: str, integration_id: str, enabled: bool) -> bool:
    """Allow or stop deliveries of a source through an integration; return whether that changed anything."""
    raise NotImplementedError


def enabled(conn: Connection) -> list[tuple[str, SourceRow]]:
    """Return (integration id, source) for every source enabled for an integration."""
    raise NotImplementedError
