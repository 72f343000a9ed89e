"""`/v1/ping/{token}`, `/start` and `/fail`: a job says that it lives. What comes is on disk before the answer."""

from __future__ import annotations

import hashlib

from aiohttp import web

from healthdesk.engine.engine import Engine
from healthdesk.engine.pings import FAIL, GOOD, START
from healthdesk.errors import NotFound, RateLimited
from healthdesk.http.bodies import BodyBudget, HungUp, read_body, unread
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.outages import Outages

PER_MINUTE = 60
MOST_BYTES = 100_000
"""The largest body that is read; KEPT_BYTES of it are kept."""

KEPT_BYTES = 10_000


class Pinged:
    """Takes pings by GET, HEAD and POST; a POST may say something in its body."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clock = engine.ctx.clock
        self._buckets = TokenBuckets()
        self._bodies = BodyBudget(MOST_BYTES)
        self._outages = Outages(engine.ctx.clock)

    async def good(self, request: web.Request) -> web.StreamResponse:
        """A run ended well."""
        return await self._answer(request, GOOD)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """A run began."""
        return await self._answer(request, START)

    async def fail(self, request: web.Request) -> web.StreamResponse:
        """A run failed."""
        return await self._answer(request, FAIL)

    async def _answer(self, request: web.Request, kind: str) -> web.StreamResponse:
        try:
            return await self._take(request, kind)
        except HungUp:
            return unread()
        except Exception as error:  # noqa: BLE001 - the one place errors of this route become answers
            # The path holds the token, which no answer repeats.
            return self._outages.respond(error, instance="/v1/ping")

    async def _take(self, request: web.Request, kind: str) -> web.StreamResponse:
        token = request.match_info["token"].encode("utf-8", "surrogateescape")
        token_hash = hashlib.sha256(token).digest()
        wait_s = self._buckets.take(token_hash, PER_MINUTE, self._clock.monotonic())
        if wait_s > 0:
            raise RateLimited(f"more than {PER_MINUTE} pings a minute", retry_after_s=wait_s)
        body = b""
        with self._bodies.share() as share:
            if request.method == "POST":
                body = await read_body(request, MOST_BYTES, share)
            kept = body[:KEPT_BYTES]
            known = await self._engine.pings.receive(
                token_hash, kind, request.method, kept, cut=len(kept) < len(body)
            )
        if not known:
            raise NotFound("no such ping", fix="use the address that `healthdesk connections ping` printed")
        return web.Response(text="OK\n", headers={"Cache-Control": "no-store"})
