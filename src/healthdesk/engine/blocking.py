"""Tasks and proof syncs wait while their connection fails, and are run again by themselves when it works.

Like `holds` for records: the loop makes the flag of instances agree with the state of their connection, in small
transactions, and can be killed anywhere. Those that are released are run one after the other, not all at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.store import instance_blocking as queries
from healthdesk.store import instance_recovery

log = logging.getLogger(__name__)

PASS_S = 5.0
STEP = 500
"""Instances moved in one transaction, so that nothing waits long behind it."""

APART_S = 0.05
"""Between the runs of instances that are released: a thousand of them are no burst at their app."""


class Blocking:
    """Blocks and releases instances."""

    def __init__(self, ctx: Context, on_released: Callable[[], None]) -> None:
        self._ctx = ctx
        self._on_released = on_released
        self._pulse = Pulse(ctx.clock, PASS_S)

    def wake(self) -> None:
        """Look at every connection again."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Block and release until `stop`."""

        async def look() -> None:
            await self._agree(stop)

        await self._pulse.repeat(stop, look, what="blocking instances waits")

    async def _agree(self, stop: asyncio.Event) -> None:
        store = self._ctx.store
        for failing in await store.read(queries.to_block):
            await self._move(stop, "blocked", failing, self._block)
        for working in await store.read(queries.to_release):
            await self._move(stop, "released", working, self._release)
        for resumed in await store.read(instance_recovery.to_unpark):
            await self._move(stop, "resumed", resumed, self._unpark)

    async def _block(self, connection_id: str, _: int) -> int:
        return await self._ctx.store.write(queries.block_some, connection_id, STEP)

    async def _release(self, connection_id: str, start: int) -> int:
        return await self._ctx.store.write(
            queries.release_some, connection_id, self._ctx.clock.now(), STEP, start=start, apart_s=APART_S
        )

    async def _unpark(self, integration_id: str, start: int) -> int:
        return await self._ctx.store.write(
            instance_recovery.unpark,
            integration_id,
            self._ctx.clock.now(),
            STEP,
            start=start,
            apart_s=APART_S,
        )

    async def _move(
        self, stop: asyncio.Event, word: str, object_id: str, step: Callable[[str, int], Awaitable[int]]
    ) -> None:
        """Take steps until nothing is left to move; each is told how many were moved before it."""
        moved = 0
        while not stop.is_set():
            number = await step(object_id, moved)
            moved += number
            if number < STEP:
                break
        if moved:
            log.info("%s: %d instances %s", object_id, moved, word)
            self._ctx.bus.publish("instance.changed")
            self._on_released()
