"""Brings a database's schema to this program's, or says why that cannot be."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from healthdesk.errors import SchemaMismatch

MIGRATION_LOCK = 0x6865616C746864
"""PostgreSQL advisory lock: of several daemons starting at once, one migrates and the others wait."""


def _config(conn: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("healthdesk.store.migrations")))
    config.attributes["connection"] = conn
    return config


def known_revisions(config: Config) -> tuple[str, frozenset[str]]:
    """Return the newest revision of this program and all it knows."""
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    assert head is not None
    return head, frozenset(revision.revision for revision in script.walk_revisions())


def revision_of(conn: Connection) -> str:
    """Return the revision of the database's schema; an empty string where it has none."""
    return MigrationContext.configure(conn).get_current_revision() or ""


def migrate(conn: Connection, *, allowed: bool, to: str | None = None) -> str:
    """Upgrade the schema inside the caller's transaction, as far as `to` or to the newest, and return its revision.

    Raises SchemaMismatch for a database of a newer program, and for an older one when not `allowed`.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    config = _config(conn)
    head, known = known_revisions(config)
    if to is not None and to not in known:
        raise SchemaMismatch(
            f"this is of schema revision {to}; this healthdesk knows up to {head}",
            fix="Use the newer healthdesk that made it.",
        )
    head = to or head
    current = MigrationContext.configure(conn).get_current_revision()
    if current == head:
        return head
    if current is not None and current not in known:
        raise SchemaMismatch(
            f"the database's schema is revision {current}; this healthdesk knows up to {head}",
            fix="Run the newer healthdesk that migrated it, or restore a backup from before.",
        )
    if to is not None and current is not None and current > head:  # revisions are numbers of equal length
        raise SchemaMismatch(
            f"the database's schema is revision {current}, newer than {head}, which this is of",
            fix="Restore into a database that does not exist yet.",
        )
    if not allowed:
        raise SchemaMismatch(
            f"the database's schema is revision {current or 'none'}; this healthdesk needs {head}",
            fix="Start the daemon once; it migrates the schema.",
        )
    command.upgrade(config, head)
    return head
