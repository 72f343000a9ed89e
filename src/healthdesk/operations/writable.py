"""Whether the database can be written now, asked of it at most once a second."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from healthdesk.clock import Clock
from healthdesk.engine.engine import Engine
from healthdesk.errors import StoreError
from healthdesk.store.database import Store

CHECKED_FOR_S = 1.0


class Writable:
    """The answer of one store, shared by everybody who asks."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._checked_at: float | None = None
        self._error: StoreError | None = None
        self._lock = asyncio.Lock()

    async def error(self) -> StoreError | None:
        """Return why the database cannot be written, or None when it can."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._checked_at is None or now - self._checked_at >= CHECKED_FOR_S:
                self._error = await self._check()
                self._checked_at = self._clock.monotonic()
            return self._error

    async def _check(self) -> StoreError | None:
        try:
            await self._store.check_writable()
        except StoreError as error:
            return error
        return None


_OF: WeakKeyDictionary[Engine, Writable] = WeakKeyDictionary()


def writable_of(engine: Engine) -> Writable:
    """Return the one check of an engine's store."""
    found = _OF.get(engine)
    if found is None:
        found = _OF[engine] = Writable(engine.ctx.store, engine.ctx.clock)
    return found
