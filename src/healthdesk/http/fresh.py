"""A cache of what the database says, dropped on local changes and never older than a moment otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from healthdesk.clock import Clock

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

FRESH_S = 1.0
STALE_S = 2.0
"""Between these ages an entry is still answered while it is read again; past it readers wait."""


class FreshCache(Generic[K, V]):
    """Values by key. A change by another daemon is seen within `STALE_S`; one read serves all who wait.

    None is kept too (what is unknown stays unknown for a moment), so that wrong keys cost no query each.
    """

    def __init__(
        self, load: Callable[[K], Awaitable[V | None]], clock: Clock, *, most_entries: int = 4096
    ) -> None:
        self._load = load
        self._now = clock.monotonic
        self._most = most_entries
        self._entries: dict[K, tuple[V | None, float]] = {}
        self._reading: dict[K, asyncio.Task[V | None]] = {}
        self._generation = 0

    def clear(self) -> None:
        """Forget everything; a read in flight is not kept either."""
        self._generation += 1
        self._entries.clear()
        self._reading.clear()

    def known(self, key: K) -> V | None:
        """Return the value if it needs no waiting for, else None: then `get` it."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = self._now() - entry[1]
        if age < FRESH_S:
            return entry[0]
        if age < STALE_S:
            self._read(key)
            return entry[0]
        return None

    async def get(self, key: K) -> V | None:
        """Return the value, or None when the database knows none."""
        known = self.known(key)
        if known is not None:
            return known
        entry = self._entries.get(key)
        if entry is not None and self._now() - entry[1] < FRESH_S:
            return None
        # Shielded: one impatient caller that hangs up must not cancel the read for the others.
        return await asyncio.shield(self._read(key))

    def _read(self, key: K) -> asyncio.Task[V | None]:
        task = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(self._refresh(key, self._generation))
            self._reading[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        return task

    async def _refresh(self, key: K, generation: int) -> V | None:
        began = self._now()
        value = await self._load(key)
        if generation == self._generation:
            if len(self._entries) >= self._most:
                self._entries.clear()
            self._entries[key] = (value, began)
        return value

    def _done(self, key: K, task: asyncio.Task[V | None]) -> None:
        if self._reading.get(key) is task:
            del self._reading[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            # Whoever waited got it raised; a refresh behind a stale answer would be silent otherwise.
            log.debug("refresh failed: %s", error)
