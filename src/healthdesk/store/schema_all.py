"""The metadata with every table in it."""

from __future__ import annotations

from healthdesk.store import schema_connections, schema_desk, schema_instances, schema_jobs, schema_setup
from healthdesk.store.schema import metadata

TABLES = metadata.tables
"""Every table by name; naming the modules here is what fills it."""

__all__ = [
    "TABLES",
    "metadata",
    "schema_connections",
    "schema_desk",
    "schema_instances",
    "schema_jobs",
    "schema_setup",
]
