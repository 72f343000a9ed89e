"""Connections: one user's credentials for an app, and their health."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, SecretStr

from healthdesk.api.common import Explanation, Input, Name, Output
from healthdesk.domain.states import ConnectionState, Trigger

AuthMethod = str
"""The id of one of the app's methods; of an HTTP endpoint none, bearer, basic or header."""
VerificationScheme = Literal["none", "standard_webhooks", "hmac"]


class AppField(Output):
    """A setting or credential the app asks for."""

    key: str
    label: str
    help: str = ""
    example: str = ""
    secret: bool = False
    required: bool = True
    multiline: bool = False
    options: list[str] = []
    default: str = ""
    pattern: str = ""


class AppAuth(Output):
    """One way to authenticate at an app: the fields it asks for and where to find what goes into them."""

    id: str
    name: str
    type: str
    help: str = ""
    where: str = ""
    fields: list[AppField] = []


class App(Output):
    """A third-party system the desk can connect to, from its connector folder.

    `base_url` is a template over `fields`, and can be given for each connection; empty, it has to be.
    """

    id: str
    name: str
    summary: str = ""
    kinds: list[str] = []
    docs: str = ""
    base_url: str = ""
    fields: list[AppField] = []
    auth: list[AppAuth] = []


class HeartbeatRequest(Input):
    """The request that decides an HTTP endpoint's health. Without one it is judged by deliveries."""

    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = "GET"
    path: str = Field(default="/", max_length=2000)
    expected_status: int = Field(default=200, ge=100, le=599)


class CallbackVerification(Input):
    """How callbacks of this connection are verified.

    `standard_webhooks`: headers webhook-id, -timestamp, -signature and a `whsec_` secret.
    `hmac`: the HMAC of the raw body in `header`, `prefix` before it; `id_header` names the delivery id.
    """

    scheme: VerificationScheme = "none"
    header: str = "X-Signature"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    id_header: str = ""
    event_header: str = ""


class Credentials(Input):
    """Secrets of a connection; never returned. `auth` is one of the app's methods, `fields` what that asks for.

    The named ones are fields too: `token` for bearer and header; `username` and `password` for basic; `header_name`
    for header.
    """

    auth: AuthMethod = "none"
    fields: dict[str, SecretStr] = {}
    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    header_name: str | None = None


class ConnectionCreate(Input):
    """A new connection. `base_url` is where the app lives; `callback_secret` verifies its callbacks."""

    app: str = "http-endpoint"
    name: Name
    base_url: str = Field(max_length=2000)
    credentials: Credentials = Credentials()
    heartbeat: HeartbeatRequest | None = None
    verification: CallbackVerification = CallbackVerification()
    callback_secret: SecretStr | None = None
    callback_limit_per_minute: int | None = Field(default=None, ge=1)


class ConnectionEdit(Input):
    """Changes to a connection; what is absent stays. `clear_heartbeat` makes it judged by deliveries."""

    name: Name | None = None
    base_url: str | None = Field(default=None, max_length=2000)
    heartbeat: HeartbeatRequest | None = None
    clear_heartbeat: bool = False
    verification: CallbackVerification | None = None
    callback_secret: SecretStr | None = None
    callback_limit_per_minute: int | None = Field(default=None, ge=1)


class CredentialsUpdate(Input):
    """New credentials for a connection; it is checked at once with them."""

    credentials: Credentials


class Member(Output):
    """A member of a connection."""

    user: str
    grant: str


class Connection(Output):
    """A connection and its health. Secrets appear as `••••` + last 4 at most, in `credential_hint`."""

    id: str
    app: str
    app_name: str
    name: str
    account: str = ""
    base_url: str
    auth: AuthMethod
    credential_hint: str = ""
    owner: str
    members: list[Member] = []
    state: ConnectionState
    state_word: str
    """Connected, Checking again, Connection failure, Not checked yet or Judged by deliveries."""
    state_since: datetime
    judged_by_deliveries: bool = False
    suspect_checks: int = 0
    explanation: Explanation | None = None
    connected_on: datetime | None = None
    last_healthy: datetime | None = None
    last_checked: datetime | None = None
    next_check: datetime | None = None
    settings: dict[str, str] = {}
    expires_at: datetime | None = None
    expires_from: str = ""
    """`learnt` from the app, `entered` by an operator, or empty."""
    flapping_since: datetime | None = None
    previous_hint: str = ""
    previous_until: datetime | None = None
    """Until when the credentials before the last update can be put back."""
    heartbeat: HeartbeatRequest | None = None
    verification: CallbackVerification = CallbackVerification()
    callback_secret_hint: str = ""
    callback_url: str = ""
    callback_limit_per_minute: int | None = None
    created_at: datetime
    created_by: str


class Heartbeat(Output):
    """One check of a connection."""

    id: str
    connection_id: str
    at: datetime
    trigger: Trigger
    ok: bool
    status: int | None = None
    duration_ms: float
    kind: str = ""
    sentence: str = ""
    state_after: ConnectionState


class AccountRow(Output):
    """A row of the Connections area: an app and account, or a delivery integration beside them.

    A connection whose app tells no account is a row of its own.

    `failed` and `total` are instances (tasks, proof syncs) for a connection, records for a delivery integration.
    """

    kind: Literal["connection", "integration"]
    id: str
    """The worst connection's id, or the integration's."""
    name: str = ""
    """What that connection, or the integration, is called."""
    app: str
    account: str
    state: ConnectionState
    state_word: str
    suspect_checks: int = 0
    """How many checks of that connection failed since it was last well, while it is checked again."""
    paused: bool = False
    failed: int = 0
    held: int = 0
    retrying: int = 0
    total: int = 0
    unit: str = ""
    checked_at: datetime | None = None
    explanation: Explanation | None = None
    details: dict[str, Any] = {}
