"""What machines ask about the daemon: alive, ready, and its counters."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from healthdesk.engine.engine import Engine
from healthdesk.http.outages import Outages
from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.operations.writable import writable_of

_JSON = {**BASE_HEADERS, "Content-Type": "application/json"}


class Probes:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, engine: Engine) -> None:
        self._registry = engine.ctx.metrics.registry
        self._writable = writable_of(engine)
        self._outages = Outages(engine.ctx.clock)

    async def healthz(self, _request: web.Request) -> web.StreamResponse:
        """Answer 200 while the event loop lives."""
        return web.Response(body=b'{"status":"ok"}', headers=_JSON)

    async def readyz(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 while records can be committed, else 503; the reason is in the log."""
        error = await self._writable.error()
        if error is not None:
            return self._outages.respond(error, instance=request.path)
        return web.Response(body=b'{"status":"ready"}', headers=_JSON)

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """Answer the counters in the Prometheus text format."""
        text = generate_latest(self._registry)
        return web.Response(body=text, headers={**BASE_HEADERS, "Content-Type": CONTENT_TYPE_LATEST})
