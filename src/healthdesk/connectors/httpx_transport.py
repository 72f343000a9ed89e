"""httpx for connectors, on the desk's one session: same policy, deadline and caps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from healthdesk.connectors.outgoing import Authorizer, Outgoing
from healthdesk.connectors.redaction import readable
from healthdesk.connectors.session import USER_AGENT, Answer, GuardedSession, Request
from healthdesk.domain.exchange import Sent, TransportError
from healthdesk.domain.states import ErrorKind

_RAISED: Mapping[ErrorKind, type[httpx.TransportError]] = {
    ErrorKind.CONNECT_TIMEOUT: httpx.ConnectTimeout,
    ErrorKind.DNS: httpx.ConnectError,
    ErrorKind.CONNECTION_REFUSED: httpx.ConnectError,
    ErrorKind.TLS: httpx.ConnectError,
    ErrorKind.ADDRESS_BLOCKED: httpx.ConnectError,
    ErrorKind.AUTHENTICATION: httpx.ConnectError,
    ErrorKind.TIMEOUT: httpx.ReadTimeout,
    ErrorKind.RESET: httpx.ReadError,
    ErrorKind.CONFIGURATION: httpx.UnsupportedProtocol,
    ErrorKind.RESPONSE_TOO_LARGE: httpx.ReadError,
}
# What no longer holds once the body was inflated and read whole.
_STALE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class ExchangeFailed(Exception):
    """The cause under an httpx error: carries the typed TransportError."""

    def __init__(self, error: TransportError) -> None:
        super().__init__(error.sentence)
        self.error = error


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through a GuardedSession. Bodies are read whole, up to a cap, under one total deadline."""

    def __init__(self, session: GuardedSession, *, timeout_s: float, max_body_bytes: int) -> None:
        self._session = session
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request once; redirects come back here as requests of their own, and past the policy again."""
        headers = {name: value for name, value in request.headers.items() if name != "transfer-encoding"}
        answer = await self._session.fetch(
            Request(
                method=request.method,
                url=str(request.url),
                headers=headers,
                body=await request.aread(),
                timeout_s=self._timeout_s,
                stored_body_bytes=self._max_body_bytes,
            )
        )
        status = answer.status
        if (error := self._error(answer)) is not None or status is None:
            error = error or TransportError(ErrorKind.PROTOCOL, Sent.MAYBE, "No answer came.")
            raised = _RAISED.get(error.kind, httpx.RemoteProtocolError)
            raise raised(error.sentence, request=request) from ExchangeFailed(error)
        stale = _STALE_HEADERS if answer.inflated else frozenset({"transfer-encoding"})
        kept = [
            (name, readable(value)) for name, value in answer.headers.items() if name.lower() not in stale
        ]
        return httpx.Response(status, headers=kept, content=answer.body, request=request)

    def _error(self, answer: Answer) -> TransportError | None:
        if answer.error or answer.body_error:
            return answer.error or answer.body_error
        if answer.cut:
            return TransportError(
                ErrorKind.RESPONSE_TOO_LARGE,
                Sent.YES,
                f"The answer is larger than {self._max_body_bytes} bytes.",
            )
        return None


def httpx_client(
    session: GuardedSession,
    *,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
    max_body_bytes: int = 8 * 1024 * 1024,
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` whose requests leave through `session`; closing it leaves `session` open.

    `timeout_s` is a total: httpx's own four timeouts do not apply. No cookie is kept and no redirect followed
    unless a request asks for it.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(session, timeout_s=timeout_s, max_body_bytes=max_body_bytes),
        base_url=base_url,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", **(headers or {})},
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
    )


def transport_error(error: httpx.TransportError) -> TransportError | None:
    """Return the typed cause of an error that the client of `httpx_client` raised."""
    cause = error.__cause__
    return cause.error if isinstance(cause, ExchangeFailed) else None


class Authorized(httpx.Auth):
    """Authorizes the requests of an httpx client, and once more where a token was refused that could be renewed."""

    requires_request_body = True

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with what authorizes it; raises NotAuthorized."""
        plain = Outgoing(request.method, str(request.url), dict(request.headers), request.content)
        sent = await self._authorizer.authorize(plain)
        response = yield _applied(sent, request)
        if response.status_code == 401 and await self._authorizer.refused(sent):
            yield _applied(await self._authorizer.authorize(plain), request)


def _applied(authorized: Outgoing, request: httpx.Request) -> httpx.Request:
    request.url = httpx.URL(authorized.url)
    request.headers.update(authorized.headers)
    return request
