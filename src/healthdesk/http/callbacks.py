"""`POST /v1/callbacks/{connection_id}`: an app's webhook, verified, on disk byte for byte, then 202."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from healthdesk.connectors.handshakes import Echo, after_verification, before_verification
from healthdesk.connectors.verify import Callback, Verified, came, verify_callback
from healthdesk.domain.masking import redact_headers
from healthdesk.domain.states import CallbackState
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotFound, RateLimited, StoreUnavailable, Unauthenticated
from healthdesk.http import ready
from healthdesk.http.bodies import BodyBudget, HungUp, read_body, unread
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.lookup import KnownConnection, Lookup
from healthdesk.http.outages import Outages
from healthdesk.http.records import accepted_body
from healthdesk.operations.handshakes import take_over
from healthdesk.store.rows import NewCallback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REJECTED_BODY_BYTES = 4096
REJECTED_HEADER_CHARS = 8192
"""Kept of all headers of a rejected callback: whoever knows the address may send a megabyte of them."""
_LONGEST_CONTENT_TYPE = 200
REJECTED_PER_MINUTE = 60
"""Rejected callbacks kept for a connection; what comes on top is counted and answered, not kept."""
GREETINGS_PER_MINUTE = 60


class Callbacks:
    """Takes in callbacks of apps."""

    def __init__(self, engine: Engine, lookup: Lookup) -> None:
        self._engine = engine
        self._ctx = engine.ctx
        self._lookup = lookup
        self._buckets = TokenBuckets()
        self._greetings = TokenBuckets()
        self._rejections = TokenBuckets()
        self._most_bytes = engine.ctx.config.security.max_body_bytes
        # Not the records': whoever fills this one needs no key.
        self._bodies = BodyBudget(self._most_bytes)
        self._counted = engine.ctx.metrics.callbacks
        self._refused = engine.ctx.metrics.records_refused
        self._outages = Outages(engine.ctx.clock)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        return await self._answer(request, self._accept)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer an app that makes sure of the address before it uses it (Okta, Trello)."""
        return await self._answer(request, self._greet)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except HungUp:
            return unread()
        except Exception as error:  # noqa: BLE001 - the one place errors of this route become answers
            response = self._outages.respond(error, instance=request.path)
            response.headers.popall("WWW-Authenticate", None)
            self._refused.labels(status=str(response.status)).inc()
            return response

    async def _known(self, request: web.Request) -> KnownConnection:
        connection = await self._lookup.connections.get(request.match_info["connection_id"])
        if connection is None:
            raise NotFound(
                "no such connection", fix="use the callback URL that `healthdesk connections show` names"
            )
        return connection

    async def _greet(self, request: web.Request) -> web.StreamResponse:
        connection = await self._known(request)
        self._take(self._greetings, connection, GREETINGS_PER_MINUTE)
        callback = Callback(came(joined_headers(request), b"", method=request.method), connection.app)
        echo = before_verification(callback, request.query)
        if echo is not None and not echo.secret:
            return _echoed(echo)
        return web.Response(text="Callbacks are posted here.\n")

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        connection = await self._known(request)
        with self._bodies.share() as share:
            body = await read_body(request, self._most_bytes, share)
            return await self._verify(connection, request, body)

    async def _verify(
        self, connection: KnownConnection, request: web.Request, body: bytes
    ) -> web.StreamResponse:
        headers = joined_headers(request)
        callback = Callback(came(headers, body, method=request.method, url=connection.url), connection.app)
        try:
            if (echo := before_verification(callback, request.query)) is not None:
                if echo.secret:
                    await take_over(self._ctx, connection.id, echo)
                return _echoed(echo)
            verified = verify_callback(
                connection.verification, connection.secrets, callback, self._ctx.clock.now()
            )
        except Unauthenticated as error:
            await self._keep_rejected(connection, request, headers, body, error.what)
            raise
        # Only what the app itself sends counts: a stranger must not use up what it is allowed.
        if connection.limit_per_minute is not None:
            self._take(self._buckets, connection, connection.limit_per_minute)
        if (echo := after_verification(callback)) is not None:
            return _echoed(echo)
        return await self._keep(connection, request, headers, body, verified)

    async def _keep(
        self,
        connection: KnownConnection,
        request: web.Request,
        headers: dict[str, str],
        body: bytes,
        verified: Verified,
    ) -> web.StreamResponse:
        now = self._ctx.clock.now()
        stored = await self._ctx.store.accept_callback(
            NewCallback(
                id=self._ctx.ids.new("cbk", now),
                connection_id=connection.id,
                delivery_id=verified.delivery_id,
                received_at=now,
                state=CallbackState.ACCEPTED,
                headers=kept_headers(headers),
                body=body,
                event=verified.event,
                content_type=kept_text(request.headers.get("Content-Type", "")),
                size=len(body),
            )
        )
        self._counted.labels(outcome="duplicate" if stored.duplicate else "accepted").inc()
        if not stored.duplicate:
            self._engine.wake_callbacks()
        self._ctx.bus.publish("callback.changed", stored.id)
        return web.Response(
            status=202, body=accepted_body(stored.id, duplicate=stored.duplicate), headers=ready.HEADERS
        )

    async def _keep_rejected(
        self,
        connection: KnownConnection,
        request: web.Request,
        headers: dict[str, str],
        body: bytes,
        reason: str,
    ) -> None:
        self._counted.labels(outcome="rejected").inc()
        if self._rejections.take(connection.id, REJECTED_PER_MINUTE, self._ctx.clock.monotonic()) > 0:
            return
        now = self._ctx.clock.now()
        try:
            stored = await self._ctx.store.accept_callback(
                NewCallback(
                    id=self._ctx.ids.new("cbk", now),
                    connection_id=connection.id,
                    # What an unknown sender claims must not shadow a genuine delivery.
                    delivery_id="",
                    received_at=now,
                    state=CallbackState.REJECTED,
                    headers=cut_headers(kept_headers(headers), REJECTED_HEADER_CHARS),
                    body=body[:REJECTED_BODY_BYTES],
                    reason=reason,
                    body_cut=len(body) > REJECTED_BODY_BYTES,
                    content_type=kept_text(request.headers.get("Content-Type", ""))[:_LONGEST_CONTENT_TYPE],
                    size=len(body),
                )
            )
        except StoreUnavailable:
            # The sender's signature is wrong either way, and a retry would not mend it.
            return
        self._ctx.bus.publish("callback.changed", stored.id)

    def _take(self, buckets: TokenBuckets, connection: KnownConnection, per_minute: int) -> None:
        wait_s = buckets.take(connection.id, per_minute, self._ctx.clock.monotonic())
        if wait_s > 0:
            raise RateLimited(
                f"more than {per_minute} callbacks a minute for this connection", retry_after_s=wait_s
            )


def _echoed(echo: Echo) -> web.StreamResponse:
    """Answer a handshake. What was sent is sent back as data that no browser takes for a page."""
    return web.Response(
        body=echo.body,
        content_type=echo.content_type,
        headers={**echo.headers, "X-Content-Type-Options": "nosniff"},
    )


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers as they are kept: secrets hidden, bytes that are no text replaced."""
    return {kept_text(name): kept_text(value) for name, value in redact_headers(headers).items()}


def cut_headers(headers: dict[str, str], most_chars: int) -> dict[str, str]:
    """Return headers of no more than `most_chars` in all: the first ones, the last of them cut."""
    cut: dict[str, str] = {}
    for name, value in headers.items():
        left = most_chars - len(name)
        if left <= 0:
            break
        cut[name] = value if len(value) <= left else f"{value[: left - 1]}…"
        most_chars = left - len(cut[name])
    return cut


def kept_text(text: str) -> str:
    """Return header text with bytes that are not UTF-8 replaced: what is kept must be encodable."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def joined_headers(request: web.Request) -> dict[str, str]:
    """Return the headers as they came, repeated ones joined as HTTP allows."""
    headers: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name, value in request.headers.items():
        first = seen.setdefault(name.lower(), name)
        headers[first] = f"{headers[first]}, {value}" if first in headers else value
    return headers
