"""The Connections area: rows of apps and accounts, and the window of one with its connections and integrations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from healthdesk.api.common import Explanation, Output
from healthdesk.api.connections import Connection
from healthdesk.api.instances import InstanceTotals
from healthdesk.domain.states import ConnectionState, IntegrationKind


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
