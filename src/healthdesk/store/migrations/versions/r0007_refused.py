"""The indexes of what fails have what a filter most often asks beside: of a few among many no record is looked up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BESIDE = ["source_id", "level", "integration_id", "environment", "sample"]


def upgrade() -> None:
    """Make both indexes anew; a record that never fails is in neither."""
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
