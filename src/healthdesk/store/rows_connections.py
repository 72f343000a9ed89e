"""Rows of connections and of their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import (
    ConnectionState,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of a connection."""

    user: str
    grant: str


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """The request that decides an endpoint's health."""

    method: str = "GET"
    path: str = "/"
    expected_status: int = 200


@dataclass(frozen=True, slots=True)
class VerificationSettings:
    """How callbacks of a connection are verified; the fields are those of the wire's CallbackVerification."""

    scheme: str = "none"
    header: str = "X-Signature"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    id_header: str = ""
    event_header: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_format: str = "epoch_s"


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What is stored of a new connection; it starts in state unknown."""

    id: str
    app: str
    name: str
    base_url: str
    auth: str
    owner: str
    created_by: str
    created_at: datetime
    account: str = ""
    credentials_enc: str = ""
    credential_hint: str = ""
    heartbeat: HeartbeatSettings | None = None
    verification: VerificationSettings = VerificationSettings()
    callback_secret_enc: str = ""
    callback_secret_hint: str = ""
    callback_limit_per_minute: int | None = None
    next_check: datetime | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, Any] | None = None
    identity_connected: Mapping[str, Any] | None = None
    expires_at: datetime | None = None
    expires_from: str = ""
    handshake_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection and its health, without secrets.

    `app_name`, `state_word`, `explanation` and `callback_url` are left for the operations layer to fill.
    """

    id: str
    app: str
    name: str
    account: str
    base_url: str
    auth: str
    credential_hint: str
    owner: str
    state: ConnectionState
    state_since: datetime
    judged_by_deliveries: bool
    suspect_checks: int
    verification: VerificationSettings
    callback_secret_hint: str
    created_at: datetime
    created_by: str
    heartbeat: HeartbeatSettings | None = None
    callback_limit_per_minute: int | None = None
    connected_on: datetime | None = None
    last_healthy: datetime | None = None
    last_checked: datetime | None = None
    next_check: datetime | None = None
    failure: Failure | None = None
    """Why the last check did not succeed; None while healthy."""
    settings_version: int = 0
    """Counts changes of the address, the credentials and the heartbeat: what was found before one is out of date."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What the app asks for beside credentials: site, organisation, instance."""
    identity: Mapping[str, Any] | None = None
    """Whose the credentials are by the last good check: the JSON of a domain Identity."""
    identity_connected: Mapping[str, Any] | None = None
    """The same when it was connected, or when new credentials were taken over."""
    expires_at: datetime | None = None
    expires_from: str = ""
    """`learnt` from the app, `entered` by an operator, or empty."""
    expiry_warned: int | None = None
    last_good_check: str | None = None
    first_bad_check: str | None = None
    flapping_since: datetime | None = None
    previous_hint: str = ""
    previous_auth: str = ""
    previous_by: str = ""
    previous_until: datetime | None = None
    """Until when the credentials before the last update can be put back."""
    pinged: bool = False
    """Whether pings decide its health."""
    handshake_until: datetime | None = None
    """Until when the app may hand over the secret that its callbacks are signed with."""
    used_at: datetime | None = None
    """When it last configured or synced a task."""
    collected_at: datetime | None = None
    """When it last collected proof."""
    members: list[MemberRow] = field(default_factory=list)
    app_name: str = ""
    state_word: str = ""
    explanation: Any = None
    callback_url: str = ""

    @property
    def last_error_kind(self) -> str:
        """Return the kind of the last failed check, while it is not healthy again."""
        return self.failure.kind.value if self.failure else ""


@dataclass(frozen=True, slots=True)
class ConnectionSecretRow(ConnectionRow):
    """A connection with its encrypted secrets, for the engine only."""

    credentials_enc: str = ""
    callback_secret_enc: str = ""
    previous_enc: str = ""
    previous_identity: Mapping[str, Any] | None = None
    previous_expires_at: datetime | None = None
    previous_expires_from: str = ""


@dataclass(frozen=True, slots=True)
class HeartbeatRow:
    """One check of a connection."""

    id: str
    connection_id: str
    at: datetime
    trigger: Trigger
    ok: bool
    duration_ms: float
    state_after: ConnectionState
    status: int | None = None
    kind: str = ""
    sentence: str = ""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    response_cut: bool = False
    method: str = ""
    url: str = ""
    identity: Mapping[str, Any] | None = None
