"""The whole daemon inside a test: its composition root, both listeners, real sockets, and no process to start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from healthdesk.config import load_config
from healthdesk.daemon.main import serve
from tests.harness.desk import Desk


@contextlib.asynccontextmanager
async def served_desk(folder: Path, database_url: str = "", **settings: str) -> AsyncIterator[Desk]:
    """Serve a desk in this event loop; `settings` are HEALTHDESK_<SECTION>__<KEY> variables."""
    desk = Desk(folder, database_url, settings)
    desk.prepare()
    ready, stop = asyncio.Event(), asyncio.Event()
    daemon = asyncio.create_task(serve(load_config(None, desk.environ()), ready=ready, stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({daemon, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if daemon.done():
        daemon.result()
    try:
        yield desk
    finally:
        stop.set()
        await daemon


async def until(condition, *, timeout_s: float = 60.0):
    """Return the first true answer of `condition`, asked again and again."""
    async with asyncio.timeout(timeout_s):
        while not (answer := await condition()):  # noqa: ASYNC110 - another process or task decides it
            await asyncio.sleep(0.02)
    return answer
