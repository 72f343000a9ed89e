"""Connections: one user's credentials for an app, and their health."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, SecretStr, StringConstraints

from healthdesk.api.common import Explanation, Input, Name, Output
from healthdesk.api.instances import InstanceTotals
from healthdesk.domain.states import CallbackScheme, ConnectionState, Grant, IntegrationKind, Trigger

AuthMethod = str
"""The id of one of the app's methods; of an HTTP endpoint none, bearer, basic or header."""

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


class MemberGrant(Input):
    """What a member holds: `user` may use the connection, `manager` manages its health, too."""

    grant: Grant = Grant.USER


class MakeMeOwner(CredentialsUpdate):
    """Take a connection over with credentials of your own. What syncs with it goes on with them."""


class ConnectionUses(Output):
    """What stops when a connection is disconnected, for the page that asks first.

    `tasks` and `proof_syncs` lose their configuration; `sentences` say what that means and how to repair it, and
    `delivers` names the integrations that keep it from being disconnected at all.
    """

    connection_id: str
    name: str
    app_name: str
    account: str = ""
    tasks: int = 0
    proof_syncs: int = 0
    samples: list[str] = []
    """Names of some of them."""
    administers: list[str] = []
    """Task integrations whose admin connection it is."""
    delivers: list[str] = []
    templates: list[str] = []
    sentences: list[str] = []


class HandOver(Input):
    """Give connections of somebody who leaves to somebody else; none named means all of them."""

    to: str = Field(min_length=1, max_length=100)
    connection_ids: list[str] = []


class HandedOver(Output):
    """The connections that have another owner now, and the tasks and proof syncs that go with them."""

    connections: list[str]
    instances: int = 0
    sentence: str = ""


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
    blocked: int = 0
    """Of the failed instances those whose connection fails."""
    held: int = 0
    retrying: int = 0
    total: int = 0
    unit: str = ""
    checked_at: datetime | None = None
    expires_at: datetime | None = None
    """When the first of its credentials ends, within 30 days of that; else null."""
    expires_in: str = ""
    """`6 days`, `5 hours` or `expired`: what stands behind the word, as in `Connected · 6 days`."""
    flapping: bool = False
    drifted: bool = False
    """Whether account, site or scopes of that connection are not those it was connected with."""
    previous_until: datetime | None = None
    """Until when that connection's credentials before the last update can be put back."""
    refused: dict[str, str] = {}
    """What you may not do on that connection, of a delivery integration on the one that its keys act on: the words and
    reasons of `Connection.refused`."""
    explanation: Explanation | None = None
    details: dict[str, Any] = {}


class ConnectionCard(Output):
    """A connection in the connection window. `role` is `admin` for the one an integration was configured with, `mine` for
    yours, `both` where you are the admin and use the same credentials, `other` for those of others.

    `connected_on` is when it was established for the admin connection, when it last configured or synced a task for
    yours, and when it last collected for one of proof; None where it has not yet.
    """

    role: Literal["admin", "mine", "both", "other"]
    title: str
    """`Admin connection`, `My connection` or `Connection`."""
    connection: Connection
    connected_on: datetime | None = None
    instances: int = 0
    blocked: int = 0
    ask: str = ""
    """Whom to ask about it, where it is not yours to mend."""


class IntegrationRef(Output):
    """An integration by name."""

    id: str
    kind: IntegrationKind
    name: str
    connection_id: str | None = None


class AccountView(Output):
    """The connection window: an app and account with its connections, integrations and instances.

    `cards` has the admin connection and yours, one card where both are the same; `others` those of other people.
    """

    app: str
    app_name: str
    account: str
    state: ConnectionState
    state_word: str
    cards: list[ConnectionCard]
    others: list[ConnectionCard] = []
    integrations: list[IntegrationRef] = []
    tasks: InstanceTotals | None = None
    """None where nothing makes tasks here; likewise `proof`."""
    proof: InstanceTotals | None = None
    explanation: Explanation | None = None
    blocked: str = ""
    """`11 tasks of alice are blocked; they are synced again when this is repaired.` or empty."""
