"""Plays the answers of a fixture over real HTTP on loopback, and notes what was asked.

A connector that is tested asks for the addresses of its app. The session sends those requests to a server on 127.0.0.1,
with the origin as the first parts of the path.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_network
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from healthdesk.clock import SystemClock
from healthdesk.connectors.fixtures import Answered, Asked, Step
from healthdesk.connectors.session import Answer, GuardedSession, Request
from healthdesk.host.connectors.compare import OF_THE_TRANSPORT, differs

_LOOPBACK = (ip_network("127.0.0.1/32"),)
_NOT_ANSWERED = 599
_MOST_BYTES = 64 * 1_048_576


class StillClock(SystemClock):
    """A clock whose time of day stands still at the time of a case."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the time of the case."""
        return self._at

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - nobody waits in a case
        """Wait for nothing but the other tasks."""
        await asyncio.sleep(0)


@dataclass
class Replay:
    """A server with the answers of one case, in order. `strict` compares each request with the one that is expected."""

    steps: list[Step]
    strict: bool = True
    asked: list[Asked] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._left = list(enumerate(self.steps))
        self.port = 0

    async def __aenter__(self) -> Self:
        """Start the server."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        server = site._server  # noqa: SLF001 - aiohttp tells the port of a site nowhere else
        assert isinstance(server, asyncio.Server)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        assert self._runner is not None
        await self._runner.cleanup()

    def unasked(self) -> list[str]:
        """List the answers nobody asked for."""
        return [
            f"nobody asked for step {at + 1}"
            + (f", {step.asked.method} {step.asked.url}" if step.asked else "")
            for at, step in self._left
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        came = await _asked(request)
        self.asked.append(came)
        if not self._left:
            self.mistakes.append(f"{came.method} {came.url} was asked after the last step")
            return web.Response(status=_NOT_ANSWERED, text="the fixture has no further answer")
        at, step = self._left[0]
        if self.strict:
            chosen = self._fitting(came)
            if chosen is None:
                wrong = (
                    differs(step.asked, came) if step.asked else ["the fixture says nothing of the request"]
                )
                self.mistakes += [f"step {at + 1}, {came.method} {came.url}: {each}" for each in wrong]
                return web.Response(status=_NOT_ANSWERED, text="the fixture expects another request")
            at, step = chosen
        self._left.remove((at, step))
        return _response(step.answered)

    def _fitting(self, came: Asked) -> tuple[int, Step] | None:
        """Return the first step that expects this request: those that are sent at once come in any order."""
        return next(
            ((at, step) for at, step in self._left if step.asked and not differs(step.asked, came)), None
        )


class ReplaySession(GuardedSession):
    """Sends every request to a replay, whatever its address."""

    def __init__(self, replay: Replay, at: datetime) -> None:
        super().__init__(_LOOPBACK, clock=StillClock(at))
        self._replay = replay

    async def fetch(self, request: Request) -> Answer:
        """Send a request to the replay in the place of its origin."""
        parts = urlsplit(request.url)
        way = f"http://127.0.0.1:{self._replay.port}/{parts.scheme}/{parts.netloc}{parts.path or '/'}"
        url = f"{way}?{parts.query}" if parts.query else way
        return await super().fetch(replace(request, url=url))


async def _asked(request: web.Request) -> Asked:
    """Return a request that came, its origin back in its place."""
    path, _, query = request.raw_path.partition("?")
    _, scheme, netloc, *rest = path.split("/")
    url = f"{scheme}://{netloc}/{'/'.join(rest)}" + (f"?{query}" if query else "")
    headers = {
        name.lower(): value for name, value in request.headers.items() if name.lower() not in OF_THE_TRANSPORT
    }
    return asked_of(request.method, url, headers, await request.read())


def asked_of(method: str, url: str, headers: dict[str, str], body: bytes) -> Asked:
    """Return a request as a fixture says it."""
    members: dict[str, Any] = {"method": method, "url": url, "headers": headers}
    content_type = headers.get("content-type", "")
    text = body.decode(errors="replace")
    if "json" in content_type and body:
        try:
            members["json"] = json.loads(text)
        except ValueError:
            members["text"] = text
    elif "x-www-form-urlencoded" in content_type:
        members["form"] = dict(parse_qsl(text, keep_blank_values=True))
    elif text:
        members["text"] = text
    return Asked.model_validate(members)


def _response(answered: Answered) -> web.Response:
    headers = {
        name: value for name, value in answered.headers.items() if name.lower() not in OF_THE_TRANSPORT
    }
    if "json_body" in answered.model_fields_set and not any(
        name.lower() == "content-type" for name in headers
    ):
        headers["Content-Type"] = "application/json"
    response = web.Response(status=answered.status, headers=headers, body=answered.body())
    if not any(name.lower() == "content-type" for name in headers):
        # aiohttp would call it application/octet-stream.
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response
