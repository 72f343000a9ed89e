"""The first schema: records, attempts, callbacks and the ledger. Frozen; later revisions change it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def create() -> None:
    """Create these tables."""
    op.create_table(
        "attempt_exchanges",
        sa.Column("attempt_id", ID, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("request_headers", sa.Text(), nullable=False),
        sa.Column("response_headers", sa.Text(), nullable=False),
        sa.Column("response_cut", sa.Boolean(), nullable=False),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_table(
        "attempts",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("triggered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("daemon_id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("blame", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("next_action", sa.Text(), server_default="", nullable=False),
        sa.Column("retry_after_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("record_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempts_sending",
        "attempts",
        ["daemon_id", "record_id", "id"],
        unique=False,
        sqlite_where=sa.text("outcome = 'sending'"),
        postgresql_where=sa.text("outcome = 'sending'"),
    )
    op.create_table(
        "callback_bodies",
        sa.Column("callback_id", ID, nullable=False),
        sa.Column("content_type", sa.Text(), server_default="", nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body_cut", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("callback_id"),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("duplicates", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_callbacks_connection", "callbacks", ["connection_id", "state", "id"], unique=False)
    op.create_index("ix_callbacks_state", "callbacks", ["state", "id"], unique=False)
    op.create_index(
        "ux_callbacks_delivery",
        "callbacks",
        ["connection_id", "delivery_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'rejected' AND delivery_id <> ''"),
        postgresql_where=sa.text("state <> 'rejected' AND delivery_id <> ''"),
    )
    op.create_table(
        "ledger",
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("daemon_id", ID, nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("queued", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("awaiting_receipt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("retrying", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unknown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("integration_id", "environment", "daemon_id"),
    )
    op.create_table(
        "record_bodies",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("data_start", sa.Integer(), nullable=False),
        sa.Column("data_end", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_id"),
    )
    op.create_table(
        "records",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempt_id", ID, nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("next_trigger", sa.Text(), server_default="first", nullable=False),
        sa.Column("triggered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("first_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("last_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_duration_ms", sa.Float(), nullable=True),
        sa.Column("error_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("problem_id", ID, nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_records_due",
        "records",
        ["integration_id", "environment", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'retrying')"),
        postgresql_where=sa.text("state IN ('queued', 'retrying')"),
    )
    op.create_index(
        "ix_records_integration", "records", ["integration_id", "environment", "state", "id"], unique=False
    )
    op.create_index(
        "ix_records_problem",
        "records",
        ["problem_id", "state", "id"],
        unique=False,
        sqlite_where=sa.text("problem_id IS NOT NULL"),
        postgresql_where=sa.text("problem_id IS NOT NULL"),
    )
    op.create_index(
        "ix_records_source",
        "records",
        ["source_id", "integration_id", "environment", "state", "id"],
        unique=False,
    )
    op.create_index("ix_records_state", "records", ["environment", "state", "id"], unique=False)
    op.create_index(
        "ux_records_idempotency",
        "records",
        ["integration_id", "environment", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
