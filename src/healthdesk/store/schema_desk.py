"""The tables of problems, alerts, activity and the desk itself."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text

from healthdesk.domain.states import AlertEvent, AlertState, Blame, Environment, ErrorKind, ProblemState
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros
from healthdesk.store.schema import metadata, partial_index, text_column

OUTBOX_DUE = "state IN ('queued', 'retrying')"
OUTBOX_SENDING = "state = 'sending'"
LIVE = "state <> 'resolved'"

problems = Table(
    "problems",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("kind", EnumText(ErrorKind), nullable=False),
    Column("blame", EnumText(Blame), nullable=False),
    Column("status", Integer),
    Column("cause", Text, nullable=False),
    Column("safe_cause", Text, nullable=False),
    text_column("next_action"),
    text_column("owner"),
    Column("integration_id", IdText),
    Column("connection_id", IdText),
    Column("environment", EnumText(Environment)),
    Column("state", EnumText(ProblemState), nullable=False),
    Column("count", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("since", UtcMicros, nullable=False),
    Column("last_at", UtcMicros, nullable=False),
    Column("opened_at", UtcMicros),
    Column("announced", Boolean, nullable=False),
    Column("episode", Integer, nullable=False, server_default="0"),
    Column("connection_failing", Boolean, nullable=False),
    text_column("acknowledged_by"),
    Column("acknowledged_at", UtcMicros),
    Column("muted_until", UtcMicros),
    text_column("muted_by"),
    Column("resolved_at", UtcMicros),
    text_column("resolved_by"),
    text_column("note"),
    Column("sample_record_id", IdText),
    Column("first_bad_attempt_id", IdText),
    Column("first_bad_record_id", IdText),
    Column("sample_instance_id", IdText),
    Column("unit", Text, nullable=False, server_default="record"),
    Column("repaired", JsonText),
    Index("ux_problems_fingerprint", "fingerprint", unique=True),
    Index("ix_problems_state", "state", "id"),
    Index("ix_problems_integration", "integration_id", "id"),
    Index("ix_problems_connection", "connection_id", "id"),
    partial_index("ix_problems_live", "id", where=LIVE),
)
"""`since` is its first failure of this round; `announced` that its opening was queued since it last recovered.

`unit` is what it counts: `record`, or the kind of instance. `repaired`, of a connection's: how many instances of each
kind waited behind it when it ended.
"""

channels = Table(
    "channels",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url_enc", Text, nullable=False),
    Column("url", Text, nullable=False),
    text_column("kind"),
    Column("last_sent_at", UtcMicros),
    text_column("last_error"),
    Column("last_error_at", UtcMicros),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("deleted_at", UtcMicros),
)

rules = Table(
    "rules",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("integration_id", IdText),
    Column("connection_id", IdText),
    Column("environments", JsonText, nullable=False),
    Column("channel_ids", JsonText, nullable=False),
    Column("recoveries", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("problem_id", IdText),
    Column("channel_id", IdText, nullable=False),
    Column("event", EnumText(AlertEvent), nullable=False),
    Column("episode", Integer, nullable=False, server_default="0"),
    Column("state", EnumText(AlertState), nullable=False),
    text_column("title"),
    text_column("body"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcMicros, nullable=False),
    Column("next_at", UtcMicros),
    Column("sent_at", UtcMicros),
    text_column("error"),
    text_column("daemon_id"),
    Index("ux_alerts_news", "problem_id", "channel_id", "episode", "event", unique=True),
    Index("ix_alerts_state", "state", "id"),
    Index("ix_alerts_channel", "channel_id", "id"),
    partial_index("ix_alerts_due", "next_at", "id", where=OUTBOX_DUE),
    partial_index("ix_alerts_sending", "daemon_id", "id", where=OUTBOX_SENDING),
)
"""The outbox. Its unique index makes a problem's news to a channel queued once, whatever is interrupted."""

activity = Table(
    "activity",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("at", UtcMicros, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    text_column("object_name"),
    Column("detail", JsonText, nullable=False),
    Index("ix_activity_object", "object_id", "id"),
    Index("ix_activity_user", "user_name", "id"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("user_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", JsonText, nullable=False),
    Column("updated_at", UtcMicros, nullable=False),
)

daemons = Table(
    "daemons",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("started_at", UtcMicros, nullable=False),
    Column("lease_until", UtcMicros, nullable=False),
    Column("delivers", Boolean, nullable=False),
    Column("stopped_at", UtcMicros),
    text_column("key_ids"),
)
"""`key_ids` are digests of the keys that a daemon has, separated by spaces, the one that encrypts first."""

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the desk keeps about itself."""
