"""Warns of credentials that end, and ends problems that stand for something that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.store import expiry, standing
from healthdesk.store.rows import ProblemChanges

POLL_S = 60.0


class Expiry:
    """Looks every minute, in an index: what it costs does not depend on how many connections there are."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Look now, after a change; never blocks."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Warn until `stop`."""
        await self._pulse.repeat(stop, self._look, what="the calendar of expiries waits")

    async def _look(self) -> None:
        store, now = self._ctx.store, self._ctx.clock.now()
        while await store.read(expiry.is_due, now):
            warned = await store.write(expiry.warn, now)
            self._tell(warned)
            if not warned.problems_changed:
                break  # another daemon has them
        if await store.read(standing.any_live):
            self._tell(await store.write(standing.review, now))

    def _tell(self, changes: ProblemChanges) -> None:
        for problem_id in changes.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if changes.problems_changed:
            self._ctx.bus.publish("connection.changed")
        if changes.alerts_queued:
            self.on_alerts()
