"""The runner of jobs: it writes their records down, queues a few at a time, follows them, and stops where it should.

Everything it knows is in the database: a job goes on with whichever daemon holds its lease, where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from healthdesk.domain.activity import Verb
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.domain.states import Environment
from healthdesk.engine.bus import BusEvent
from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.slots import Bucket, records_in
from healthdesk.engine.targets import Targets
from healthdesk.store import activity, job_follow, job_items, job_queue
from healthdesk.store import jobs as queries
from healthdesk.store.rows_jobs import JobRow, Place, Places, Search, Stepped

log = logging.getLogger(__name__)

POLL_S = 1.0
RENEW_S = 10.0
"""How often the leases of jobs under way are renewed: well within `queries.LEASE`."""

FOLLOW_S = 5.0
"""How often records that jobs are through with and that went on by themselves are looked after."""

TOLD_EVERY_S = 0.5
"""How often a job's progress is told while nothing else of it changes."""

SOON_S = 0.05
"""How long a job waits at least whose own rate allows nothing now."""

BY_ITSELF = "healthdesk"
"""Who stopped a job, in the activity log, where nobody did."""

Conn = Any
Wake = Callable[[str, Environment], None]


@dataclass(slots=True)
class _Running:
    """What this daemon remembers of a job that it runs; all of it may be lost."""

    row: JobRow | None = None
    bucket: Bucket | None = None
    told_at: float = float("-inf")
    untold: bool = False
    search: Search = field(default_factory=Search)
    held: int = 0


class Jobs:
    """Runs the jobs whose lease this daemon holds."""

    def __init__(self, ctx: Context, targets: Targets, wake: Wake) -> None:
        """`wake` is told of environments that have records due."""
        self._ctx = ctx
        self._targets = targets
        self._wake = wake
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._running: dict[str, _Running] = {}
        self._renewed_at = float("-inf")
        self._followed_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        ctx.bus.on_event(self._heard)

    def wake(self) -> None:
        """Say that a job was made or changed."""
        self._pulse.set()

    def _heard(self, event: BusEvent) -> None:
        """Look at the jobs under way when records changed: one of theirs may be through."""
        if self._running and event.kind == "record.changed":
            self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until `stop`; what is under way then goes on with the next daemon."""
        try:
            await self._pulse.repeat(stop, self._look, what="jobs wait")
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._running.clear()

    async def _look(self) -> None:
        """Move every job of this daemon one step on."""
        if self._ctx.clock.monotonic() >= self._followed_at + FOLLOW_S:
            await self._follow()
        active = await self._ctx.store.read(queries.active)
        if not active:
            self._running.clear()
            return
        for job_id in await self._leased(active):
            known = self._running.setdefault(job_id, _Running())
            if known.row is None or known.row.state is JobState.PREPARING:
                await self._fill(job_id, known)
            else:
                await self._step(job_id, known)

    async def _follow(self) -> None:
        """Let jobs tell what became of records that went on by themselves, whichever daemon ran them."""
        for job_id in await self._ctx.store.read(job_follow.behind):
            followed = await self._ctx.store.write(self._followed, job_id)
            if followed is not None:
                self._publish(followed.job)
                self._say_if_stopped(followed)
        self._followed_at = self._ctx.clock.monotonic()

    async def _leased(self, active: list[str]) -> list[str]:
        """Return the active jobs that are this daemon's, with a lease that holds."""
        now = self._ctx.clock.monotonic()
        new = [each for each in active if each not in self._running]
        if new or now >= self._renewed_at + RENEW_S:
            mine = await self._ctx.store.write(queries.lease, active, self._ctx.clock.now())
            self._renewed_at = now
        else:
            mine = active
        for gone in self._running.keys() - set(mine):
            del self._running[gone]
        return mine

    async def _fill(self, job_id: str, known: _Running) -> None:
        row = await self._ctx.store.write(job_items.fill, job_id, self._ctx.clock.now())
        if row is None:
            known.row = None
            await self._step(job_id, known)
            return
        known.row = row
        self._tell(known, at_once=row.state is not JobState.PREPARING)
        self._pulse.set()

    async def _step(self, job_id: str, known: _Running) -> None:
        before = known.row
        allowed = self._allowed(known)
        if allowed and before is not None and before.state is JobState.RUNNING and not known.search.starts:
            # It may read all records of a job, which a write need not wait for.
            known.search = await self._ctx.store.read(job_queue.search_of, before)
        stepped = await self._ctx.store.write(self._stepped, job_id, allowed, self._places(), known)
        if stepped is None:
            self._running.pop(job_id, None)
            return
        known.row, known.search, known.held = stepped.job, stepped.search, stepped.held
        row = stepped.job
        if known.bucket is not None:
            known.bucket.take(stepped.queued + stepped.let_go)
        for place in stepped.environments:
            self._wake(*place)
        for state, number in stepped.ended.items():
            self._ctx.metrics.job_records.labels(state=state.value).inc(number)
        at_once = before is None or (row.state, row.stage) != (before.state, before.stage)
        known.untold = known.untold or stepped.changed
        self._tell(known, at_once=at_once)
        self._say_if_stopped(stepped)
        if stepped.changed or before is None:
            self._pulse.set()
        elif known.bucket is not None and allowed <= stepped.lined_up + stepped.let_go:
            self._later(max(SOON_S, known.bucket.wait_s() or 1 / known.bucket.rate_per_s))

    def _stepped(
        self, conn: Conn, job_id: str, allowed: int, places: Places, known: _Running
    ) -> Stepped | None:
        """Move a job on, and note in the same transaction that it stopped by itself."""
        stepped = job_items.step(
            conn,
            job_id,
            self._ctx.clock.now(),
            most=self._most,
            allowed=allowed,
            places=places,
            search=known.search,
            were_held=known.held,
        )
        return self._noted(conn, stepped)

    def _followed(self, conn: Conn, job_id: str) -> Stepped | None:
        """Take in what became of records that went on, and note in the same transaction that this stopped the job."""
        return self._noted(conn, job_follow.follow(conn, job_id, self._ctx.clock.now()))

    def _noted(self, conn: Conn, stepped: Stepped | None) -> Stepped | None:
        if stepped is not None and stepped.stopped:
            row = stepped.job
            left = row.count(JobItemState.PENDING)
            activity.add(
                conn,
                activity_id=self._ctx.new_id("act"),
                at=self._ctx.clock.now(),
                user=BY_ITSELF,
                verb=Verb.STOPPED.value,
                object_kind="job",
                object_id=row.id,
                object_name=row.title,
                detail={"left": left, "done": row.total - left, "reason": row.reason},
            )
        return stepped

    def _say_if_stopped(self, stepped: Stepped) -> None:
        if stepped.stopped:
            log.warning("job %s stopped by itself: %s", stepped.job.id, stepped.job.reason)
            self._ctx.bus.publish("activity.changed")

    def _places(self) -> Places:
        """Return the environments whose records wait, or wait for one another."""
        targets = {(each.integration_id, each.environment): each for each in self._targets.all()}
        return Places(
            {place: each.held for place, each in targets.items() if each.held is not None},
            frozenset(place for place, each in targets.items() if each.order),
        )

    def _most(self, place: Place) -> int:
        """Return how many records of an environment a job may have under way: enough that no slot waits, and no more."""
        target = self._targets.get(*place)
        return 1 if target is None else records_in(2 * target.concurrency, target.per_request)

    def _allowed(self, known: _Running) -> int:
        """Return how many records a job's own rate lets go now."""
        row, now = known.row, self._ctx.clock.monotonic()
        if row is None or row.rate_per_s is None:
            known.bucket = None
            return job_items.STEP if row is not None else 0
        if known.bucket is None:
            known.bucket = Bucket(row.rate_per_s, tokens=0.0, at=now)
        return known.bucket.available(now)

    def _later(self, seconds: float) -> None:
        """Look again in a while; one timer for all."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pulse.set)

    def _tell(self, known: _Running, *, at_once: bool) -> None:
        """Tell readers how far a job is, not more often than they can look."""
        now = self._ctx.clock.monotonic()
        if known.row is None or not (at_once or (known.untold and now >= known.told_at + TOLD_EVERY_S)):
            return
        known.told_at, known.untold = now, False
        self._publish(known.row)

    def _publish(self, row: JobRow) -> None:
        counts = {state.value: number for state, number in row.counts.items() if number}
        self._ctx.bus.publish("job.changed", row.id, {"state": row.state.value, **counts})
