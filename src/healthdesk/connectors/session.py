"""The guarded way out: one shared HTTP session under the address policy. One attempt is one request."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from healthdesk import __version__
from healthdesk.clock import Clock
from healthdesk.connectors.answer import Body
from healthdesk.connectors.causes import NETWORK_ERRORS, blocked, body_error, deadline_error, network_error
from healthdesk.connectors.client_certificates import ClientCertificate, context_of
from healthdesk.connectors.echoes import NO_SECRETS, Secrets
from healthdesk.connectors.policy import AddressPolicy, Network, is_literal
from healthdesk.connectors.proxies import Proxies
from healthdesk.connectors.redaction import redacted, redacted_url
from healthdesk.connectors.reuse import Reuse, ReusedResponse
from healthdesk.connectors.timers import Timers
from healthdesk.connectors.wire import (
    CallLater,
    Cancellable,
    Deadline,
    GuardedConnector,
    Progress,
    TrackedRequest,
    current,
    guarded_sockets,
)
from healthdesk.domain.exchange import Exchange, Sent, TransportError
from healthdesk.domain.states import ErrorKind

__all__ = ["CallLater", "Cancellable", "GuardedSession", "Request"]

# Shorter than the idle limit of common servers (5 s), so that a connection is rarely stale when it is used again.
_KEEP_ALIVE_S = 4.0
_ONE_WRITE = 1_048_576
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
USER_AGENT = f"healthdesk/{__version__}"
_DEFAULT_HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(slots=True)  # not frozen: one is made for every attempt
class Request:
    """One HTTP request to send, once.

    `timeout_s` covers everything from the name lookup to the last byte read. The answer's body is kept, inflated,
    up to `stored_body_bytes`. `secret_headers` are lower-case names whose values never leave this module, and
    `secrets` are taken out of the answer by `send`: some endpoints repeat the credential that they refuse.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 30.0
    stored_body_bytes: int = 65_536
    secret_headers: frozenset[str] = frozenset()
    secrets: Secrets = NO_SECRETS
    certificate: ClientCertificate | None = None
    """Shown in TLS. Connections made with it are used again by requests with the same one only."""


parsed_url = lru_cache(maxsize=1024)(URL)


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """Return the body as aiohttp likes it: in one write where it is small, in pieces where it would block the loop."""
    if len(body) > _ONE_WRITE:
        return io.BytesIO(body)
    return body or None


@dataclass(slots=True)
class Answer:
    """What one request brought, nothing left out of it: only for this package. `error` and `status` exclude each other."""

    progress: Progress
    request_headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    inflated: bool = False
    error: TransportError | None = None
    body_error: TransportError | None = None


def _without_secrets(answer: Answer, headers: dict[str, str], request: Request) -> dict[str, str]:
    """Take the secrets of the request out of the answer's body and error; return its headers without them."""
    secrets = request.secrets
    if answer.body:
        body = secrets.out_of(answer.body, cut=answer.cut)
        answer.cut = answer.cut or len(body) > request.stored_body_bytes
        answer.body = body[: request.stored_body_bytes]
    if answer.error is not None:
        answer.error = replace(answer.error, sentence=secrets.out_of_text(answer.error.sentence))
    return secrets.out_of_headers(headers)


class GuardedSession:
    """Sends requests under the address policy. Create it inside the running event loop; close it at the end.

    It resends nothing, follows no redirect, keeps no cookie, and reads proxy variables only with `use_proxy`.
    """

    def __init__(
        self,
        allow: Iterable[Network] = (),
        *,
        clock: Clock,
        use_proxy: bool = False,
        connect_timeout_s: float = 10.0,
        call_later: CallLater | None = None,
        resolver: AbstractResolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._loop = asyncio.get_running_loop()
        self._call_later = call_later or Timers(self._loop).call_later
        self._policy = AddressPolicy(allow)
        self._proxies = Proxies(use=use_proxy)
        connector = GuardedConnector(
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_S,
            resolver=resolver or aiohttp.ThreadedResolver(),
            socket_factory=guarded_sockets(self._policy),
            ssl=ssl_context or True,
        )
        self._reuse = Reuse(connector, _DEFAULT_HEADERS)
        self._http = aiohttp.ClientSession(
            connector=connector,
            headers=_DEFAULT_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=TrackedRequest,
            timeout=_NO_TIMEOUT,
            auto_decompress=False,
            # aiohttp would say application/octet-stream of a POST without a body, which strict APIs refuse
            skip_auto_headers=("Content-Type",),
            trust_env=False,
        )
        # aiohttp resends GET, PUT, DELETE … by itself on a stale connection and has no public switch for it.
        self._http._retry_connection = False  # noqa: SLF001 - a test fails if it stops working

    async def send(self, request: Request) -> Exchange:
        """Send `request` once and return what came of it; network errors are in the exchange, never raised.

        Where a status came but the body broke off, the status counts: `response_cut` is set and `body_error` says why.
        """
        started_at = self._clock.now()
        started = self._clock.monotonic()
        answer = await self.fetch(request)
        headers = redacted(answer.headers.items())
        if request.secrets:
            headers = _without_secrets(answer, headers, request)
        exchange = Exchange(
            method=request.method,
            url=redacted_url(request.url),
            request_headers=redacted(answer.request_headers.items(), request.secret_headers),
            started_at=started_at,
            duration_ms=(self._clock.monotonic() - started) * 1000,
            status=answer.status,
            response_headers=headers,
            response_body=answer.body,
            response_cut=answer.cut,
            error=answer.error,
            body_error=answer.body_error,
        )
        progress = answer.progress
        if progress.answered_s is not None:
            exchange.first_byte_ms = (progress.answered_s - started) * 1000
        if progress.connected_s is not None:
            exchange.connect_ms = (progress.connected_s - started) * 1000
            if progress.ready_s is not None and parsed_url(request.url).scheme == "https":
                exchange.tls_ms = (progress.ready_s - progress.connected_s) * 1000
        return exchange

    async def fetch(self, request: Request) -> Answer:
        """Send a request once and return the answer as it is, secrets included: callers redact before they store."""
        progress = Progress(self._clock.monotonic)
        answer = Answer(progress)
        host = "the endpoint"
        deadline = Deadline(self._call_later, progress)
        deadline.start(request.timeout_s, self._connect_timeout_s, self._loop)
        token = current.set(progress)
        try:
            url = parsed_url(request.url)
            host = url.host or host
            await self._exchange(answer, request, url, progress)
        except asyncio.CancelledError:
            if not deadline.expired():
                raise
            self._timed_out(answer, deadline, request, host)
        except NETWORK_ERRORS as error:
            if deadline.rang:
                self._timed_out(answer, deadline, request, host)
            elif answer.status is None:
                answer.error = network_error(error, progress, host=host)
            else:
                answer.cut, answer.body_error = True, body_error(error, host=host)
        finally:
            deadline.stop()
            current.reset(token)
        answer.request_headers = progress.headers or request.headers
        return answer

    def _timed_out(self, answer: Answer, deadline: Deadline, request: Request, host: str) -> None:
        progress = deadline.progress
        if answer.status is not None:
            answer.cut, answer.body_error = True, body_error(TimeoutError(), host=host)
            return
        after_s = request.timeout_s
        if progress.protocol is None:
            after_s = min(after_s, self._connect_timeout_s)
        answer.error = deadline_error(progress, host=host, flushed=deadline.flushed, after_s=after_s)

    async def _exchange(self, answer: Answer, request: Request, url: URL, progress: Progress) -> None:
        headers = request.headers
        proxy: URL | None = None
        proxy_headers: dict[str, str] | None = None
        if self._proxies.any and (way := self._proxies.way(url)) is not None:
            # Through a proxy the sockets show the proxy's address only, so a literal target is judged here.
            if is_literal(url.host or "") and (refusal := self._policy.refusal(url.host or "")):
                answer.error = blocked(refusal, url.host or "")
                return
            proxy, authorization = way
            if authorization and url.scheme == "https":
                proxy_headers = {"Proxy-Authorization": authorization}
            elif authorization:
                headers = {**headers, "Proxy-Authorization": authorization}
        response: aiohttp.ClientResponse | ReusedResponse | None = None
        if proxy is None and request.certificate is None:
            response = await self._reuse.send(request.method, request.url, headers, request.body, progress)
        if response is None:
            response = await self._http.request(
                request.method,
                url,
                headers=headers,
                data=_payload(request.body),
                allow_redirects=False,
                proxy=proxy,
                proxy_headers=proxy_headers,
                ssl=True if request.certificate is None else context_of(request.certificate),
            )
        progress.answered_s = self._clock.monotonic()
        kept = Body()
        try:
            answer.status = response.status
            answer.headers = response.headers
            await kept.read(response, request.stored_body_bytes)
        finally:
            answer.body = kept.kept
            answer.cut = kept.cut or kept.broken
            answer.inflated = kept.inflated
            # Read to its end, aiohttp's connection is back in the pool already.
            if not response.closed:
                response.close()
        if kept.broken:
            answer.body_error = TransportError(
                ErrorKind.PROTOCOL, Sent.YES, "The answer's compression is damaged."
            )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        """Return the session."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the session."""
        await self.close()
