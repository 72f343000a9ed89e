"""Runs migrations on the connection that `store.migrate` hands over; there is no alembic.ini."""

from __future__ import annotations

from alembic import context

from healthdesk.store.schema_all import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite"
)
with context.begin_transaction():
    context.run_migrations()
