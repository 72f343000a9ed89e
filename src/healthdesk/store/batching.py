"""Group commit: what arrives together is committed together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH = 256


def tell(done: Callable[[T], object], outcome: T) -> None:
    """Tell one what became of their item; a fault of theirs is logged and keeps it from nobody else."""
    try:
        done(outcome)
    except Exception:
        log.exception("what was stored could not be answered")


class Batcher(Generic[T]):
    """Collects items and starts one batch at a time.

    A batch closes when one turn of the loop adds nothing, so that requests that wait in sockets get into it,
    or when it is full. While a batch is under way the next one grows.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, start: Callable[[list[T]], None]) -> None:
        self._loop = loop
        self._start = start
        self._pending: deque[T] = deque()
        self._running = False
        self._scheduled = False
        self._seen = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, item: T) -> None:
        """Put an item into the next batch."""
        self._pending.append(item)
        self._idle.clear()
        if not self._running and not self._scheduled:
            self._schedule()

    def finished(self) -> None:
        """Say that the batch under way is committed, or failed."""
        self._running = False
        if self._pending:
            self._schedule()
        else:
            self._idle.set()

    async def drained(self) -> None:
        """Return once nothing waits and nothing is under way."""
        await self._idle.wait()

    def _schedule(self) -> None:
        self._scheduled = True
        self._seen = 0  # what is there now was added in this turn: the next one is watched too
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        waiting = len(self._pending)
        if self._seen < waiting < MAX_BATCH:
            self._seen = waiting
            self._loop.call_soon(self._turn)
            return
        self._scheduled = False
        self._running = True
        self._start([self._pending.popleft() for _ in range(min(waiting, MAX_BATCH))])
