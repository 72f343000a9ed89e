"""The indexes of what fails have what a filter most often asks beside, and what went wrong is found by its dates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BESIDE = ["source_id", "level", "integration_id", "environment", "sample"]


def upgrade() -> None:
    """Make two indexes anew and three more; a record that never fails is in none."""
    for name, column, where in (
        ("ix_records_refused", "last_status", "last_status >= 300"),
        ("ix_records_failing", "error_kind", "error_kind <> ''"),
    ):
        op.drop_index(name, table_name="records")
        condition = sa.text(where)
        op.create_index(
            name,
            "records",
            [column, "id", *BESIDE],
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    trouble = sa.text("(state = 'failed' OR error_kind <> '' OR last_status >= 300)")
    for date in ("completed", "first_attempt", "last_attempt"):
        op.create_index(
            f"ix_records_trouble_{date}",
            "records",
            [f"{date}_at", "id", "state"],
            unique=False,
            sqlite_where=trouble,
            postgresql_where=trouble,
        )
