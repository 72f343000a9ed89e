"""Integrations, their environments and keys, and the sources they deliver."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.common import Input, Name, Output
from healthdesk.domain.states import Environment, HoldReason, IntegrationKind, IntegrationState, OnUnknown

Slug = str
FieldType = Literal["string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any"]


class EnvironmentSettings(Input):
    """Where and how records of one environment are delivered: `connection_id` and a path on its base URL."""

    connection_id: str
    path: str = Field(default="", max_length=2000)
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = {}
    concurrency: int | None = Field(default=None, ge=1, le=256)
    rate_per_s: float | None = Field(default=None, gt=0)
    timeout_s: float | None = Field(default=None, gt=0, le=300)
    on_unknown: OnUnknown = OnUnknown.RESEND
    accept_limit_per_minute: int | None = Field(default=None, ge=1)


class EnvironmentEdit(Input):
    """Changes to one environment; what is absent stays."""

    connection_id: str | None = None
    path: str | None = Field(default=None, max_length=2000)
    method: Literal["POST", "PUT", "PATCH"] | None = None
    headers: dict[str, str] | None = None
    concurrency: int | None = Field(default=None, ge=1, le=256)
    rate_per_s: float | None = Field(default=None, gt=0)
    timeout_s: float | None = Field(default=None, gt=0, le=300)
    on_unknown: OnUnknown | None = None
    accept_limit_per_minute: int | None = Field(default=None, ge=1)


class IntegrationCreate(Input):
    """A new delivery integration, with one or both environments."""

    kind: Literal[IntegrationKind.DELIVERY] = IntegrationKind.DELIVERY
    name: Name
    production: EnvironmentSettings | None = None
    testing: EnvironmentSettings | None = None


class IntegrationEdit(Input):
    """Changes to an integration; an environment given here that does not exist yet is created."""

    name: Name | None = None
    production: EnvironmentEdit | None = None
    testing: EnvironmentEdit | None = None


class EnvironmentView(Output):
    """One environment of an integration as it is."""

    environment: Environment
    connection_id: str
    connection_name: str = ""
    endpoint: str = ""
    """Full URL records are sent to."""
    path: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    concurrency: int
    rate_per_s: float | None = None
    timeout_s: float
    on_unknown: OnUnknown
    accept_limit_per_minute: int | None = None
    state: IntegrationState
    hold_reason: HoldReason | None = None
    key_hint: str = ""
    key_created_at: datetime | None = None
    signing_secret_hint: str = ""
    totals: dict[str, int] = {}
    """Records by state, from the ledger."""


class Integration(Output):
    """An integration with its environments and enabled sources."""

    id: str
    kind: IntegrationKind
    name: str
    environments: list[EnvironmentView]
    sources: list[str] = []
    """Keys of the sources enabled for it."""
    records_url: str = ""
    created_at: datetime
    created_by: str


class EnvironmentChoice(Input):
    """Which environment an action is for; None means both where both exist."""

    environment: Environment | None = None


class KeyCreate(Input):
    """Make a new bearer key for an environment. The one before stays valid for `overlap_s` seconds."""

    environment: Environment = Environment.PRODUCTION
    overlap_s: int = Field(default=0, ge=0, le=30 * 86400)


class Key(Output):
    """A bearer key, never its text."""

    id: str
    environment: Environment
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


class NewSecret(Output):
    """A secret at the only moment it is shown: `secret` is not stored in clear and cannot be read again."""

    id: str
    environment: Environment
    secret: str
    hint: str
    replaces_until: datetime | None = None


class SigningSecret(Output):
    """A secret of our signature, never its text. Deliveries carry its signature until `expires_at`."""

    id: str
    environment: Environment
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


class ChangedIntegration(Integration):
    """An integration as a change left it, with the secrets that sign what goes to the environments it made."""

    new_signing_secrets: list[NewSecret] = []
    """One for each environment that this request made, shown this once."""


class SourceField(Input):
    """A field of a source's data: its `name` is a key of `data`."""

    name: str = Field(min_length=1, max_length=100)
    type: FieldType = "any"
    required: bool = False
    example: str = Field(default="", max_length=200)
    sensitive: bool = True


class SourceCreate(Input):
    """A new source. `key` is what records name in `source`; no fields means data is not validated."""

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: Name
    levels: list[str] = Field(default=[], max_length=50)
    fields: list[SourceField] = Field(default=[], max_length=500)


class SourceEdit(Input):
    """Changes to a source; what is absent stays."""

    name: Name | None = None
    levels: list[str] | None = Field(default=None, max_length=50)
    fields: list[SourceField] | None = Field(default=None, max_length=500)


class SourceEnable(Input):
    """Whether records of the source may be delivered through an integration."""

    integration_id: str
    enabled: bool = True


class Source(Output):
    """What produces records: an HRA, a form, an assessment."""

    id: str
    key: str
    name: str
    levels: list[str]
    fields: list[SourceField]
    integrations: list[str] = []
    """Ids of the integrations it is enabled for."""
    created_at: datetime
    created_by: str
