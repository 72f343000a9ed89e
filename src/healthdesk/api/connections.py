"""Connections: one user's credentials for an app, and their health."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr, StringConstraints

from healthdesk.api.common import Explanation, Input, Name, Output
from healthdesk.domain.states import CallbackScheme, ConnectionState, Trigger

AuthMethod = str
"""The id of one of the app's methods; of an HTTP endpoint none, bearer, basic, header, query, oauth2 or mtls."""

Settings = dict[str, Annotated[str, StringConstraints(max_length=2000)]]
"""What the app asks for beside credentials, by the key of its fields."""


UNCHECKED_HINT = "To save it all the same: --unchecked (in the API, `unchecked`)."
"""Ends what to do about an app that could not be asked; a screen with a button for it leaves it out."""


class HeartbeatRequest(Input):
    """The request that decides an HTTP endpoint's health. Without one it is judged by deliveries."""

    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = "GET"
    path: str = Field(default="/", max_length=2000)
    expected_status: int = Field(default=200, ge=100, le=599)


class CallbackVerification(Input):
    """How callbacks of this connection are verified.

    `standard_webhooks`: headers webhook-id, -timestamp, -signature and a `whsec_` secret.
    `github`, `gitlab`, `jira`, `asana`, `slack`, `stripe`: as these apps sign.
    `hmac`: an HMAC in `header`, `prefix` before it, over `signed`: `{body}`, `{timestamp}`, `{url}`, `{method}` and
    text between; with `timestamp_header` it is good for five minutes.
    `token`: `header` holds the secret itself. `bearer`, `basic`: the Authorization header does; for basic the secret
    is `user:password`. `id_header` names the delivery id, `event_header` the event.
    """

    scheme: CallbackScheme = CallbackScheme.NONE
    header: str = "X-Signature"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    id_header: str = ""
    event_header: str = ""
    signed: str = Field(default="{body}", max_length=200)
    timestamp_header: str = ""
    timestamp_format: Literal["epoch_s", "epoch_ms", "iso", "http"] = "epoch_s"


class Credentials(Input):
    """Secrets of a connection; never returned. `auth` is one of the app's methods, `fields` what that asks for.

    The named ones are fields too: `token` for bearer, header and query; `username` and `password` for basic; `header_name`
    for header.
    """

    auth: AuthMethod = "none"
    fields: dict[str, SecretStr] = {}
    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    header_name: str | None = None


class ConnectionCreate(Input):
    """A new connection. Its credentials are tried first: what the app refuses is not saved.

    `settings` are the app's fields, `base_url` where it lives when not where its manifest says. Without `name` it is
    called after the app and the account. `authorization` is a finished OAuth authorization, instead of the
    credentials' secrets. `expires_at` is when the credentials expire, where the app does not tell. `unchecked` saves
    without trying them first. `callback_secret` verifies its callbacks.
    """

    app: str = "http-endpoint"
    name: Name | None = None
    base_url: str = Field(default="", max_length=2000)
    settings: Settings = {}
    credentials: Credentials = Credentials()
    authorization: str | None = None
    expires_at: AwareDatetime | None = None
    unchecked: bool = False
    heartbeat: HeartbeatRequest | None = None
    verification: CallbackVerification = CallbackVerification()
    callback_secret: SecretStr | None = None
    callback_limit_per_minute: int | None = Field(default=None, ge=1)


class ConnectionEdit(Input):
    """Changes to a connection; what is absent stays. `clear_heartbeat` makes it judged by deliveries.

    `settings` are changed one by one, an empty value takes one away. `base_url` empty: the app's own. What decides
    health is tried before it is saved, unless `unchecked`. `expires_at` null: the credentials do not expire.
    """

    name: Name | None = None
    base_url: str | None = Field(default=None, max_length=2000)
    settings: Settings | None = None
    expires_at: AwareDatetime | None = None
    unchecked: bool = False
    heartbeat: HeartbeatRequest | None = None
    clear_heartbeat: bool = False
    verification: CallbackVerification | None = None
    callback_secret: SecretStr | None = None
    callback_secret_overlap_s: float = Field(default=86_400, ge=0, le=30 * 86_400)
    """How long the secret before this one stays valid."""
    await_handshake: bool = False
    """Whether the app may hand over a further secret, for ten minutes from now (Asana)."""
    callback_limit_per_minute: int | None = Field(default=None, ge=1)


class CredentialsUpdate(Input):
    """New credentials for a connection, tried beside the old ones, which stay in use until the app took these.

    Another account, another site or fewer scopes are refused until `accept_changes` says that they are meant.
    `unchecked` puts them in use without trying them. `authorization` and `expires_at` are those of ConnectionCreate.
    """

    credentials: Credentials = Credentials()
    authorization: str | None = None
    expires_at: AwareDatetime | None = None
    accept_changes: bool = False
    unchecked: bool = False


class PutBack(Input):
    """Puts the credentials before the last update back in use, within an hour of it, after trying them."""

    unchecked: bool = False


class Member(Output):
    """A member of a connection: `grant` is user or manager, or owner for whose it is."""

    user: str
    grant: str
    hint: str = ""
    """In the list of members and where one is added: why they can do nothing on the desk as it is, or empty."""


class IdentityChange(Output):
    """How credentials differ from those before: `what` is account, site or scopes."""

    what: Literal["account", "site", "scopes"]
    before: str
    after: str
    sentence: str


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
    """Connected, Checking again, Connection failure, Not checked yet, Judged by deliveries; of one that pings the desk
    also Waiting for first ping and Late."""
    state_since: datetime
    judged_by_deliveries: bool = False
    suspect_checks: int = 0
    explanation: Explanation | None = None
    connected_on: datetime | None = None
    last_healthy: datetime | None = None
    last_checked: datetime | None = None
    next_check: datetime | None = None
    settings: dict[str, str] = {}
    site: str = ""
    """The organisation, workspace or host that the credentials belong to, where the app tells."""
    scopes: list[str] | None = None
    """What the credentials may do, where the app tells."""
    expires_at: datetime | None = None
    expires_from: str = ""
    """`learnt` from the app, `entered` by an operator, or empty."""
    expires_in: str = ""
    """`6 days`, `5 hours` or `expired`, within 30 days of the end; else empty."""
    drift: list[IdentityChange] = []
    """How account, site and scopes differ from those it was connected with; empty while they are the same."""
    flapping_since: datetime | None = None
    """Since when it goes to and fro between well and not, or null."""
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
    used_at: datetime | None = None
    """When it last configured or synced a task."""
    collected_at: datetime | None = None
    """When it last collected proof."""
    my_grant: str = ""
    """What you hold on it: `owner`, `manager`, `user` or nothing."""
    refused: dict[str, str] = {}
    """Actions that you may not do on it, each with the reason and whom to ask: check, update_credentials, put_back, edit,
    disconnect, members, make_me_owner, use, pings."""


class Rerun(Output):
    """Records that stopped because of the credentials before: those held go by themselves, the others on command.

    `failed` counts those of the problems `problem_ids`, `since` is when the first of them began. `sentence` says that
    to people, and `commands` resend what failed, one a problem.
    """

    failed: int = 0
    held: int = 0
    since: datetime | None = None
    problem_ids: list[str] = []
    sentence: str = ""
    commands: list[str] = []


class CredentialsUpdated(Connection):
    """A connection after its credentials were replaced or put back."""

    changes: list[IdentityChange] = []
    rerun: Rerun | None = None


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
