"""`POST /v1/callbacks/{connection_id}`: an app's webhook, verified, on disk byte for byte, then 202."""

from __future__ import annotations

from aiohttp import web

from healthdesk.connectors.handshakes import Echo, after_verification, before_verification
from healthdesk.connectors.verify import Callback, Verified, came, verify_callback
from healthdesk.domain.states import CallbackState
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotFound, Unauthenticated
from healthdesk.http import ready
from healthdesk.http.bodies import read_body
from healthdesk.http.inbound import Inbound, joined_headers, kept_headers, kept_text
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.lookup import KnownConnection, Lookup
from healthdesk.http.records import accepted_body
from healthdesk.operations.handshakes import take_over
from healthdesk.store.rows import NewCallback

GREETINGS_PER_MINUTE = 60


class Callbacks(Inbound):
    """Takes in callbacks of apps."""

    def __init__(self, engine: Engine, lookup: Lookup) -> None:
        super().__init__(engine, engine.ctx.metrics.callbacks)
        self._lookup = lookup
        self._buckets = TokenBuckets()
        self._greetings = TokenBuckets()

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        return await self.answer(request, self._accept)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer an app that makes sure of the address before it uses it (Okta, Trello)."""
        return await self.answer(request, self._greet)

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
        with self.bodies.share() as share:
            body = await read_body(request, self.most_bytes, share)
            return await self._verify(connection, request, body)

    async def _verify(
        self, connection: KnownConnection, request: web.Request, body: bytes
    ) -> web.StreamResponse:
        headers = joined_headers(request)
        callback = Callback(came(headers, body, method=request.method, url=connection.url), connection.app)
        try:
            if (echo := before_verification(callback, request.query)) is not None:
                if echo.secret:
                    await take_over(self.ctx, connection.id, echo)
                return _echoed(echo)
            verified = verify_callback(
                connection.verification, connection.secrets, callback, self.ctx.clock.now()
            )
        except Unauthenticated as error:
            await self.keep_rejected(connection.id, request, headers, body, error.what)
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
        now = self.ctx.clock.now()
        stored = await self.ctx.store.accept_callback(
            NewCallback(
                id=self.ctx.ids.new("cbk", now),
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
        self.counted.labels(outcome="duplicate" if stored.duplicate else "accepted").inc()
        if not stored.duplicate:
            self.engine.wake_callbacks()
        self.ctx.bus.publish("callback.changed", stored.id)
        return web.Response(
            status=202, body=accepted_body(stored.id, duplicate=stored.duplicate), headers=ready.HEADERS
        )

    def _take(self, buckets: TokenBuckets, connection: KnownConnection, per_minute: int) -> None:
        self.take(buckets, connection.id, per_minute, "callbacks a minute for this connection")


def _echoed(echo: Echo) -> web.StreamResponse:
    """Answer a handshake. What was sent is sent back as data that no browser takes for a page."""
    return web.Response(
        body=echo.body,
        content_type=echo.content_type,
        headers={**echo.headers, "X-Content-Type-Options": "nosniff"},
    )
