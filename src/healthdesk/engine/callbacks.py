"""What happens with an accepted callback after its 2xx: it is put to the app's connector, once."""

from __future__ import annotations

import asyncio
import logging

from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import StoreUnavailable
from healthdesk.store import callbacks as queries

log = logging.getLogger(__name__)

POLL_S = 2.0
BATCH = 100


class CallbackProcessor:
    """Processes accepted callbacks in order of arrival.

    An HTTP endpoint's connector acts on no event: its callbacks are kept, deduplicated and shown.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)

    def wake(self) -> None:
        """Say that a callback was accepted."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Process until `stop`."""
        async with self._pulse.running(stop):
            while not stop.is_set():
                self._pulse.clear()
                try:
                    while not stop.is_set() and await self._some():
                        pass
                except StoreUnavailable as error:
                    log.warning("callbacks wait for the database: %s", error)
                await self._pulse.wait()

    async def _some(self) -> bool:
        """Process one batch; True when there may be more."""
        done = await self._ctx.store.write(queries.process_some, self._ctx.clock.now(), BATCH)
        for callback_id in done:
            self._ctx.bus.publish("callback.changed", callback_id)
        return len(done) == BATCH
