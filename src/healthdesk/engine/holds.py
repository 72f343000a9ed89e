"""Records wait while their integration is paused or their connection fails, and go on by themselves.

The loop makes the records agree with the state of their environment, in small transactions. It can be killed
anywhere: what it did not reach is done by the next pass.
"""

from __future__ import annotations

import asyncio
import logging

from healthdesk.engine.context import Context
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.targets import Target, Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import holding as queries
from healthdesk.store import ordering

log = logging.getLogger(__name__)

PASS_S = 5.0
STEP = 200
"""Records moved in one transaction, so that accepting never waits long behind it."""
LOOKED_AT = 2000
"""Records that wait for another of their key, looked at in one read."""


class Holds:
    """Moves records between held and queued."""

    def __init__(self, ctx: Context, targets: Targets, deliverer: Deliverer) -> None:
        self._ctx = ctx
        self._targets = targets
        self._deliverer = deliverer
        self._pulse = Pulse(ctx.clock, PASS_S)

    def wake(self) -> None:
        """Look at every environment again."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Hold and release until `stop`."""
        async with self._pulse.running(stop):
            while not stop.is_set():
                self._pulse.clear()
                try:
                    await self._targets.refresh()
                    for target in self._targets.all():
                        await self._agree(target, stop)
                except StoreUnavailable as error:
                    log.warning("holds wait for the database: %s", error)
                self._deliverer.wake_all()
                await self._pulse.wait()

    async def _agree(self, target: Target, stop: asyncio.Event) -> None:
        store, now = self._ctx.store, self._ctx.clock.now
        moved = 0
        if (
            target.order
        ):  # also on hold: a circuit is closed by a record that may be sent, and this may be the only one
            await self._let_go(target, stop)
        while not stop.is_set():
            if target.held is not None:
                step = await store.write(
                    queries.hold_some, target.integration_id, target.environment, target.held, STEP
                )
            else:
                limit = 1 if target.probing else STEP
                step = await store.write(
                    queries.release_some,
                    target.integration_id,
                    target.environment,
                    now(),
                    limit,
                    ordered=bool(target.order),
                )
            moved += step
            if step < STEP:
                break
            self._deliverer.wake(target.integration_id, target.environment)
        if moved:
            self._ctx.bus.publish("record.changed")
            log.info(
                "%s %s: %d records %s",
                target.integration_id,
                target.environment.value,
                moved,
                f"held ({target.held.value})" if target.held else "released",
            )

    async def _let_go(self, target: Target, stop: asyncio.Event) -> None:
        """Queue records whose turn in the order of their key has come by something else than a delivery from here."""
        place = (target.integration_id, target.environment)
        after: str | None = ""
        while after is not None and not stop.is_set():
            free, after = await self._ctx.store.read(
                ordering.free_heads, *place, target.order, after=after, limit=LOOKED_AT
            )
            for start in range(0, len(free), STEP):
                step = free[start : start + STEP]
                await self._ctx.store.write(ordering.release, *place, step, self._ctx.clock.now())
                self._deliverer.wake(*place)
