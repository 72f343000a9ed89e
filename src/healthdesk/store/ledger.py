"""Totals of records by environment and state, kept in the transaction of each change."""

from __future__ import annotations

from sqlalchemy import Connection

from healthdesk.store.rows import LedgerRow


def totals(conn: Connection) -> list[LedgerRow]:
    """Return the totals of every environment, summed over daemons."""
    raise NotImplementedError


def fold(conn: Connection, dead_daemon_ids: list[str]) -> int:
    """Add the rows of daemons that are gone to the desk's own; return how many went."""
    raise NotImplementedError


def recount(conn: Connection) -> list[LedgerRow]:
    """Count the records themselves: slow, for tests and doctor."""
    raise NotImplementedError
