"""The tables of records and callbacks, and the metadata that holds every table.

The states in partial indexes are literals: SQLite uses such an index only for a query that repeats them so.
Migrations hold their own copy; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
    text,
)

from healthdesk.domain.states import (
    AttemptOutcome,
    CallbackState,
    Environment,
    HoldReason,
    RecordEventKind,
    RecordState,
    Trigger,
)
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros

metadata = MetaData()

DUE = "state IN ('queued', 'retrying')"
HELD = "state = 'held'"
SENDING = "outcome = 'sending'"
KEYED = "idempotency_key IS NOT NULL"
IN_PROBLEM = "problem_id IS NOT NULL"
DEDUPED = "state <> 'rejected' AND delivery_id <> ''"
WAITING = "state = 'accepted'"
UNDECIDED = "state IN ('awaiting_receipt', 'unknown') AND next_at IS NOT NULL"
RENAMED = "webhook_id <> id"
SENT_AS = "webhook_id <> record_id"
FAILING = "error_kind <> ''"
REFUSED = "last_status >= 300"
SAMPLES = "sample"
TRIED = "first_attempt_at IS NOT NULL"
RETRIED = "last_attempt_at <> first_attempt_at"
TROUBLED = "(state = 'failed' OR error_kind <> '' OR last_status >= 300)"
"""What went wrong, or last did: few records, of which the log is asked by date more often than of all the others."""
FIXED = "fix_id IS NOT NULL"
ASKED_BESIDE = ("source_id", "level", "integration_id", "environment", "sample")
"""What the log is often asked of failures: columns that never change, so that they cost only what fails, and once."""
ORDERED = "order_key IS NOT NULL AND state <> 'delivered'"


def partial_index(name: str, *columns: Any, where: str, unique: bool = False) -> Index:
    """Return an index over the rows that `where` names, on both databases."""
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def text_column(name: str) -> Column[str]:
    """Return a text column that is empty rather than NULL."""
    return Column(name, Text, nullable=False, server_default="")


records = Table(
    "records",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("webhook_id", IdText, nullable=False),
    Column("integration_id", IdText, nullable=False),
    Column("environment", EnumText(Environment), nullable=False),
    Column("source_id", IdText, nullable=False),
    Column("level", Text),
    Column("completed_at", UtcMicros, nullable=False),
    Column("state", EnumText(RecordState), nullable=False),
    Column("hold_reason", EnumText(HoldReason)),
    Column("sample", Boolean, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("attempt_id", IdText),
    Column("next_at", UtcMicros),
    Column("next_trigger", EnumText(Trigger), nullable=False, server_default="first"),
    text_column("triggered_by"),
    Column("first_attempt_at", UtcMicros),
    Column("last_attempt_at", UtcMicros),
    Column("last_status", Integer),
    Column("last_duration_ms", Float),
    text_column("error_kind"),
    text_column("error"),
    Column("problem_id", IdText),
    Column("idempotency_key", Text),
    Column("body_hash", LargeBinary, nullable=False),
    Column("fix_id", IdText),
    Column("order_key", Text),
    Index("ix_records_state", "environment", "state", "id", "level"),
    Index("ix_records_integration", "integration_id", "environment", "state", "id", "level"),
    Index("ix_records_source", "source_id", "integration_id", "environment", "state", "id", "level"),
    partial_index("ix_records_due", "integration_id", "environment", "next_at", "id", where=DUE),
    partial_index("ix_records_held", "integration_id", "environment", "hold_reason", where=HELD),
    partial_index(
        "ix_records_undecided", "integration_id", "environment", "state", "next_at", "id", where=UNDECIDED
    ),
    partial_index("ix_records_order", "integration_id", "environment", "order_key", "id", where=ORDERED),
    partial_index("ix_records_webhook", "webhook_id", where=RENAMED),
    Index("ix_records_completed", "completed_at", "id"),
    partial_index("ix_records_tried", "first_attempt_at", "id", where=TRIED),
    partial_index("ix_records_retried", "last_attempt_at", "id", "first_attempt_at", where=RETRIED),
    partial_index("ix_records_failing", "error_kind", "id", *ASKED_BESIDE, where=FAILING),
    partial_index("ix_records_refused", "last_status", "id", *ASKED_BESIDE, where=REFUSED),
    partial_index("ix_records_trouble_completed", "completed_at", "id", "state", where=TROUBLED),
    partial_index("ix_records_trouble_first_attempt", "first_attempt_at", "id", "state", where=TROUBLED),
    partial_index("ix_records_trouble_last_attempt", "last_attempt_at", "id", "state", where=TROUBLED),
    partial_index("ix_records_samples", "id", "sample", where=SAMPLES),
    partial_index("ix_records_fix", "fix_id", where=FIXED),
    partial_index("ix_records_problem", "problem_id", "state", "id", where=IN_PROBLEM),
    partial_index(
        "ux_records_idempotency", "integration_id", "environment", "idempotency_key", where=KEYED, unique=True
    ),
    sqlite_with_rowid=False,
)
"""`problem_id` is the problem that holds it up; `attempt_id` the newest attempt; `tries` those of this round.

`fix_id` is what is sent instead of what was posted. `order_key` is the keyed hash of the value that its environment
orders by. `next_at` of an awaited receipt is its deadline, of an unknown one when its endpoint is asked.
"""

record_bodies = Table(
    "record_bodies",
    metadata,
    Column("record_id", IdText, primary_key=True),
    Column("data_start", Integer, nullable=False),
    Column("data_end", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""Beside `records`, so that moving a record through its states does not rewrite its body."""

HAS_BODY = (
    select(record_bodies.c.record_id)
    .where(record_bodies.c.record_id == records.c.id)
    .exists()
    .label("has_body")
)
"""Whether retention has left a record its body, as a column beside those of `records`."""

attempts = Table(
    "attempts",
    metadata,
    Column("record_id", IdText, primary_key=True),
    Column("id", IdText, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("trigger", EnumText(Trigger), nullable=False),
    text_column("triggered_by"),
    Column("outcome", EnumText(AttemptOutcome), nullable=False),
    Column("daemon_id", IdText, nullable=False),
    Column("webhook_id", IdText, nullable=False),
    Column("started_at", UtcMicros, nullable=False),
    Column("finished_at", UtcMicros),
    Column("duration_ms", Float),
    Column("status", Integer),
    text_column("error_kind"),
    text_column("blame"),
    text_column("error"),
    text_column("next_action"),
    Column("retry_after_s", Float),
    Column("connect_ms", Float),
    Column("tls_ms", Float),
    Column("first_byte_ms", Float),
    Column("fix_id", IdText),
    Column("batch_id", IdText),
    Column("begun", Boolean),
    partial_index("ix_attempts_sending", "daemon_id", "record_id", "id", where=SENDING),
    partial_index("ix_attempts_webhook", "webhook_id", where=SENT_AS),
    sqlite_with_rowid=False,
)
"""`begun` is false while a claim waits for its turn and true from then on; NULL where the attempt begins with its claim.

Each has the webhook-id it was sent under: a resend may give a record another one.
"""

attempt_exchanges = Table(
    "attempt_exchanges",
    metadata,
    Column("attempt_id", IdText, primary_key=True),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("request_headers", JsonText, nullable=False),
    Column("response_headers", JsonText, nullable=False),
    Column("response_cut", Boolean, nullable=False),
    Column("response_body", LargeBinary, nullable=False),
    Column("request_body", LargeBinary),
)
"""`request_body` is what was sent, where that is not the record's data byte for byte."""

record_events = Table(
    "record_events",
    metadata,
    Column("record_id", IdText, primary_key=True),
    Column("id", IdText, primary_key=True),
    Column("at", UtcMicros, nullable=False),
    Column("kind", EnumText(RecordEventKind), nullable=False),
    text_column("done_by"),
    text_column("sentence"),
    Column("detail", JsonText, nullable=False, server_default="{}"),
    sqlite_with_rowid=False,
)
"""What happened to a record beside its attempts: fixes, lookups, receipts, deadlines."""

record_lookups = Table(
    "record_lookups",
    metadata,
    Column("value_hash", LargeBinary, primary_key=True),
    Column("record_id", IdText, primary_key=True),
    Index("ix_record_lookups_record", "record_id"),
    sqlite_with_rowid=False,
)
"""Keyed hashes of (source, field, value) for the fields that a source declares as lookup fields."""

ledger = Table(
    "ledger",
    metadata,
    Column("integration_id", IdText, primary_key=True),
    Column("environment", EnumText(Environment), primary_key=True),
    Column("daemon_id", IdText, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in ("accepted", "removed", *(state.value for state in RecordState))
    ),
)
"""One row a daemon and environment, so that daemons do not wait for each other; a total is their sum."""

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("connection_id", IdText, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("received_at", UtcMicros, nullable=False),
    Column("state", EnumText(CallbackState), nullable=False),
    text_column("reason"),
    text_column("event"),
    Column("duplicates", Integer, nullable=False, server_default="0"),
    Column("size", Integer, nullable=False),
    Column("processed_at", UtcMicros),
    text_column("instances"),
    text_column("records"),
    Column("integration_id", IdText),
    Column("environment", EnumText(Environment)),
    Index("ix_callbacks_state", "state", "id"),
    Index("ix_callbacks_connection", "connection_id", "state", "id"),
    partial_index("ux_callbacks_delivery", "connection_id", "delivery_id", where=DEDUPED, unique=True),
)

"""`instances` and `records` are what it is about, by the app's ids, one a line. A receipt has an `integration_id`, once it
is verified an `environment`, and both stand in the place of its `connection_id`."""

callback_bodies = Table(
    "callback_bodies",
    metadata,
    Column("callback_id", IdText, primary_key=True),
    text_column("content_type"),
    Column("headers", JsonText, nullable=False),
    Column("body_cut", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
