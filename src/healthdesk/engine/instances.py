"""Instances are run when they are due, when somebody asks, and when their app says so; no two runs of one overlap.

The loop leases what is due and runs so many at once, in all and of one host. A run that is cut off by kill -9 leaves a
lease that runs out, and what it had begun as an intent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Trigger
from healthdesk.engine.context import Context
from healthdesk.engine.due import DueQueue, Source
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.instance_counts import InstanceCounts
from healthdesk.engine.instance_runner import Runner
from healthdesk.engine.instance_work import Worker
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import StoreUnavailable
from healthdesk.store import instance_leases, instance_recovery, instances
from healthdesk.store.instance_leases import LEASE, ClaimedInstance

log = logging.getLogger(__name__)

POLL_S = 1.0
AT_ONCE = 16
PER_HOST = 4
AHEAD = 16
"""Instances leased ahead of being run: few, so that daemons which share the work each find some."""

RENEW_S = 30.0
STEP = 200
ELSEWHERE_S = 0.5
"""How often a run is looked for that another daemon is making."""

DUE = Source(
    "instances",
    instance_leases.next_due_at,
    instance_leases.claim_due,
    instance_leases.give_back,
    LEASE,
    PER_HOST,
)


class Instances:
    """Runs tasks and proof syncs."""

    def __init__(self, ctx: Context, heartbeats: Heartbeats, workers: Mapping[InstanceKind, Worker]) -> None:
        self._ctx = ctx
        self._heartbeats = heartbeats
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._runner = Runner(ctx, heartbeats, workers)
        self._runner.on_alerts = self._alerted
        self._due = DueQueue(ctx, DUE)
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        """Runs under way by instance; each tells whether what it found decided the instance's state."""
        self._stopping = False
        self.counts = InstanceCounts(ctx)
        self.on_alerts: Callable[[], None] = lambda: None

    def _alerted(self) -> None:
        self.on_alerts()

    def wake(self) -> None:
        """Look for due instances now; never blocks."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run what is due until `stop`, then let what is under way finish and keep what it came to."""
        self._stopping = False
        renewing = asyncio.create_task(self._renew(), name="instances:renew")
        renewing.add_done_callback(lambda _: self._pulse.set())
        try:
            await self._take_up()

            async def look() -> None:
                if renewing.done():
                    renewing.result()
                if not stop.is_set():
                    await self._turn()

            await self._pulse.repeat(stop, look, what="instances wait")
            self._stopping = True
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        finally:
            self._stopping = True
            running = list(self._tasks.values())
            for task in (renewing, *running):
                task.cancel()
            await asyncio.gather(renewing, *running, return_exceptions=True)
            await self._due.give_back()

    async def run_now(self, instance_id: str, trigger: Trigger, by: str = "", wait_s: float = 60.0) -> None:
        """Run an instance now and return when what it came to is kept, or after `wait_s` seconds: it goes on then.

        Joins a run under way, unless the instance was changed since that began: then one more follows it. Raises
        NotFound, Conflict when it cannot be run, and StoreUnavailable.
        """
        task = await self._begin_or_join(instance_id, trigger, by)
        deadline = self._ctx.clock.monotonic() + wait_s
        if task is None:
            await self._elsewhere(instance_id, trigger, by, deadline)
            return
        joined, task_now = task
        if not await self._finished_by(task_now, deadline) or not joined or _decided(task_now):
            return
        again = await self._begin_or_join(instance_id, trigger, by)
        if again is not None:
            await self._finished_by(again[1], deadline)

    async def _begin_or_join(
        self, instance_id: str, trigger: Trigger, by: str
    ) -> tuple[bool, asyncio.Task[bool]] | None:
        """Return whether a run was under way, and it or the one that was begun; None where another daemon runs it."""
        running = self._tasks.get(instance_id)
        if running is not None:
            return True, running
        if self._stopping:
            raise StoreUnavailable("the daemon is stopping")
        self._due.drop(instance_id)
        claimed = await self._ctx.store.write(
            instance_leases.take, instance_id, self._ctx.clock.now(), trigger, by
        )
        running = self._tasks.get(instance_id)
        if running is not None:
            return True, running
        return None if claimed is None else (False, self._start(claimed))

    async def _finished_by(self, task: asyncio.Task[bool], deadline: float) -> bool:
        """Wait for a run, which goes on whatever becomes of who waits; tell whether it ended in time."""
        left_s = deadline - self._ctx.clock.monotonic()
        timer = asyncio.create_task(self._ctx.clock.sleep(max(left_s, 0.0)))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return task.done()

    async def _elsewhere(self, instance_id: str, trigger: Trigger, by: str, deadline: float) -> None:
        """Ask the daemon that runs it to run it once more, and wait for that."""
        clock, store = self._ctx.clock, self._ctx.store
        asked_at = clock.now()
        await store.write(instances.due_now, [instance_id], asked_at, trigger, by)
        while clock.monotonic() < deadline:
            row = await store.read(instances.get, instance_id)
            if not row.running and row.last_checked is not None and row.last_checked >= asked_at:
                return
            await clock.sleep(ELSEWHERE_S)

    async def _take_up(self) -> None:
        """Take up what a loop of this daemon that died had under way."""
        try:
            await self._ctx.store.write(
                instance_recovery.recover,
                self._ctx.clock.now(),
                others_are_dead=False,
                known=tuple(self._tasks),
                limit=STEP,
            )
        except StoreUnavailable as error:
            log.warning("instances that were under way are run again when their lease runs out: %s", error)

    async def _turn(self) -> None:
        if self._heartbeats.sentinels.offline_since is not None:
            return  # nothing would be answered, and every failure would be ours
        while (free := AT_ONCE - len(self._tasks)) > 0:
            begun = await self._due.take(free, AHEAD)
            if not begun:
                return
            for claimed in begun:
                if claimed.id in self._tasks:
                    self._due.done(claimed.id)
                else:
                    self._start(claimed)

    def _start(self, claimed: ClaimedInstance) -> asyncio.Task[bool]:
        task = asyncio.create_task(self._runner.run(claimed), name=f"instance:{claimed.id}")
        self._tasks[claimed.id] = task
        task.add_done_callback(lambda done: self._finished(claimed.id, done))
        return task

    def _finished(self, instance_id: str, task: asyncio.Task[bool]) -> None:
        self._tasks.pop(instance_id, None)
        self._due.done(instance_id)
        if not task.cancelled() and task.exception() is not None:
            log.error("a run of %s died; its lease runs out", instance_id, exc_info=task.exception())
        self._pulse.set()

    async def _renew(self) -> None:
        """Keep the leases of what is under way."""
        while True:
            await self._ctx.clock.sleep(RENEW_S)
            if not self._tasks:
                continue
            ids = tuple(self._tasks)
            try:
                kept = await self._ctx.store.write(instance_leases.renew, ids, self._ctx.clock.now())
            except StoreUnavailable as error:
                log.warning("the leases of %d instances are not renewed: %s", len(ids), error)
                continue
            if kept < len(ids):
                log.info(
                    "%d of %d instances under way are no longer this daemon's", len(ids) - kept, len(ids)
                )


def _decided(task: asyncio.Task[bool]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result()
