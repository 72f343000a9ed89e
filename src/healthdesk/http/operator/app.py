"""Builds the operators' application from the route table."""

from __future__ import annotations

import asyncio
import json
from functools import cache

from aiohttp import web

from healthdesk.engine.engine import Engine
from healthdesk.http.events import EventStreams
from healthdesk.http.openapi import document
from healthdesk.http.operator.dispatch import JSON_HEADERS, Handler, Identify, guarded, handler_for
from healthdesk.http.peers import Peers
from healthdesk.http.public import add_fallback, add_resource
from healthdesk.http.routes import EVENTS, OPENAPI, OPERATOR_ROUTES
from healthdesk.operations.desk import Desk


def build_operator_app(engine: Engine, *, identify: Identify | None = None) -> web.Application:
    """Return the operators' application. `identify` says who asks; by default the kernel does."""
    ctx = engine.ctx
    who = identify or Peers(ctx.config.roles, ctx.clock).operator
    streams = EventStreams(ctx.bus, ctx.clock)
    app = web.Application(
        client_max_size=ctx.config.security.max_body_bytes, handler_args={"access_log": None}
    )

    async def end_streams(_app: web.Application) -> None:
        streams.close()

    app.on_shutdown.append(end_streams)
    handlers: dict[str, dict[str, Handler]] = {}
    for route in OPERATOR_ROUTES:
        if route is EVENTS:
            handler = _events(engine, who, streams)
        elif route is OPENAPI:
            handler = _openapi(engine, who)
        else:
            handler = handler_for(route, engine, who)
        handlers.setdefault(route.path, {})[route.method] = handler
    # Fixed paths go before those with a parameter in the same place (/v1/records/count before /v1/records/{id}).
    for path in sorted(handlers, key=lambda each: [part.startswith("{") for part in each.split("/")]):
        add_resource(app, path, handlers[path])
    add_fallback(app)
    return app


def _events(engine: Engine, who: Identify, streams: EventStreams) -> Handler:
    async def events(request: web.Request) -> web.StreamResponse:
        Desk(engine, await who(request)).require(EVENTS.action)
        return await streams.stream(request)

    return guarded(events)


def _openapi(engine: Engine, who: Identify) -> Handler:
    async def openapi(request: web.Request) -> web.StreamResponse:
        Desk(engine, await who(request)).require(OPENAPI.action)
        return web.Response(body=await asyncio.to_thread(_document), headers=JSON_HEADERS)

    return guarded(openapi)


@cache
def _document() -> bytes:
    """Return the document, made when it is first asked for: that takes a third of a second, which no start has to wait."""
    return json.dumps(document(), ensure_ascii=False).encode()
