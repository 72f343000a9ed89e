"""Sends the requests of a manifest for one connection: rendered, authorized, guarded, parsed, judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from healthdesk.clock import Clock
from healthdesk.connectors import pages, templates
from healthdesk.connectors.authorized import send_authorized
from healthdesk.connectors.documents import Document, read_document
from healthdesk.connectors.judging import judge_of
from healthdesk.connectors.outgoing import Authorizer, NotAuthorized, Outgoing
from healthdesk.connectors.pages import Page
from healthdesk.connectors.results import NOTHING
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import Paging, RequestTemplate
from healthdesk.connectors.spec.base import placeholders
from healthdesk.connectors.spec.errors import Operation
from healthdesk.connectors.templates import Extra
from healthdesk.connectors.texts import rendered
from healthdesk.connectors.urls import check_base_url
from healthdesk.domain.addresses import redact_url
from healthdesk.domain.exchange import Exchange, Failure, Sent, TransportError
from healthdesk.domain.states import ErrorKind
from healthdesk.errors import ConnectorError

if TYPE_CHECKING:
    import httpx

    from healthdesk.connectors.app import App

__all__ = ["AppClient", "Page", "Reply"]

NO_HEADERS: Mapping[str, str] = {}
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
    url: str = field(default="", repr=False)
    """What was asked, without what authorizes it: next pages are relative to it."""
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What the templates of the request could name."""
    sent: Outgoing | None = field(default=None, repr=False)
    """The request with what authorized it; None where none was sent."""

    @property
    def ok(self) -> bool:
        """Whether the app did what it was asked."""
        return self.failure is None


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
        defaults = {each.key: each.default for each in app.manifest.fields if each.default}
        self.settings = {**defaults, **{name: value for name, value in settings.items() if value}}
        self.clock = clock
        self.timeout_s = timeout_s
        self._session = session
        self._authorizer = authorizer
        self._base_url = base_url
        self._judge = judge_of(app.manifest)

    async def call(
        self,
        request: RequestTemplate,
        inputs: Mapping[str, object] = NOTHING,
        *,
        on: Operation,
        success: str | None = None,
        most_bytes: int = TASK_BYTES,
        timeout_s: float | None = None,
        extra: Extra | None = None,
        url: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """Send one request and judge its answer; once more where the app refused a token that could be renewed.

        Whatever the app answers is in the reply. Raises ConnectorError when a value that the request needs is missing.
        `extra` is what paging adds; `url` takes the place of the request's own; `headers` go beside its own, which they
        replace, and never in the place of what authorizes it.
        """
        once = partial(
            self._once,
            request,
            inputs,
            on=on,
            success=success,
            most_bytes=most_bytes,
            timeout_s=timeout_s or self.timeout_s,
            extra=extra,
            url=url,
            headers=headers,
        )
        try:
            reply = await once()
            failure = reply.failure
            if failure is None or not (failure.kind is ErrorKind.AUTHENTICATION or failure.status == 401):
                return reply
            if reply.sent is None or not await self._authorizer.refused(reply.sent):
                return reply
            return await once()
        except NotAuthorized as error:
            exchange = error.exchange or self.unsent(error.failure, request.method)
            return Reply(None, {}, _stored(exchange), error.failure)

    async def _once(
        self,
        request: RequestTemplate,
        inputs: Mapping[str, object],
        *,
        on: Operation,
        success: str | None,
        most_bytes: int,
        timeout_s: float,
        extra: Extra | None,
        url: str,
        headers: Mapping[str, str],
    ) -> Reply:
        manifest = self.app.manifest
        values = await self.values(inputs)
        outgoing = templates.request(request).render(self._base(values), manifest.headers, values, extra)
        outgoing = templates.beside(outgoing, headers)
        if url:
            outgoing = replace(outgoing, url=url)
        asked = outgoing.url
        outgoing = await self._authorizer.authorize(outgoing)
        exchange = await send_authorized(
            self._session, outgoing, timeout_s=timeout_s, stored_body_bytes=most_bytes
        )
        answered = {name.lower(): value for name, value in exchange.response_headers.items()}
        document = read_document(exchange, answered, request.answer, most_bytes)
        failure = self._judge.judge(
            exchange, answered, document, on=on, expect=request.expect, success=success, values=values
        )
        return Reply(document.value, answered, _stored(exchange), failure, asked, values, outgoing)

    def outline(
        self, request: RequestTemplate, inputs: Mapping[str, object], headers: Mapping[str, str] = NO_HEADERS
    ) -> Outgoing:
        """Return a request as far as it is known without asking for a token: nothing authorizes it.

        Where only the token's answer tells the base URL, its URL is the path. Raises ConnectorError as `call` does.
        """
        manifest = self.app.manifest
        named = [request.path, *request.headers.values(), *manifest.headers.values()]
        told_later = {name: f"{{{name}}}" for text in named for name in placeholders(text)}
        values = {**told_later, **self.settings, **inputs}
        try:
            base = self._base({**self.settings, **inputs})
        except ConnectorError:
            base = ""
        return templates.beside(templates.request(request).render(base, manifest.headers, values), headers)

    def missing(self, reply: Reply, what: str) -> Failure:
        """Return the failure of a reply that was fine but does not hold `what`: `without an account`."""
        return self._judge.unexpected(reply.exchange, reply.headers, Document(reply.document), what)

    async def values(self, inputs: Mapping[str, object] = NOTHING) -> dict[str, object]:
        """Return what templates may name: inputs, settings, fields and what the token answer said, the first one wins."""
        known: dict[str, object] = {**await self._authorizer.values()}
        known.update(self.settings)
        known.update(inputs)
        return known

    def _base(self, values: Mapping[str, object]) -> str:
        """Return the connection's own base URL, else its method's, else the manifest's."""
        if self._base_url:
            return self._base_url
        manifest = self.app.manifest
        method = manifest.method(self.auth_id)
        template = (method.base_url if method else "") or manifest.base_url
        if not template:
            raise ConnectorError(
                f"{manifest.name} has no base URL of its own", fix="give one", field="base_url"
            )
        return _checked(rendered(template, values, "the base URL"))

    def unsent(self, failure: Failure, method: str = "GET") -> Exchange:
        """Return the exchange of a request that was not sent, because of a failure before it."""
        return Exchange(
            method=method,
            url=redact_url(self._base_url),
            request_headers={},
            started_at=self.clock.now(),
            duration_ms=0.0,
            error=TransportError(failure.kind, Sent.NO, failure.sentence),
            request_body=b"",
        )

    def pages(
        self,
        request: RequestTemplate,
        inputs: Mapping[str, object] = NOTHING,
        *,
        on: Operation,
        items: str = "@",
        paging: Paging | None = None,
        success: str | None = None,
        most_pages: int = pages.MOST_PAGES,
        most_bytes: int = PAGE_BYTES,
    ) -> AsyncIterator[Page]:
        """Yield the pages of a list, by the manifest's paging unless another is given. The last one may have failed."""
        return pages.pages(
            self,
            request,
            inputs,
            on=on,
            items=items,
            paging=paging or self.app.manifest.paging,
            success=success,
            most_pages=most_pages,
            most_bytes=most_bytes,
        )

    def http(self) -> httpx.AsyncClient:
        """Return an httpx client for hooks: guarded and authorized. Close it at the end.

        It has a base URL unless that is told by the answer to a token request. What comes back may repeat secrets: it is
        neither judged nor fit to be kept.
        """
        try:
            base_url = self._base(self.settings)
        except ConnectorError:
            base_url = ""
        # httpx brings its own command line, and with it a screen's libraries: only hooks that use it load it.
        from healthdesk.connectors.httpx_transport import Authorized, httpx_client

        client = httpx_client(self._session, base_url=base_url, timeout_s=self.timeout_s)
        client.auth = Authorized(self._authorizer)
        return client


def _stored(exchange: Exchange) -> Exchange:
    """Return the exchange with no more of the body than is kept."""
    if len(exchange.response_body) > STORED_BODY_BYTES:
        exchange.response_body = exchange.response_body[:STORED_BODY_BYTES]
        exchange.response_cut = True
    return exchange


@lru_cache(maxsize=1024)
def _checked(base_url: str) -> str:
    return check_base_url(base_url)
