"""The tables of jobs and fixes: what operators do to many records, or to what is sent of one."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text, true

from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros
from healthdesk.store.schema import metadata, partial_index, text_column

ACTIVE = "(state IN ('preparing', 'running') OR sent > 0 OR (state = 'cancelled' AND pending > 0))"
SENT = "state = 'sent'"

jobs = Table(
    "jobs",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", EnumText(JobKind), nullable=False),
    Column("state", EnumText(JobState), nullable=False),
    Column("stage", EnumText(JobStage), nullable=False),
    text_column("title"),
    Column("integration_id", IdText),
    Column("environment", EnumText(Environment)),
    Column("filter", JsonText, nullable=False, server_default="{}"),
    Column("query", JsonText),
    Column("plan", JsonText, nullable=False, server_default="{}"),
    Column("careful", Boolean, nullable=False, server_default=true()),
    Column("watch", JsonText, nullable=False, server_default="{}"),
    Column("fix_id", IdText),
    Column("rate_per_s", Float),
    text_column("reason"),
    *(Column(state.value, Integer, nullable=False, server_default="0") for state in JobItemState),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_by", Text),
    Column("started_at", UtcMicros),
    Column("finished_at", UtcMicros),
    Column("lease_owner", IdText),
    Column("lease_until", UtcMicros),
    partial_index("ix_jobs_active", "id", where=ACTIVE),
)
"""One counter a state of its records, moved in the transaction that moves the record: they add up to `total`.

`query` is the filter as the store reads it, bounded by when the job was made; `watch` is what it has seen of its failures.
A job is active while there is something to do for it: records to write down, to send, to wait for or to cancel.
"""

job_records = Table(
    "job_records",
    metadata,
    Column("job_id", IdText, primary_key=True),
    Column("record_id", IdText, primary_key=True),
    Column("state", EnumText(JobItemState), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("attempt_id", IdText),
    Column("status", Integer),
    text_column("error_kind"),
    text_column("detail"),
    Column("finished_at", UtcMicros),
    Index("ix_job_records_state", "job_id", "state", "record_id"),
    partial_index("ix_job_records_sent", "record_id", where=SENT),
    sqlite_with_rowid=False,
)
"""`attempts` is how many the record had when the job sent it: what comes after is the job's attempt."""

fixes = Table(
    "fixes",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("at", UtcMicros, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("record_id", IdText),
    Column("problem_id", IdText),
    Column("body", LargeBinary),
    text_column("content_type"),
    Column("headers", JsonText, nullable=False, server_default="{}"),
    Column("mapping", JsonText, nullable=False, server_default="[]"),
    text_column("note"),
    Column("saved_in", JsonText, nullable=False, server_default="[]"),
    Index("ix_fixes_record", "record_id"),
)
"""What is sent instead of what was posted: a `body`, or a `mapping` that many records share; and further `headers`.
The original stays in `record_bodies`. `saved_in` are the environments (pairs of integration and environment) whose own
mapping has it since, where it is not carried out a second time."""
