"""A request on its way to an app, and what authorizes it: the seam between authentication and everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from healthdesk.connectors.client_certificates import ClientCertificate
from healthdesk.connectors.echoes import NO_SECRETS, Secrets
from healthdesk.domain.exchange import Exchange, Failure


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request before it is sent. `url` is whole, query included; `secret_headers` are lower-case names,
    `secret_parameters` those of parameters of the URL as they are.

    `secrets` are taken out of whatever the app answers, and out of the URL before it is kept.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secret_headers: frozenset[str] = frozenset()
    secret_parameters: frozenset[str] = frozenset()
    secrets: Secrets = NO_SECRETS
    certificate: ClientCertificate | None = None


class NotAuthorized(Exception):
    """No token could be got: `failure` says why, `exchange` is what the token endpoint answered, if it was asked.

    `code` is OAuth's own word for the refusal, where there is one.
    """

    def __init__(self, failure: Failure, exchange: Exchange | None = None, *, code: str = "") -> None:
        super().__init__(failure.sentence)
        self.failure = failure
        self.exchange = exchange
        self.code = code


class Authorizer(Protocol):
    """What makes the requests of one connection authentic."""

    async def values(self) -> Mapping[str, str]:
        """Return what templates may name: fields that are not secret, and what the token answer said (`instance_url`).

        Gets a token where one is needed; raises NotAuthorized.
        """
        ...

    async def authorize(self, request: Outgoing) -> Outgoing:
        """Return the request with what authenticates it; raises NotAuthorized."""
        ...

    async def refused(self, sent: Outgoing) -> bool:
        """Say that the app refused a request (401) as it was `sent`. True: with another token it is worth one more try."""
        ...
