"""The tables of what operators configure beside connections."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, false

from healthdesk.domain.states import (
    CircuitState,
    Environment,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
)
from healthdesk.store.columns import EnumText, IdText, JsonText, UtcMicros
from healthdesk.store.schema import metadata, text_column

integrations = Table(
    "integrations",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", EnumText(IntegrationKind), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("deleted_at", UtcMicros),
    text_column("app"),
    Column("connection_id", IdText),
    Column("settings", JsonText, nullable=False, server_default="{}"),
    Column("state", EnumText(IntegrationState), nullable=False, server_default="active"),
    Index("ix_integrations_connection", "connection_id"),
)
"""Of kinds tasks and proof: `app`, `connection_id` (tasks: the admin connection) and `settings`; `state` is theirs alone,
as environments have their own."""

environments = Table(
    "environments",
    metadata,
    Column("integration_id", IdText, ForeignKey("integrations.id"), primary_key=True),
    Column("environment", EnumText(Environment), primary_key=True),
    Column("connection_id", IdText, ForeignKey("connections.id"), nullable=False),
    text_column("path"),
    Column("method", Text, nullable=False, server_default="POST"),
    Column("headers", JsonText, nullable=False),
    Column("concurrency", Integer),
    Column("rate_per_s", Float),
    Column("timeout_s", Float),
    Column("on_unknown", EnumText(OnUnknown), nullable=False, server_default="resend"),
    Column("accept_limit_per_minute", Integer),
    Column("state", EnumText(IntegrationState), nullable=False, server_default="active"),
    Column("created_at", UtcMicros, nullable=False),
    Column("delivery", JsonText, nullable=False, server_default="{}"),
    Column("circuit", EnumText(CircuitState), nullable=False, server_default="closed"),
    Column("circuit_at", UtcMicros),
    Column("circuit_probe_at", UtcMicros),
    Column("circuit_step", Integer, nullable=False, server_default="0"),
    text_column("circuit_reason"),
    Index("ix_environments_connection", "connection_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("integration_id", IdText, nullable=False),
    Column("environment", EnumText(Environment), nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcMicros),
    Index("ux_api_keys_hash", "key_hash", unique=True),
    Index("ix_api_keys_environment", "integration_id", "environment", "id"),
)

signing_secrets = Table(
    "signing_secrets",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("integration_id", IdText, nullable=False),
    Column("environment", EnumText(Environment), nullable=False),
    Column("secret_enc", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcMicros),
    Index("ix_signing_secrets_environment", "integration_id", "environment", "id"),
)

receipt_secrets = Table(
    "receipt_secrets",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("integration_id", IdText, nullable=False),
    Column("environment", EnumText(Environment), nullable=False),
    Column("secret_enc", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcMicros),
    Index("ix_receipt_secrets_environment", "integration_id", "environment", "id"),
)
"""What proves that a receipt is the endpoint's own."""

sources = Table(
    "sources",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("levels", JsonText, nullable=False),
    Column("fields", JsonText, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ux_sources_key", "key", unique=True),
)

source_integrations = Table(
    "source_integrations",
    metadata,
    Column("source_id", IdText, ForeignKey("sources.id"), primary_key=True),
    Column("integration_id", IdText, ForeignKey("integrations.id"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Index("ix_source_integrations_integration", "integration_id"),
)
"""A row stays when a source is disabled: its records of before are found by it."""

source_pulses = Table(
    "source_pulses",
    metadata,
    Column("source_id", IdText, ForeignKey("sources.id"), primary_key=True),
    Column("integration_id", IdText, ForeignKey("integrations.id"), primary_key=True),
    Column("environment", EnumText(Environment), primary_key=True),
    Column("set_gap_s", Float),
    Column("learnt", JsonText, nullable=False, server_default="{}"),
    Column("since", UtcMicros),
    Column("last_at", UtcMicros),
    Column("silent_at", UtcMicros),
    Column("told", Boolean, nullable=False, server_default=false()),
    Index("ix_source_pulses_silent", "silent_at"),
)
"""How often a source sends: `set_gap_s` is the operator's (0: never silent, NULL: learnt), `learnt` what was seen, `since`
from when on silence counts, `silent_at` when it becomes a problem, `told` that it did."""

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("filter", JsonText, nullable=False),
    Column("created_at", UtcMicros, nullable=False),
    Index("ux_saved_filters_name", "owner", "name", unique=True),
)

desk_secrets = Table(
    "desk_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("secret_enc", Text, nullable=False),
)
"""Secrets of the desk itself, made once: `lookup` keys the hashes of lookup fields and order keys."""
