"""A manifest in a few lines, and a connector of it against a FakeEndpoint."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from healthdesk.connectors.app import App
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector
from healthdesk.connectors.echoes import Secrets
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import Manifest
from healthdesk.testing import FakeClock

TOKEN = "tok-0123456789-secret"

HEAD = """
id = "acme"
name = "Acme"
[[auth]]
id = "token"
name = "Token"
headers = { Authorization = "Bearer {token}" }
"""


class StaticAuth:
    """Sends a bearer token, and in the query what `query` says. A renewal replaces the token where one is given."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        query: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        renewed: str = "",
        refuses: NotAuthorized | None = None,
    ) -> None:
        self.token = token
        self.query = dict(query or {})
        self.known = dict(values or {})
        self.renewed = renewed
        self.refuses = refuses
        self.refusals = 0

    async def values(self) -> Mapping[str, str]:
        return self.known

    async def authorize(self, request: Outgoing) -> Outgoing:
        if self.refuses is not None:
            raise self.refuses
        url = request.url
        for name, value in self.query.items():
            url += f"{'&' if '?' in url else '?'}{name}={value}"
        return replace(
            request,
            url=url,
            headers={**request.headers, "Authorization": f"Bearer {self.token}"},
            secret_headers=frozenset({"authorization"}),
            secrets=Secrets((self.token, *self.query.values())),
        )

    async def refused(self, _sent: Outgoing) -> bool:
        self.refusals += 1
        if not self.renewed:
            return False
        self.token, self.renewed = self.renewed, ""
        return True


def manifest(text: str, head: str = HEAD) -> Manifest:
    """Return the manifest of an app `acme` whose TOML goes on with `text`; tables of the root come first in `head`."""
    return Manifest.model_validate(tomllib.loads(head + text))


def app(text: str, head: str = HEAD) -> App:
    return App(manifest(text, head), Path("acme"))


def connector(
    text: str,
    session: GuardedSession,
    clock: FakeClock,
    base_url: str,
    *,
    head: str = HEAD,
    auth: Any = None,
    settings: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Connector:
    made = app(text, head)
    return made.connector(
        AppClient(
            made,
            session=session,
            authorizer=auth or StaticAuth(),
            auth_id="token",
            base_url=base_url,
            settings=settings or {},
            clock=clock,
            timeout_s=timeout_s,
        )
    )
