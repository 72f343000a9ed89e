"""The first schema."""

from __future__ import annotations

from healthdesk.store.migrations import initial_desk, initial_records, initial_setup

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    initial_setup.create()
    initial_records.create()
    initial_desk.create()
