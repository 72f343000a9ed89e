"""Rows of what operators configure beside connections: integrations, keys, sources. And the page, which every list has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from healthdesk.domain.states import (
    CircuitState,
    ConnectionState,
    Environment,
    HoldReason,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRows(Generic[T]):
    """One page of a list: `next` is the cursor for `after`, None at the end."""

    items: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """One environment of an integration. `concurrency` and `timeout_s` are None where the default applies.

    `endpoint` is left for the operations layer to fill; `totals` come from the ledger.
    """

    integration_id: str
    environment: Environment
    connection_id: str
    connection_name: str
    base_url: str
    path: str
    method: str
    headers: Mapping[str, str]
    on_unknown: OnUnknown
    state: IntegrationState
    concurrency: int | None = None
    rate_per_s: float | None = None
    timeout_s: float | None = None
    accept_limit_per_minute: int | None = None
    hold_reason: HoldReason | None = None
    key_hint: str = ""
    key_created_at: datetime | None = None
    signing_secret_hint: str = ""
    receipt_secret_hint: str = ""
    totals: Mapping[str, int] = field(default_factory=dict)
    endpoint: str = ""
    delivery: Mapping[str, Any] = field(default_factory=dict)
    circuit: CircuitState = CircuitState.CLOSED
    circuit_at: datetime | None = None
    circuit_probe_at: datetime | None = None
    circuit_step: int = 0
    circuit_reason: str = ""


@dataclass(frozen=True, slots=True)
class IntegrationRow:
    """An integration with its environments and the keys of the sources enabled for it.

    `app`, `connection_id`, `settings` and `state` are of kinds tasks and proof.
    """

    id: str
    kind: IntegrationKind
    name: str
    created_at: datetime
    created_by: str
    environments: list[EnvironmentRow] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    records_url: str = ""
    app: str = ""
    connection_id: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: IntegrationState = IntegrationState.ACTIVE


@dataclass(frozen=True, slots=True)
class TargetRow:
    """All that delivering to one environment needs, secrets encrypted, in one row."""

    integration_id: str
    integration_name: str
    environment: Environment
    state: IntegrationState
    connection_id: str
    connection_name: str
    owner: str
    connection_state: ConnectionState
    connection_deleted: bool
    has_heartbeat: bool
    app: str
    base_url: str
    credentials_enc: str
    path: str
    method: str
    headers: Mapping[str, str]
    on_unknown: OnUnknown
    concurrency: int | None
    rate_per_s: float | None
    timeout_s: float | None
    accept_limit_per_minute: int | None
    signing_secrets_enc: tuple[str, ...] = ()
    """Newest first; those that have not retired."""
    connection_suspect_checks: int = 0
    connection_state_since: datetime | None = None
    settings_version: int = 0
    """That of the connection."""
    delivery: Mapping[str, Any] = field(default_factory=dict)
    """A DeliveryMethod as JSON, without what is as by default."""
    circuit: CircuitState = CircuitState.CLOSED
    circuit_at: datetime | None = None
    circuit_probe_at: datetime | None = None
    circuit_step: int = 0
    circuit_reason: str = ""
    auth: str = "none"
    """The connection's method of authentication."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Those of the connection that are no credentials."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A bearer key of one environment, never its text."""

    id: str
    integration_id: str
    environment: Environment
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SigningSecretRow:
    """A secret that signs deliveries of one environment, or proves its receipts, encrypted."""

    id: str
    integration_id: str
    environment: Environment
    secret_enc: str
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What produces records; `fields` are JSON objects of the wire's SourceField."""

    id: str
    key: str
    name: str
    levels: list[str]
    fields: list[dict[str, Any]]
    created_at: datetime
    created_by: str
    integrations: list[str] = field(default_factory=list)
