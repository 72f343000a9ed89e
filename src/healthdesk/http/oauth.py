"""`GET /v1/oauth/callback`: a browser comes back from an app with a code, or with a refusal.

Whoever holds it is nobody the desk knows: the state alone says what it belongs to, once. The page repeats nothing of
the request.
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from healthdesk.engine.engine import Engine
from healthdesk.errors import RateLimited
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.outages import Outages
from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.operations.authorizations import Returned, come_back

PER_MINUTE = 60
"""Requests a minute from one address; behind a proxy they all come from one."""
LONGEST = 4096
_HEADERS = {
    **BASE_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # The URL holds the code.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>healthdesk</title></head>
<body><h1>{heading}</h1><p>{text}</p></body></html>
"""


class OAuthCallback:
    """Answers browsers that come back from an app."""

    def __init__(self, engine: Engine) -> None:
        self._ctx = engine.ctx
        self._buckets = TokenBuckets()
        self._outages = Outages(engine.ctx.clock)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer one request with a page; whatever goes wrong with the desk itself is problem details."""
        try:
            if request.method == "HEAD":
                # Whoever looks ahead must not use the state up.
                return _page(200, "healthdesk", "")
            self._limit(request.remote or "")
            return await self._return(request)
        except Exception as error:  # noqa: BLE001 - the one place errors of this route become answers
            return self._outages.respond(error, instance=request.path)

    async def _return(self, request: web.Request) -> web.StreamResponse:
        given = {
            name: request.query.get(name, "") for name in ("state", "code", "error", "error_description")
        }
        if not given["state"] or any(len(value) > LONGEST for value in given.values()):
            return _unknown()
        returned = await come_back(
            self._ctx, given["state"], given["code"], given["error"], given["error_description"]
        )
        return _told(returned)

    def _limit(self, address: str) -> None:
        wait_s = self._buckets.take(address, PER_MINUTE, self._ctx.clock.monotonic())
        if wait_s > 0:
            raise RateLimited("too many authorizations come back from here", retry_after_s=wait_s)


def _told(returned: Returned) -> web.Response:
    if returned.granted:
        done = "You can close this window: the desk goes on by itself."
        return _page(200, f"{returned.app_name} is authorized", done)
    if not returned.app_name:
        return _unknown()
    return _page(
        400,
        f"{returned.app_name} is not authorized",
        f"{returned.action}. What {returned.app_name} said is shown where the authorization was begun.",
    )


def _unknown() -> web.Response:
    return _page(
        400,
        "This authorization is not known",
        "It was used already, or it is older than ten minutes. Begin it again at the desk.",
    )


def _page(status: int, heading: str, text: str) -> web.Response:
    body = _PAGE.format(heading=escape(heading), text=escape(text))
    return web.Response(status=status, body=body.encode(), headers=_HEADERS)
