"""The delivery desk: jobs, fixes, lookup fields, saved filters, circuits, receipts, ordering."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from healthdesk.store.migrations.braces import keep_literal

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ITEM_STATES = (
    "pending",
    "sent",
    "delivered",
    "awaiting_receipt",
    "retrying",
    "failed",
    "unknown",
    "skipped",
    "cancelled",
)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Add what delivering with care needs. What environments have is literal: templates begin here."""
    keep_literal(every=True)
    _records()
    _setup()
    _jobs()


def _records() -> None:
    for table, columns in {
        "records": (sa.Column("fix_id", ID), sa.Column("order_key", sa.Text())),
        "attempts": (
            sa.Column("connect_ms", sa.Float()),
            sa.Column("tls_ms", sa.Float()),
            sa.Column("first_byte_ms", sa.Float()),
            sa.Column("fix_id", ID),
            sa.Column("batch_id", ID),
        ),
        "attempt_exchanges": (sa.Column("request_body", sa.LargeBinary()),),
        "callbacks": (sa.Column("integration_id", ID), sa.Column("environment", sa.Text())),
    }.items():
        for column in columns:
            op.add_column(table, column)
    _partial(
        "ix_records_undecided",
        "records",
        ["integration_id", "environment", "state", "next_at", "id"],
        "state IN ('awaiting_receipt', 'unknown') AND next_at IS NOT NULL",
    )
    _partial(
        "ix_records_order",
        "records",
        ["integration_id", "environment", "order_key", "id"],
        "order_key IS NOT NULL AND state <> 'delivered'",
    )
    _partial("ix_records_webhook", "records", ["webhook_id"], "webhook_id <> id")
    op.create_index("ix_records_completed", "records", ["completed_at", "id"], unique=False)
    for name, indexed, where in (
        ("tried", ["first_attempt_at", "id"], "first_attempt_at IS NOT NULL"),
        ("retried", ["last_attempt_at", "id", "first_attempt_at"], "last_attempt_at <> first_attempt_at"),
        ("failing", ["error_kind", "id"], "error_kind <> ''"),
        ("refused", ["last_status", "id"], "last_status >= 300"),
        ("samples", ["id", "sample"], "sample"),
    ):
        _partial(f"ix_records_{name}", "records", indexed, where)
    _partial("ix_records_fix", "records", ["fix_id"], "fix_id IS NOT NULL")
    op.create_table(
        "record_events",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        _time("at", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _text("done_by"),
        _text("sentence"),
        _text("detail", "{}"),
        sa.PrimaryKeyConstraint("record_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "record_lookups",
        sa.Column("value_hash", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("value_hash", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_record_lookups_record", "record_lookups", ["record_id"], unique=False)


def _setup() -> None:
    for column in (
        _text("delivery", "{}"),
        _text("circuit", "closed"),
        _time("circuit_at"),
        _time("circuit_probe_at"),
        _count("circuit_step"),
        _text("circuit_reason"),
    ):
        op.add_column("environments", column)
    op.create_table(
        "receipt_secrets",
        sa.Column("id", ID, nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("secret_enc", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_receipt_secrets_environment",
        "receipt_secrets",
        ["integration_id", "environment", "id"],
        unique=False,
    )
    op.create_table(
        "source_pulses",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("set_gap_s", sa.Float()),
        _text("learnt", "{}"),
        _time("since"),
        _time("last_at"),
        _time("silent_at"),
        sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"]),
        sa.PrimaryKeyConstraint("source_id", "integration_id", "environment"),
    )
    op.create_index("ix_source_pulses_silent", "source_pulses", ["silent_at"], unique=False)
    op.create_table(
        "saved_filters",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        _time("created_at", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ux_saved_filters_name", "saved_filters", ["owner", "name"], unique=True)
    op.create_table(
        "desk_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_enc", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        _text("title"),
        sa.Column("integration_id", ID),
        sa.Column("environment", sa.Text()),
        _text("filter", "{}"),
        sa.Column("query", sa.Text()),
        _text("plan", "{}"),
        sa.Column("careful", sa.Boolean(), server_default=sa.true(), nullable=False),
        _text("watch", "{}"),
        sa.Column("fix_id", ID),
        sa.Column("rate_per_s", sa.Float()),
        _text("reason"),
        *(_count(name) for name in ITEM_STATES),
        _count("total"),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text()),
        _time("started_at"),
        _time("finished_at"),
        sa.Column("lease_owner", ID),
        _time("lease_until"),
        sa.PrimaryKeyConstraint("id"),
    )
    active = "(state IN ('preparing', 'running') OR sent > 0 OR (state = 'cancelled' AND pending > 0))"
    _partial("ix_jobs_active", "jobs", ["id"], active)
    op.create_table(
        "job_records",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("record_id", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _count("attempts"),
        sa.Column("attempt_id", ID),
        sa.Column("status", sa.Integer()),
        _text("error_kind"),
        _text("detail"),
        _time("finished_at"),
        sa.PrimaryKeyConstraint("job_id", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_job_records_state", "job_records", ["job_id", "state", "record_id"], unique=False)
    _partial("ix_job_records_sent", "job_records", ["record_id"], "state = 'sent'")
    op.create_table(
        "fixes",
        sa.Column("id", ID, nullable=False),
        _time("at", nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("record_id", ID),
        sa.Column("problem_id", ID),
        sa.Column("body", sa.LargeBinary()),
        _text("content_type"),
        _text("headers", "{}"),
        _text("mapping", "[]"),
        _text("note"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_fixes_record", "fixes", ["record_id"], unique=False)
