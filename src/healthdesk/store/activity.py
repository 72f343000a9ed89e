"""Who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.store.rows import ActivityRow, PageRows


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
    raise NotImplementedError


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
    raise NotImplementedError
