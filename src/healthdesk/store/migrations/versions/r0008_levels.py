"""The indexes of a filter by what a record is of have its level beside: whether it fits is read from them alone."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_records_state": ["environment", "state", "id"],
    "ix_records_integration": ["integration_id", "environment", "state", "id"],
    "ix_records_source": ["source_id", "integration_id", "environment", "state", "id"],
}


def upgrade() -> None:
    """Make three indexes anew; a level never changes, so an entry is written no more often than before."""
    for name, columns in INDEXES.items():
        op.drop_index(name, table_name="records")
        op.create_index(name, "records", [*columns, "level"], unique=False)
