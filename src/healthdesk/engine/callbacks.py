"""What happens with an accepted callback after its 2xx: it is put to the app's connector, once.

The tasks whose issues it names are synced at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from healthdesk.connectors.verify import Callback, about, came
from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.store import callbacks as queries
from healthdesk.store import issue_callbacks
from healthdesk.store.rows import ProcessedCallback, WaitingCallback

log = logging.getLogger(__name__)

POLL_S = 2.0
BATCH = 100
MOST_BYTES = 8 * 1_048_576
"""Bodies of a batch, where it is of more than one."""


class CallbackProcessor:
    """Processes accepted callbacks in order of arrival: their connector tells what they are about.

    An HTTP endpoint's connector knows no event: its callbacks are kept, deduplicated and shown.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)
        self.on_instances: Callable[[], None] = lambda: None
        """Called when callbacks have made tasks due."""

    def wake(self) -> None:
        """Say that a callback was accepted."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Process until `stop`."""

        async def look() -> None:
            while not stop.is_set() and await self._some():
                pass

        await self._pulse.repeat(stop, look, what="callbacks wait")

    async def _some(self) -> bool:
        """Process one batch; True when there may be more."""
        store = self._ctx.store
        batch = await store.read(queries.waiting, limit=BATCH, most_bytes=MOST_BYTES)
        if not batch:
            return False
        # Bodies come from outside and expressions from connectors: neither may hold up the loop.
        done = await asyncio.to_thread(self._read, batch)
        kept, due = await store.write(issue_callbacks.processed, done, self._ctx.clock.now())
        for callback_id in kept:
            self._ctx.bus.publish("callback.changed", callback_id)
        if due:
            self.on_instances()
        return True

    def _read(self, batch: Sequence[WaitingCallback]) -> list[ProcessedCallback]:
        return [self._process(each) for each in batch]

    def _process(self, waiting: WaitingCallback) -> ProcessedCallback:
        app = self._ctx.apps.callbacks_of(waiting.app)
        if app is None or not app.events:
            return ProcessedCallback(waiting.id)
        try:
            found = about(Callback(came({}, waiting.body), app), waiting.event)
        except Exception as error:  # a callback that cannot be read must not hold up those behind it
            log.exception("callback %s could not be processed", waiting.id)
            return ProcessedCallback(waiting.id, error=f"healthdesk failed on it: {type(error).__name__}")
        return ProcessedCallback(waiting.id, found.instances, found.records)
