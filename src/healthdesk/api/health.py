"""The health of a connection beyond its state: evidence, transitions, drift and expiry."""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.common import Output
from healthdesk.api.connections import Heartbeat, IdentityChange
from healthdesk.domain.states import ConnectionState


class Identity(Output):
    """Whose a credential is, as the app said. `scopes` is None where the app does not tell."""

    account_id: str
    account: str = ""
    site: str = ""
    scopes: list[str] | None = None
    expires_at: datetime | None = None


class Difference(Output):
    """One thing that differs: `what` is account, site, scopes, address, status, or the name of a header."""

    what: str
    before: str
    after: str


class CheckEvidence(Heartbeat):
    """A check with what was asked, what came back and who the credential was; secrets are left out."""

    method: str = ""
    url: str = ""
    response_headers: dict[str, str] = {}
    response_body: str = ""
    """The start of the answer as text, at most 16 KiB."""
    response_cut: bool = False
    identity: Identity | None = None


class Evidence(Output):
    """The last good check of a connection beside the first bad one after it.

    While it is well there is no bad one. Times stay data: `last good {last_good.at} → first bad {first_bad.at} ·
    {comparison}` is how a reader shows them in its zone.
    """

    connection_id: str
    name: str
    state: ConnectionState
    sentence: str
    """What happened, in one plain sentence."""
    comparison: str = ""
    """What stayed and what changed between the two, such as `same account, same site`."""
    blame: str = ""
    next_action: str = ""
    key: str = ""
    """The TUI key that helps, or empty."""
    last_good: CheckEvidence | None = None
    first_bad: CheckEvidence | None = None
    latest: CheckEvidence | None = None
    """The newest check, where it is neither of the two."""
    differences: list[Difference] = []
    """Between the two: account, site, scopes, address, status, and headers that matter."""
    drift: list[IdentityChange] = []
    """Between the credential as it was connected and as it is now."""


class Transition(Output):
    """A change of a connection's state, and the failure behind it."""

    id: str
    connection_id: str
    at: datetime
    from_state: ConnectionState
    to_state: ConnectionState
    kind: str = ""
    sentence: str = ""


class Expiry(Output):
    """A connection whose credential has an end, soonest first. `days` are whole days left, negative once it is over."""

    connection_id: str
    name: str
    app: str
    app_name: str = ""
    account: str = ""
    owner: str = ""
    expires_at: datetime
    expires_from: str
    """`learnt` from the app, or `entered` by an operator."""
    days: int
    word: str
    """`6 days`, `5 hours`, or `expired`."""
    warned_days: int | None = None
    """The threshold of the last warning: 30, 14, 7 or 1 days ahead, 0 once it expired."""
    problem_id: str | None = None
    refused: dict[str, str] = {}
    """What you may not do on the connection: the words and reasons of `Connection.refused`."""
