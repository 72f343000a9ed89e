"""Look-ups that operators asked for and that the endpoint's rate did not allow at once: each is asked when its place comes.

They are kept in the database until they are answered, so that no stop of a daemon loses one.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial

from healthdesk.domain.states import RecordState
from healthdesk.engine import asking
from healthdesk.engine.context import Context
from healthdesk.engine.outcomes import LEASE_GRACE_S, Outcomes
from healthdesk.engine.pulse import Pulse, before
from healthdesk.engine.targets import Key, Target, Targets
from healthdesk.errors import MappingError, StoreUnavailable
from healthdesk.store import look_ups, undecided

log = logging.getLogger(__name__)

POLL_S = 5.0


class LookUps:
    """Asks endpoints for operators who do not wait for the answer."""

    def __init__(self, ctx: Context, targets: Targets, outcomes: Outcomes) -> None:
        self._ctx = ctx
        self._targets = targets
        self._outcomes = outcomes
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._asking: dict[Key, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Say that a look-up was kept."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop`; what waits for its place then is asked after the next start."""

        async def look() -> None:
            for record_id, integration_id, environment in await self._ctx.store.read(
                look_ups.waiting, self._ctx.clock.now()
            ):
                key = (integration_id, environment)
                target = self._targets.get(*key)
                if target is not None and key not in self._asking:
                    task = asyncio.create_task(self._ask(target, record_id, stop))
                    self._asking[key] = task
                    task.add_done_callback(partial(self._ended, key))

        try:
            await self._pulse.repeat(stop, look, what="look-ups wait")
            await asyncio.gather(*self._asking.values(), return_exceptions=True)
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _ended(self, key: Key, task: asyncio.Task[None]) -> None:
        self._asking.pop(key, None)
        if task.cancelled():
            return
        if (error := task.exception()) is None:
            self._pulse.set()  # the next one of the environment
        else:
            level = logging.WARNING if isinstance(error, StoreUnavailable) else logging.ERROR
            log.log(level, "a look-up broke off and is tried again", exc_info=error)

    async def _ask(self, target: Target, record_id: str, stop: asyncio.Event) -> None:
        store, clock = self._ctx.store, self._ctx.clock
        if not await before(stop, self._outcomes.place(target)):
            return
        now = clock.now()
        until = now + timedelta(seconds=asking.longest_s(target) + LEASE_GRACE_S)
        by = await store.write(look_ups.take, record_id, now, until)
        if by is None:
            return
        row = await store.read(undecided.get, record_id)
        if row.state is RecordState.SENDING:
            return  # asked once it is not, with the lease
        detail: dict[str, object] = {}
        try:
            answer, decision = await self._outcomes.look_up(target, row, by)
            detail = {"found": answer.found, "status": answer.status}
            told = answer.sentence if decision is None else ""
        except MappingError as error:
            told = f"Its endpoint cannot be asked: {error.what}."
        await store.write(look_ups.answered, record_id, by, clock.now(), told, detail)
        self._ctx.bus.publish("record.changed", record_id)
