"""A daemon that answers what a test told it to, on a real Unix socket, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from healthdesk.api import API_VERSION, API_VERSION_HEADER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeDaemon:
    """Answers by (method, path); what it was not told about is a 404 problem."""

    socket: Path
    asked: list[Asked] = field(default_factory=list)
    version: str = str(API_VERSION)
    _answers: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def on(self, method: str, path: str, *answers: Any) -> None:
        """Give these answers in turn, the last one for ever: a model, JSON, bytes, a status or a handler."""
        self._answers[method, path] = list(answers)

    def problem(self, method: str, path: str, status: int, slug: str, detail: str, **more: str) -> None:
        """Answer with problem details."""
        body = {"type": f"urn:healthdesk:problem/{slug}", "title": slug, "status": status, "detail": detail}

        async def answer(_: web.Request) -> web.Response:
            return web.json_response(body | more, status=status, content_type="application/problem+json")

        self.on(method, path, answer)

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    def lines(self) -> list[str]:
        """Return what was asked, as `METHOD path?query` with the query in clear."""
        return [
            f"{one.method} {one.path}"
            + ("?" + "&".join(f"{k}={v}" for k, v in one.query) if one.query else "")
            for one in self.asked
        ]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(request.method, request.path, list(request.query.items()), body, dict(request.headers))
        )
        answers = self._answers.get((request.method, request.path))
        if not answers:
            missing = {"type": "urn:healthdesk:problem/not-found", "title": "Not found", "status": 404}
            return web.json_response(missing | {"detail": f"no answer for {request.path}"}, status=404)
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        if isinstance(answer, BaseModel):
            return web.json_response(answer.model_dump(mode="json"))
        if isinstance(answer, int):
            return web.Response(status=answer)
        if callable(answer):
            response: web.StreamResponse = await answer(request)
            return response
        return web.json_response(answer)

    async def _prepare(self, _: web.Request, response: web.StreamResponse) -> None:
        if self.version:
            response.headers[API_VERSION_HEADER] = self.version

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.serve)
        app.on_response_prepare.append(self._prepare)
        return app


@contextlib.contextmanager
def running(daemon: FakeDaemon) -> Iterator[FakeDaemon]:
    """Serve in a thread of its own, as the command line runs its own event loop."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stopping = asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(daemon.app(), shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.UnixSite(runner, str(daemon.socket)).start()
        started.set()
        await stopping.wait()
        # a connection that is being taken when a server closes is lost to it: asyncio leaves its socket open
        await turns()
        open_ones = [] if runner.server is None else [each.transport for each in runner.server.connections]
        await runner.cleanup()
        for transport in open_ones:
            if transport is not None:
                transport.abort()
        # what was closed is let go in the next turns of the loop, which ends with this
        await turns()

    async def turns() -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    def work() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.close()

    thread = threading.Thread(target=work, name="fake-daemon")
    thread.start()
    if not started.wait(60):
        raise RuntimeError("the fake daemon did not start")
    try:
        yield daemon
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(60)
