"""The request that decides a connection's health, who it says we are, and the probes of what the account may do."""

from __future__ import annotations

from healthdesk.connectors.spec.base import (
    Expression,
    FieldManifest,
    Key,
    Label,
    Part,
    RequestTemplate,
    ValueFrom,
)


class IdentityManifest(Part):
    """Who the credential belongs to, as expressions over the answer.

    Healthy is only an answer with a non-empty `account_id`. `account` is what people read, `site` the
    organisation, workspace or host it belongs to.
    """

    account_id: Expression
    account: Expression | None = None
    site: Expression | None = None
    scopes: ValueFrom | None = None
    expires: ValueFrom | None = None


class AlsoManifest(Part):
    """A further request of a heartbeat, for what the first does not tell. Its failure says nothing unless `required`.

    `auth` limits it to these methods of authentication.
    """

    request: RequestTemplate
    auth: list[Key] = []
    required: bool = False
    account_id: Expression | None = None
    account: Expression | None = None
    site: Expression | None = None
    scopes: ValueFrom | None = None
    expires: ValueFrom | None = None


class HeartbeatManifest(Part):
    """The cheap authenticated request. `success` must be true of the answer, whatever its status.

    `auth` limits it to these methods of authentication: the first heartbeat that fits is the one.
    """

    request: RequestTemplate
    auth: list[Key] = []
    success: Expression | None = None
    identity: IdentityManifest
    also: list[AlsoManifest] = []


class ProbeManifest(Part):
    """A request that proves that the account may do one thing, without doing it. `fields` are its inputs."""

    id: Key
    name: Label
    fields: list[FieldManifest] = []
    request: RequestTemplate
    success: Expression | None = None
    missing: str = ""
    """What is missing when it fails, as a sentence."""
