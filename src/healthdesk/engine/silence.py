"""Notices sources that send nothing for longer than their usual gap, and learns what that is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from healthdesk.domain.ids import id_time
from healthdesk.domain.silence import learn
from healthdesk.domain.states import Environment
from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import StoreUnavailable
from healthdesk.store import daemons
from healthdesk.store import pulses as queries
from healthdesk.store.pulses import PulseRow

log = logging.getLogger(__name__)

POLL_S = 10.0
LEARN_EVERY_S = 3600.0
READS = 4
"""Reads of arrivals of one source in one round; what it sent beyond is passed over, its gaps are short anyway."""

JUMP_S = 60.0
"""The time of day against the monotonic clock: by more it was set, or the host slept and nobody listened."""


class Silence:
    """Looks in an index every few seconds, and at what arrived once an hour: accepting records costs nothing more."""

    def __init__(self, ctx: Context, offline: Callable[[], bool]) -> None:
        """`offline` says whether the desk itself reaches nothing: then nobody may reach it either."""
        self._ctx = ctx
        self._offline = offline
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._learn_at = ctx.clock.monotonic()
        self._looked: tuple[datetime, float] | None = None
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Look now; never blocks."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`."""
        await self._listen_anew()
        await self._pulse.repeat(stop, self._look, what="silent sources wait")

    async def _listen_anew(self) -> None:
        """Nobody could send while no daemon ran: silence counts from now."""
        store, now = self._ctx.store, self._ctx.clock.now()
        try:
            if len(await store.read(daemons.running, now)) <= 1:
                await store.write(queries.forgive, now)
        except StoreUnavailable as error:
            log.warning("the time in which the desk was down counts as silence: %s", error)

    async def _look(self) -> None:
        store, now = self._ctx.store, self._ctx.clock.now()
        if self._jumped() and (count := await store.write(queries.forgive, now)):
            log.warning("the clock of this host was set: the silence of %d sources counts from now", count)
        if self._ctx.clock.monotonic() >= self._learn_at:
            for row in await store.read(queries.rows):
                await self._learn(row)
            self._learn_at = self._ctx.clock.monotonic() + LEARN_EVERY_S
        if not self._offline():
            for row in await store.read(queries.rows, due_by=now):
                if not row.told or await self._is_over(row, now):
                    await self._judge(row)
        for environment, count in {
            **dict.fromkeys(Environment, 0),
            **await store.read(queries.silent),
        }.items():
            self._ctx.metrics.silent_sources.labels(environment=environment.value).set(count)

    def _jumped(self) -> bool:
        now, monotonic = self._ctx.clock.now(), self._ctx.clock.monotonic()
        before, self._looked = self._looked, (now, monotonic)
        if before is None:
            return False
        return abs((now - before[0]).total_seconds() - (monotonic - before[1])) > JUMP_S

    async def _learn(self, row: PulseRow) -> None:
        """Take in what arrived since the last round, and say when silence will be a problem."""
        store, now = self._ctx.store, self._ctx.clock.now()
        learnt, last_at = row.learnt, row.last_at
        for _ in range(READS):
            ids = await store.read(queries.arrivals, row.place, learnt.last_id, now)
            learnt = learn(learnt, [(each, id_time(each)) for each in ids])
            if len(ids) < queries.MOST_ARRIVALS:
                break
        else:
            newest = await store.read(queries.newest, row.place)
            learnt = learnt.past(newest, id_time(newest)) if newest is not None else learnt
        if learnt.last_at is not None:
            last_at = learnt.last_at if last_at is None else max(last_at, learnt.last_at)
        if learnt != row.learnt or row.due_at != row.silent_at:
            await store.write(queries.learnt, row.place, learnt, last_at)

    async def _is_over(self, row: PulseRow, now: datetime) -> bool:
        """Tell whether there is news of a source that is silent: it sent, or is not to be waited for any more."""
        if row.due_at is None or row.due_at > now:
            return True
        found = await self._ctx.store.read(queries.newest, row.place)
        return found is not None and (row.last_at is None or id_time(found) > row.last_at)

    async def _judge(self, row: PulseRow) -> None:
        changes = await self._ctx.store.write(queries.judge, row.place, self._ctx.clock.now())
        if changes.opened:
            log.warning("%s sends nothing to %s", row.source_key, row.integration_name)
        for problem_id in changes.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if changes.problems_changed:
            self._ctx.bus.publish("source.changed", row.source_id)
        if changes.alerts_queued:
            self.on_alerts()
