"""One request of an operator, from the socket to the answer: who, may they, what exactly, then the action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from healthdesk.domain.roles import ever_allowed
from healthdesk.engine.engine import Engine
from healthdesk.errors import Malformed, UnsupportedMedia
from healthdesk.http.bodies import HungUp, read_body, unread
from healthdesk.http.problem_details import BASE_HEADERS, respond_any
from healthdesk.http.query import parse_body, parse_query, repeats
from healthdesk.http.route import Call, Route
from healthdesk.operations.desk import Desk, Operator

Identify = Callable[[web.BaseRequest], Awaitable[Operator]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON_HEADERS = {**BASE_HEADERS, "Content-Type": "application/json"}


def handler_for(route: Route, engine: Engine, identify: Identify) -> Handler:
    """Return the aiohttp handler of a route."""
    adapter: TypeAdapter[Any] | None = TypeAdapter(route.output) if route.output is not None else None
    many = repeats(route.query) if route.query is not None else frozenset()
    most_bytes = engine.ctx.config.security.max_body_bytes

    async def answer(request: web.Request) -> web.StreamResponse:
        operator = await identify(request)
        desk = Desk(engine, operator)
        if not ever_allowed(operator.role, route.action):
            # Before anything of the request is read. Where it depends on what they hold, the operation asks.
            desk.require(route.action)
        raw = await _read(request, most_bytes)
        call = Call(
            desk=desk,
            path=request.match_info,
            query_model=_query(route, request, many),
            body_model=_body(route, raw),
            raw=raw,
        )
        result = await route.handler(call)
        if isinstance(result, web.StreamResponse):
            return result
        if adapter is None:
            return web.Response(status=204, headers=BASE_HEADERS)
        return web.Response(status=route.status, body=adapter.dump_json(result), headers=JSON_HEADERS)

    return guarded(answer)


def guarded(handler: Handler) -> Handler:
    """Return a handler whose errors become problem details."""

    async def guard(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except HungUp:
            return unread()
        except Exception as error:  # noqa: BLE001 - the one place errors of this listener become answers
            response = respond_any(error, instance=request.path)
            response.headers.popall("WWW-Authenticate", None)
            return response

    return guard


async def _read(request: web.Request, most_bytes: int) -> bytes:
    if not request.body_exists:
        return b""
    raw = await read_body(request, most_bytes)
    if raw and request.content_type != "application/json":
        raise UnsupportedMedia("bodies are JSON", fix="send `Content-Type: application/json`")
    return raw


def _query(route: Route, request: web.Request, many: frozenset[str]) -> Any:
    if route.query is not None:
        return parse_query(route.query, request.query, many)
    if request.query:
        name = next(iter(request.query))
        raise Malformed(f"{name}: unknown", field=name, fix="this route takes no parameters")
    return None


def _body(route: Route, raw: bytes) -> Any:
    if route.input is not None:
        return parse_body(route.input, raw)
    if raw.strip() not in (b"", b"{}", b"null"):
        raise Malformed("this route takes no body")
    return None
