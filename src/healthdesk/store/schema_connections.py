"""The tables of connections: credentials, health, tokens, callbacks' secrets and push heartbeats."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, false

from healthdesk.domain.states import (
    ConnectionState,
    Trigger,
)
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros
from healthdesk.store.schema import metadata, partial_index, text_column

CHECKED = "deleted_at IS NULL AND next_check IS NOT NULL"
EXPIRES = "deleted_at IS NULL AND expires_at IS NOT NULL"
AWAITED = "due_at IS NOT NULL"
REPLACED = "previous_until IS NOT NULL"

connections = Table(
    "connections",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("app", Text, nullable=False),
    Column("name", Text, nullable=False),
    text_column("account"),
    Column("base_url", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("owner", Text, nullable=False),
    text_column("credentials_enc"),
    text_column("credential_hint"),
    Column("heartbeat", JsonText),
    Column("verification", JsonText, nullable=False),
    text_column("callback_secret_enc"),
    text_column("callback_secret_hint"),
    Column("callback_limit_per_minute", Integer),
    Column("state", EnumText(ConnectionState), nullable=False),
    Column("state_since", UtcMicros, nullable=False),
    Column("suspect_checks", Integer, nullable=False, server_default="0"),
    Column("settings_version", Integer, nullable=False, server_default="0"),
    Column("failure", JsonText),
    Column("connected_on", UtcMicros),
    Column("last_healthy", UtcMicros),
    Column("last_checked", UtcMicros),
    Column("next_check", UtcMicros),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("deleted_at", UtcMicros),
    Column("settings", JsonText, nullable=False, server_default="{}"),
    Column("identity", JsonText),
    Column("identity_connected", JsonText),
    Column("expires_at", UtcMicros),
    text_column("expires_from"),
    Column("expiry_warned", Integer),
    Column("last_good_check", IdText),
    Column("first_bad_check", IdText),
    Column("flapping_since", UtcMicros),
    text_column("previous_enc"),
    text_column("previous_hint"),
    text_column("previous_auth"),
    text_column("previous_by"),
    Column("previous_until", UtcMicros),
    Column("previous_identity", JsonText),
    Column("previous_expires_at", UtcMicros),
    text_column("previous_expires_from"),
    Column("handshake_until", UtcMicros),
    Column("pinged", Boolean, nullable=False, server_default=false()),
    Column("used_at", UtcMicros),
    Column("collected_at", UtcMicros),
    partial_index("ix_connections_due", "next_check", where=CHECKED),
    partial_index("ix_connections_expiry", "expires_at", where=EXPIRES),
    partial_index("ix_connections_previous", "previous_until", where=REPLACED),
)
"""`identity` is whose the credentials are by the last good check, `identity_connected` by the first; `expires_from` is
`learnt` or `entered`, `handshake_until` until when an app may hand over a secret, `expiry_warned` the days ahead of the last warning. `previous_…` are the credentials before an
update, which can be put back until `previous_until`. `used_at` is when it last configured or synced a task, `collected_at`
when it last collected proof."""

callback_secrets = Table(
    "callback_secrets",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("connection_id", IdText, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("secret_enc", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("expires_at", UtcMicros),
    Index("ix_callback_secrets_connection", "connection_id", "id"),
)
"""Secrets that callbacks may be signed with besides the connection's own: those before it while they are being rotated,
and of an app that makes one for each webhook (Asana) all the others."""

connection_tokens = Table(
    "connection_tokens",
    metadata,
    Column("connection_id", IdText, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    Column("tokens_enc", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("expires_at", UtcMicros),
    Column("refreshed_at", UtcMicros, nullable=False),
    text_column("lease_owner"),
    Column("lease_until", UtcMicros),
)
"""Access and refresh tokens of a connection. Whoever holds the lease refreshes them; `version` counts refreshes."""

authorizations = Table(
    "authorizations",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("state_hash", LargeBinary, nullable=False),
    Column("request_enc", Text, nullable=False),
    text_column("result_enc"),
    Column("status", Text, nullable=False),
    text_column("error"),
    text_column("url"),
    text_column("user_code"),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcMicros, nullable=False),
    Column("next_poll_at", UtcMicros),
    Column("connection_id", IdText),
    Index("ux_authorizations_state", "state_hash", unique=True),
)
"""Browser and device authorizations under way: `pending`, `granted`, `refused`, `expired` or `used`. `connection_id` is
the one they are for, and end with: None for a new one.
"""

connection_transitions = Table(
    "connection_transitions",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("connection_id", IdText, nullable=False),
    Column("at", UtcMicros, nullable=False),
    Column("from_state", EnumText(ConnectionState), nullable=False),
    Column("to_state", EnumText(ConnectionState), nullable=False),
    text_column("kind"),
    text_column("sentence"),
    Index("ix_connection_transitions", "connection_id", "id"),
)

pings = Table(
    "pings",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("object_kind", Text, nullable=False),
    Column("object_id", IdText, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("hint", Text, nullable=False),
    Column("schedule", JsonText, nullable=False),
    Column("grace_s", Float, nullable=False),
    Column("started_at", UtcMicros),
    Column("last_at", UtcMicros),
    text_column("last_kind"),
    Column("due_at", UtcMicros),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ux_pings_token", "token_hash", unique=True),
    Index("ux_pings_object", "object_kind", "object_id", unique=True),
    partial_index("ix_pings_due", "due_at", where=AWAITED),
)
"""Push heartbeats of connections and proof syncs. `due_at` is when the next ping is late, grace included."""

connection_members = Table(
    "connection_members",
    metadata,
    Column("connection_id", IdText, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    Column("user_name", Text, primary_key=True),
    Column("held_grant", Text, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("connection_id", IdText, nullable=False),
    Column("at", UtcMicros, nullable=False),
    Column("trigger", EnumText(Trigger), nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("status", Integer),
    Column("duration_ms", Float, nullable=False),
    text_column("kind"),
    text_column("sentence"),
    Column("state_after", EnumText(ConnectionState), nullable=False),
    Column("response_headers", JsonText, nullable=False),
    Column("response_cut", Boolean, nullable=False),
    Column("response_body", LargeBinary, nullable=False),
    text_column("method"),
    text_column("url"),
    Column("identity", JsonText),
    Index("ix_heartbeats_connection", "connection_id", "id"),
)
