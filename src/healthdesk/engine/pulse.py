"""Notify for latency, poll for correctness: the wake-up every loop waits on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

from healthdesk.clock import Clock
from healthdesk.errors import StoreUnavailable

log = logging.getLogger(__name__)


class Pulse:
    """An event that is set by `set()`, by the stop event, and by itself every `every_s` seconds."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the loop; never blocks."""
        self._event.set()

    def clear(self) -> None:
        """Forget wake-ups so far; called before looking, so that none is lost while looking."""
        self._event.clear()

    async def wait(self) -> None:
        """Wait for the next wake-up."""
        await self._event.wait()

    async def repeat(self, stop: asyncio.Event, look: Callable[[], Awaitable[None]], *, what: str) -> None:
        """Look at every beat and wake-up until `stop`; while the database cannot be used, `what` waits for it."""
        async with self.running(stop):
            while not stop.is_set():
                self.clear()
                try:
                    await look()
                except StoreUnavailable as error:
                    log.warning("%s for the database: %s", what, error)
                await self.wait()

    @asynccontextmanager
    async def running(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Beat until the block is left."""
        helpers = [asyncio.create_task(self._watch(stop)), asyncio.create_task(self._beat())]
        try:
            yield
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._event.set()

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            self._event.set()


async def before(stop: asyncio.Event, waiting: Coroutine[None, None, None]) -> bool:
    """Wait, and return True; False when `stop` came first."""
    waiter, stopper = asyncio.create_task(waiting), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiter, stopper}, return_when=asyncio.FIRST_COMPLETED)
        return waiter.done()
    finally:
        waiter.cancel()
        stopper.cancel()
        await asyncio.gather(waiter, stopper, return_exceptions=True)
