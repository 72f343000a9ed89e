"""Callbacks: inbound webhooks from apps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from healthdesk.domain.states import CallbackState
from healthdesk.store.rows import CallbackRow, NewCallback, PageRows, StoredCallback


def accept(conn: Connection, new: NewCallback) -> StoredCallback:
    """Store a callback once per delivery id; a repeat is counted on the first. A rejected one is never a duplicate."""
    raise NotImplementedError


def page(
    conn: Connection,
    *,
    connection_id: str | None = None,
    states: tuple[CallbackState, ...] = (),
    arrived_from: datetime | None = None,
    arrived_to: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[CallbackRow]:
    """Return a page of callbacks, without headers and bodies."""
    raise NotImplementedError


def get(conn: Connection, callback_id: str) -> CallbackRow:
    """Return a callback with headers and body, or raise NotFound."""
    raise NotImplementedError


def process_some(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Mark up to `limit` accepted callbacks processed, oldest first, and return their ids; each is taken by one daemon."""
    raise NotImplementedError


def mark_processed(
    conn: Connection, callback_id: str, now: datetime, *, event: str = "", error: str = ""
) -> None:
    """Say that a callback was processed, or failed with `error`."""
    raise NotImplementedError


def reprocess(conn: Connection, callback_id: str) -> None:
    """Make a processed or failed callback wait again; raise Conflict for a rejected one."""
    raise NotImplementedError
