"""Instances: tasks, proof syncs, what they are made from, filed under, and what their runs did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables of instances anew: those of the first schema were never written to by any daemon."""
    for name in ("label_members", "labels", "tasks", "templates", "proof_syncs"):
        op.drop_table(name)
    for column in (
        _text("app"),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("settings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
    ):
        op.add_column("integrations", column)
    op.create_index("ix_integrations_connection", "integrations", ["connection_id"], unique=False)
    for name in ("used_at", "collected_at"):
        op.add_column("connections", _time(name))
    op.add_column("authorizations", sa.Column("connection_id", ID, nullable=True))
    for column in (
        sa.Column("sample_instance_id", ID, nullable=True),
        sa.Column("unit", sa.Text(), server_default="record", nullable=False),
        sa.Column("repaired", sa.Text(), nullable=True),
    ):
        op.add_column("problems", column)
    _instances()
    _tasks()
    _proof()


def _instances() -> None:
    op.create_table(
        "instances",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template_id", ID, nullable=True),
        sa.Column("label_id", ID, nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        _text("error_kind"),
        _text("blame"),
        _text("error"),
        _text("next_action"),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem_id", ID, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("every_s", sa.Float(), nullable=False),
        _time("last_checked"),
        _time("last_succeeded"),
        _time("next_at"),
        sa.Column("next_trigger", sa.Text(), server_default="schedule", nullable=False),
        _text("triggered_by"),
        _text("lease_owner"),
        _time("lease_until"),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _partial("ix_instances_blocked", "instances", ["id"], "blocked")
    _partial(
        "ix_instances_blocked_connection", "instances", ["connection_id", "integration_id", "id"], "blocked"
    )
    _partial("ix_instances_blocked_integration", "instances", ["integration_id", "id"], "blocked")
    op.create_index(
        "ix_instances_connection",
        "instances",
        ["connection_id", "integration_id", "state", "id", "blocked"],
        unique=False,
    )
    _partial("ix_instances_due", "instances", ["next_at"], "next_at IS NOT NULL AND NOT blocked")
    _partial("ix_instances_free", "instances", ["connection_id", "id"], "NOT blocked")
    op.create_index(
        "ix_instances_integration", "instances", ["integration_id", "state", "id", "blocked"], unique=False
    )
    _partial("ix_instances_label", "instances", ["label_id", "id"], "label_id IS NOT NULL")
    _partial("ix_instances_leased", "instances", ["lease_owner"], "lease_owner <> ''")
    op.create_index("ix_instances_owner", "instances", ["owner", "app", "id"], unique=False)
    _partial("ix_instances_problem", "instances", ["problem_id", "id"], "problem_id IS NOT NULL")
    op.create_index("ix_instances_state", "instances", ["state", "id"], unique=False)
    _partial("ix_instances_template", "instances", ["template_id", "id"], "template_id IS NOT NULL")
    op.create_index(
        "ix_instances_totals",
        "instances",
        ["integration_id", "connection_id", "kind", "state", "blocked"],
        unique=False,
    )
    op.create_table(
        "instance_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        _text("triggered_by"),
        sa.Column("daemon_id", ID, nullable=False),
        _time("started_at", nullable=False),
        _time("finished_at"),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        _text("error_kind"),
        _text("blame"),
        _text("error"),
        _text("next_action"),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        _text("content_hash"),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("cut", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_instance_runs", "instance_runs", ["instance_id", "id"], unique=False)
    _partial("ix_instance_runs_running", "instance_runs", ["daemon_id"], "outcome = 'running'")


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _text("description"),
        sa.Column("status", sa.Text(), nullable=False),
        _text("due"),
        _text("assignee"),
        sa.Column("template_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _time("updated_at", nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        _text("external_id"),
        _text("external_key"),
        _text("external_url"),
        sa.Column("container", sa.Text(), server_default="{}", nullable=False),
        sa.Column("fields", sa.Text(), server_default="{}", nullable=False),
        sa.Column("external", sa.Text(), nullable=True),
        sa.Column("synced", sa.Text(), nullable=True),
        _time("creating_at"),
        _text("creating_title"),
        sa.PrimaryKeyConstraint("id"),
    )
    _partial("ix_tasks_external", "tasks", ["external_id"], "external_id <> ''")
    _partial("ix_tasks_external_key", "tasks", ["external_key"], "external_id <> ''")
    op.create_index("ix_tasks_status", "tasks", ["status", "id"], unique=False)
    _partial("ix_tasks_template", "tasks", ["template_id", "id"], "template_id IS NOT NULL")
    op.create_table(
        "templates",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("integration_id", ID, nullable=True),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        _time("next_at"),
        _time("last_at"),
        _text("error"),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _partial("ix_templates_due", "templates", ["next_at"], "next_at IS NOT NULL")


def _proof() -> None:
    op.create_table(
        "labels",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _text("description"),
        _time("created_at", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ux_labels_name", "labels", ["kind", "name"], unique=True)
    op.create_table(
        "label_members",
        sa.Column("label_id", ID, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("label_id", "user_name"),
    )
    op.create_index("ix_label_members_user", "label_members", ["user_name", "label_id"], unique=False)
    op.create_table(
        "proof_syncs",
        sa.Column("id", ID, nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("named", sa.Boolean(), server_default=sa.false(), nullable=False),
        _text("last_hash"),
        sa.Column("last_run_id", ID, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "proof_contents",
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _time("created_at", nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "content_hash"),
    )
