"""Who may use a connection and who owns it: grants, taking over, handing over, and what a disconnection stops."""

from __future__ import annotations

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.connections import CredentialsUpdate
from healthdesk.domain.states import Grant


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
