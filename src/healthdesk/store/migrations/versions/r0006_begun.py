"""Attempts that were claimed and not begun, every webhook-id of a record, and where the mapping of a fix was saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from healthdesk.store.migrations.braces import keep_literal

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what tells a request that may have left from one that did not, and a mapping in force from one to carry out."""
    op.add_column("attempts", sa.Column("begun", sa.Boolean(), nullable=True))
    renamed = sa.text("webhook_id <> record_id")
    op.create_index(
        "ix_attempts_webhook",
        "attempts",
        ["webhook_id"],
        unique=False,
        sqlite_where=renamed,
        postgresql_where=renamed,
    )
    op.add_column("fixes", sa.Column("saved_in", sa.Text(), server_default="[]", nullable=False))
    keep_literal(every=False)
