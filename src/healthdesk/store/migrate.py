"""Brings a database's schema to this program's, or says why that cannot be."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from healthdesk.errors import SchemaMismatch

MIGRATION_LOCK = 0x6865616C746864
"""PostgreSQL advisory lock: of several daemons starting at once, one migrates and the others wait."""


@cache
def known_revisions() -> tuple[str, frozenset[str]]:
    """Return the newest revision of this program and all it knows: the numbers in the names of its migrations."""
    names = (file.name for file in files("healthdesk.store.migrations.versions").iterdir())
    known = frozenset(
        name[1:].partition("_")[0] for name in names if name.startswith("r") and name.endswith(".py")
    )
    return max(known), known


def revision_of(conn: Connection) -> str:
    """Return the revision of the database's schema; an empty string where it has none."""
    if not inspect(conn).has_table("alembic_version"):
        return ""
    revision: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision or ""


def migrate(conn: Connection, *, allowed: bool, to: str | None = None) -> str:
    """Upgrade the schema inside the caller's transaction, as far as `to` or to the newest, and return its revision.

    Raises SchemaMismatch for a database of a newer program, and for an older one when not `allowed`.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    head, known = known_revisions()
    if to is not None and to not in known:
        raise SchemaMismatch(
            f"this is of schema revision {to}; this healthdesk knows up to {head}",
            fix="Use the newer healthdesk that made it.",
        )
    head = to or head
    current = revision_of(conn)
    if current == head:
        return head
    if current and current not in known:
        raise SchemaMismatch(
            f"the database's schema is revision {current}; this healthdesk knows up to {head}",
            fix="Run the newer healthdesk that migrated it, or restore a backup from before.",
        )
    if to is not None and current > head:  # revisions are numbers of equal length
        raise SchemaMismatch(
            f"the database's schema is revision {current}, newer than {head}, which this is of",
            fix="Restore into a database that does not exist yet.",
        )
    if not allowed:
        raise SchemaMismatch(
            f"the database's schema is revision {current or 'none'}; this healthdesk needs {head}",
            fix="Start the daemon once; it migrates the schema.",
        )
    _upgrade(conn, head)
    return head


def _upgrade(conn: Connection, to: str) -> None:
    from alembic import command  # a daemon whose database is as it should be starts without it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("healthdesk.store.migrations")))
    config.attributes["connection"] = conn
    command.upgrade(config, to)
