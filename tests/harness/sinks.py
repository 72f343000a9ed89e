"""Where a desk under test delivers to: an endpoint that behaves as each record says, and a chat webhook."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator

from aiohttp import web


class Endpoint:
    """Answers by the `fate` in the body: ok, reject (422), flaky (500 twice, then 200), slow, limited (429 once)."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        """Requests by webhook-id."""
        self.answered: dict[str, int] = {}
        """The last status answered, by webhook-id."""
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        webhook_id = request.headers["webhook-id"]
        fate = json.loads(await request.read()).get("fate", "ok")
        self.seen[webhook_id] += 1
        tries = self.seen[webhook_id]
        status, headers, body = 200, {}, {"ok": True}
        if fate == "reject":
            status, body = 422, {"message": "risk_level is required"}
        elif fate == "flaky" and tries <= 2:
            status, body = 500, {"message": "try again"}
        elif fate == "limited" and tries == 1:
            status, headers, body = 429, {"Retry-After": "1"}, {"message": "slow down"}
        elif fate == "slow":
            await asyncio.sleep(0.05)
        self.answered[webhook_id] = status
        return web.json_response(body, status=status, headers=headers)


class Chat:
    """A chat webhook that keeps what it was told (Apprise's json:// format)."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        self.port = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.messages.append(await request.json())
        return web.json_response({"ok": True})

    @property
    def channel_url(self) -> str:
        return f"json://127.0.0.1:{self.port}/alerts"


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """Serve `app` on a loopback port and yield the port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def endpoint_and_chat() -> AsyncIterator[tuple[Endpoint, Chat]]:
    """Serve both for the length of the block."""
    endpoint, chat = Endpoint(), Chat()
    app = web.Application()
    app.router.add_post("/hra", endpoint.handle)
    app.router.add_post("/alerts", chat.handle)
    async with serving(app) as port:
        endpoint.url = f"http://127.0.0.1:{port}"
        chat.port = port
        yield endpoint, chat
