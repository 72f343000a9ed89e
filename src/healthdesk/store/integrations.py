"""Integrations, their environments, bearer keys and signing secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.store.rows import IntegrationRow, KeyRow, PageRows, SigningSecretRow, TargetRow


def insert(
    conn: Connection, *, integration_id: str, name: str, kind: IntegrationKind, now: datetime, by: str
) -> None:
    """Store a new integration without environments."""
    raise NotImplementedError


def get(conn: Connection, integration_id: str) -> IntegrationRow:
    """Return an integration with its environments, or raise NotFound."""
    raise NotImplementedError


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[IntegrationRow]:
    """Return integrations by age, each with its environments."""
    raise NotImplementedError


def rename(conn: Connection, integration_id: str, name: str) -> None:
    """Rename an integration, or raise NotFound."""
    raise NotImplementedError


def put_environment(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """Create an environment (connection_id is needed then) or change those of its settings that are given: connection_id, path, method, headers, concurrency, rate_per_s, timeout_s, on_unknown, accept_limit_per_minute."""
    raise NotImplementedError


def set_state(
    conn: Connection, integration_id: str, environment: Environment | None, state: IntegrationState
) -> list[Environment]:
    """Pause or resume one environment, or all; return those that changed. Holding and releasing records follows in small steps."""
    raise NotImplementedError


def delivery_targets(conn: Connection, now: datetime) -> list[TargetRow]:
    """Return every environment with its connection and signing secrets."""
    raise NotImplementedError


def insert_key(
    conn: Connection,
    *,
    key_id: str,
    integration_id: str,
    environment: Environment,
    key_hash: bytes,
    hint: str,
    now: datetime,
    by: str,
    overlap_s: float = 0,
) -> datetime | None:
    """Store a new bearer key. Those before it expire after `overlap_s`; return when, or None if there were none."""
    raise NotImplementedError


def keys(conn: Connection, integration_id: str, now: datetime) -> list[KeyRow]:
    """Return the valid keys of an integration, newest first."""
    raise NotImplementedError


def find_key(conn: Connection, key_hash: bytes, now: datetime) -> KeyRow | None:
    """Return the valid key with this hash."""
    raise NotImplementedError


def expire_old_keys(conn: Connection, now: datetime) -> int:
    """Delete keys and signing secrets that expired; return how many."""
    raise NotImplementedError


def insert_signing_secret(
    conn: Connection,
    *,
    secret_id: str,
    integration_id: str,
    environment: Environment,
    secret_enc: str,
    hint: str,
    now: datetime,
    by: str,
    overlap_s: float = 0,
) -> datetime | None:
    """Store a new signing secret. Those before it retire after `overlap_s`; return when, or None."""
    raise NotImplementedError


def signing_secrets(
    conn: Connection, integration_id: str, environment: Environment, now: datetime
) -> list[SigningSecretRow]:
    """Return the signing secrets valid at `now`, newest first."""
    raise NotImplementedError
