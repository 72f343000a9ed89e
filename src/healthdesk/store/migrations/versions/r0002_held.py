"""Held records are found by what holds them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the held records by their reason, so that those with one of the past are found without the rest."""
    op.create_index(
        "ix_records_held",
        "records",
        ["integration_id", "environment", "hold_reason"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
