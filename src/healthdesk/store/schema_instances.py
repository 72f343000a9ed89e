"""The tables of tasks, proof syncs and their runs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, false

from healthdesk.domain.instance_states import (
    InstanceKind,
    InstanceState,
    LabelKind,
    LinkState,
    RunOutcome,
    WorkStatus,
)
from healthdesk.domain.states import Trigger
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros
from healthdesk.store.schema import metadata, partial_index, text_column

INSTANCE_DUE = "next_at IS NOT NULL AND NOT blocked"
BLOCKED = "blocked"
FREE = "NOT blocked"
LEASED = "lease_owner <> ''"
IN_PROBLEM = "problem_id IS NOT NULL"
RUNNING = "outcome = 'running'"
REPEATS = "next_at IS NOT NULL"
FROM_TEMPLATE = "template_id IS NOT NULL"
FILED = "label_id IS NOT NULL"
LINKED = "external_id <> ''"

instances = Table(
    "instances",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", EnumText(InstanceKind), nullable=False),
    Column("integration_id", IdText, nullable=False),
    Column("connection_id", IdText),
    Column("app", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("template_id", IdText),
    Column("label_id", IdText),
    Column("state", EnumText(InstanceState), nullable=False, server_default="pending"),
    Column("blocked", Boolean, nullable=False, server_default=false()),
    text_column("error_kind"),
    text_column("blame"),
    text_column("error"),
    text_column("next_action"),
    Column("status", Integer),
    Column("problem_id", IdText),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("every_s", Float, nullable=False),
    Column("last_checked", UtcMicros),
    Column("last_succeeded", UtcMicros),
    Column("next_at", UtcMicros),
    Column("next_trigger", EnumText(Trigger), nullable=False, server_default="schedule"),
    text_column("triggered_by"),
    text_column("lease_owner"),
    Column("lease_until", UtcMicros),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_instances_state", "state", "id"),
    Index("ix_instances_integration", "integration_id", "state", "id", "blocked"),
    Index("ix_instances_connection", "connection_id", "integration_id", "state", "id", "blocked"),
    Index("ix_instances_totals", "integration_id", "connection_id", "kind", "state", "blocked"),
    Index("ix_instances_owner", "owner", "app", "id"),
    partial_index("ix_instances_due", "next_at", where=INSTANCE_DUE),
    partial_index("ix_instances_blocked", "id", where=BLOCKED),
    partial_index("ix_instances_blocked_integration", "integration_id", "id", where=BLOCKED),
    partial_index("ix_instances_blocked_connection", "connection_id", "integration_id", "id", where=BLOCKED),
    partial_index("ix_instances_free", "connection_id", "id", where=FREE),
    partial_index("ix_instances_leased", "lease_owner", where=LEASED),
    partial_index("ix_instances_problem", "problem_id", "id", where=IN_PROBLEM),
    partial_index("ix_instances_template", "template_id", "id", where=FROM_TEMPLATE),
    partial_index("ix_instances_label", "label_id", "id", where=FILED),
)
"""What every task and proof sync of an integration has; a row has the id of its task or proof sync.

`owner` is whose configuration it is, `connection_id` the connection it works with: None once that was disconnected.
`failures` counts those in a row, `version` changes of its configuration: what was found with another decides nothing.
`blocked` says that its connection fails. `next_at` is when it is due, or when the lease of whoever runs it ends.
"""

tasks = Table(
    "tasks",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    text_column("description"),
    Column("status", EnumText(WorkStatus), nullable=False),
    text_column("due"),
    text_column("assignee"),
    Column("template_id", IdText),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", UtcMicros, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("link", EnumText(LinkState)),
    text_column("external_id"),
    text_column("external_key"),
    text_column("external_url"),
    Column("container", JsonText, nullable=False, server_default="{}"),
    Column("fields", JsonText, nullable=False, server_default="{}"),
    Column("external", JsonText),
    Column("synced", JsonText),
    Column("creating_at", UtcMicros),
    text_column("creating_title"),
    Index("ix_tasks_status", "status", "id"),
    partial_index("ix_tasks_template", "template_id", "id", where=FROM_TEMPLATE),
    partial_index("ix_tasks_external", "external_id", where=LINKED),
    partial_index("ix_tasks_external_key", "external_key", where=LINKED),
)
"""The desk's tasks. `due` is an ISO date or empty. `link` is None without an integration; `container` says where the issue
lives, `fields` are further ones of its creation. `external` is the issue as last read, `synced` what both sides said
after the last sync; `creating_at` and `creating_title` are of a creation whose answer is not here.
"""

templates = Table(
    "templates",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("task", JsonText, nullable=False),
    Column("schedule", JsonText),
    Column("integration_id", IdText),
    Column("connection_id", IdText),
    Column("owner", Text, nullable=False),
    Column("next_at", UtcMicros),
    Column("last_at", UtcMicros),
    text_column("error"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    partial_index("ix_templates_due", "next_at", where=REPEATS),
)
"""Repeating tasks: `task` is what each begins with, `schedule` when the next is created, under `owner`'s connection."""

labels = Table(
    "labels",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", EnumText(LabelKind), nullable=False),
    Column("name", Text, nullable=False),
    text_column("description"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ux_labels_name", "kind", "name", unique=True),
)
"""Labels and controls, under which proof syncs are filed."""

label_members = Table(
    "label_members",
    metadata,
    Column("label_id", IdText, ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True),
    Column("user_name", Text, primary_key=True),
    Index("ix_label_members_user", "user_name", "label_id"),
)

proof_syncs = Table(
    "proof_syncs",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("fields", JsonText, nullable=False),
    Column("named", Boolean, nullable=False, server_default=false()),
    text_column("last_hash"),
    Column("last_run_id", IdText),
    Column("rows", Integer),
)
"""What a proof sync collects. `named` says that an operator chose its name; `rows` are those of the last good run."""

instance_runs = Table(
    "instance_runs",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("instance_id", IdText, nullable=False),
    Column("outcome", EnumText(RunOutcome), nullable=False),
    Column("trigger", EnumText(Trigger), nullable=False),
    text_column("triggered_by"),
    Column("daemon_id", IdText, nullable=False),
    Column("started_at", UtcMicros, nullable=False),
    Column("finished_at", UtcMicros),
    Column("duration_ms", Float),
    Column("status", Integer),
    text_column("error_kind"),
    text_column("blame"),
    text_column("error"),
    text_column("next_action"),
    Column("detail", JsonText, nullable=False, server_default="{}"),
    text_column("content_hash"),
    Column("rows", Integer),
    Column("cut", Boolean, nullable=False, server_default=false()),
    Index("ix_instance_runs", "instance_id", "id"),
    partial_index("ix_instance_runs_running", "daemon_id", where=RUNNING),
)
"""What runs of instances did. A run by schedule or callback that found a task unchanged leaves none. `detail` of a task's run is a list
of `changes`: field, before, after, which side it was taken from, and what was lost in a conflict."""

proof_contents = Table(
    "proof_contents",
    metadata,
    Column("instance_id", IdText, primary_key=True),
    Column("content_hash", Text, primary_key=True),
    Column("columns", JsonText, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
)
"""What was collected, once for all runs that found the same; `body` is the deflated text of `domain.proof`."""
