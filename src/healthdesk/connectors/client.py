"""Sends the requests of a manifest for one connection: rendered, authorized, guarded, parsed, judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from healthdesk.clock import Clock
from healthdesk.connectors.outgoing import Authorizer
from healthdesk.connectors.results import NOTHING
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import Paging, RequestTemplate
from healthdesk.connectors.spec.errors import Operation
from healthdesk.domain.exchange import Exchange, Failure

if TYPE_CHECKING:
    from healthdesk.connectors.app import App

STORED_BODY_BYTES = 16_384
CHECK_BYTES = 262_144
TASK_BYTES = 1_048_576
PAGE_BYTES = 4_194_304


@dataclass(slots=True)
class Reply:
    """What an app answered. `document` is the parsed body, None where there is none or it could not be parsed.

    `headers` have lower-case names. The exchange holds no more of the body than is stored, and no secret.
    """

    document: object
    headers: Mapping[str, str]
    exchange: Exchange
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether the app did what it was asked."""
        return self.failure is None


@dataclass(slots=True)
class Page:
    """One page of a list. `items` are what the expression for them gave; none where the reply failed.

    `more` says on the last page that is given that there would be others.
    """

    reply: Reply
    items: list[object]
    more: bool = False


class AppClient:
    """Talks to an app with one connection's settings and credentials.

    `base_url` is the connection's own, or empty for the manifest's. `settings` are those of the connection that are no
    credentials. `timeout_s` is the whole time one request may take.
    """

    def __init__(
        self,
        app: App,
        *,
        session: GuardedSession,
        authorizer: Authorizer,
        auth_id: str,
        base_url: str = "",
        settings: Mapping[str, str] = {},
        clock: Clock,
        timeout_s: float = 15.0,
    ) -> None:
        self.app = app
        self.auth_id = auth_id
        self.settings = settings
        self.clock = clock
        self._session = session
        self._authorizer = authorizer
        self._base_url = base_url
        self._timeout_s = timeout_s

    async def call(
        self,
        request: RequestTemplate,
        inputs: Mapping[str, object] = NOTHING,
        *,
        on: Operation,
        success: str | None = None,
        most_bytes: int = TASK_BYTES,
    ) -> Reply:
        """Send one request and judge its answer; once more where the app refused a token that could be renewed.

        Whatever the app answers is in the reply. Raises ConnectorError when a value that the request needs is missing.
        """
        raise NotImplementedError

    def pages(
        self,
        request: RequestTemplate,
        inputs: Mapping[str, object] = NOTHING,
        *,
        on: Operation,
        items: str = "@",
        paging: Paging | None = None,
        success: str | None = None,
        most_pages: int = 100,
        most_bytes: int = PAGE_BYTES,
    ) -> AsyncIterator[Page]:
        """Yield the pages of a list, by the manifest's paging unless another is given. The last one may have failed."""
        raise NotImplementedError

    def http(self) -> httpx.AsyncClient:
        """Return an httpx client for hooks: guarded, authorized, under the base URL. Close it at the end."""
        raise NotImplementedError
