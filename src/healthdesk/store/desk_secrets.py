"""Secrets of the desk itself, made once and never changed: all daemons of a database use the same."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.store.schema_setup import desk_secrets
from healthdesk.store.scope import on_sqlite


def get(conn: Connection, name: str) -> str | None:
    """Return a secret, encrypted, or None before it was made."""
    return conn.execute(
        select(desk_secrets.c.secret_enc).where(desk_secrets.c.name == name)
    ).scalar_one_or_none()


def keep_first(conn: Connection, name: str, secret_enc: str) -> str:
    """Store a secret unless there is one, and return the one that is kept: of two daemons the first one's."""
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(desk_secrets)
    conn.execute(upsert.values(name=name, secret_enc=secret_enc).on_conflict_do_nothing())
    kept: str = conn.execute(
        select(desk_secrets.c.secret_enc).where(desk_secrets.c.name == name)
    ).scalar_one()
    return kept
