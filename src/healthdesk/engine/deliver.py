"""The delivery pipeline: claim and settle in one transaction, send in between, never in lockstep.

One loop owns the database side: it commits the results that came in and claims what may go out next, in one
transaction, while attempts of earlier claims are under way. A slow endpoint holds only its own slots.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

from healthdesk.domain.states import Environment
from healthdesk.engine.bus import TOLD_ONE_BY_ONE, publish_records
from healthdesk.engine.circuits import Circuits
from healthdesk.engine.commit import settle_and_claim
from healthdesk.engine.completing import complete
from healthdesk.engine.context import Context
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.lanes import Lanes
from healthdesk.engine.lease import Lease
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.sending import LEASE_OVER, STOPPED, Sending
from healthdesk.engine.slots import Pace
from healthdesk.engine.targets import Target, Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import recovery as queries
from healthdesk.store.claim import SMALL_BYTES
from healthdesk.store.rows import ClaimedRecord, EnvWant, Settlement

log = logging.getLogger(__name__)

POLL_S = 1.0
"""How often due work is looked for without being told: correctness does not depend on wake-ups."""

STORE_RETRY_S = 0.5
LOST_STEP = 200
IN_FLIGHT_BYTES = 134_217_728
"""Bytes of records in this daemon's memory from which on it claims no further large ones, but one for each lane."""

NOT_READ = "Not sent: what it is made of could not be read from the database."


async def _no_lease() -> None:
    """Renew nothing: there is no other daemon."""


class Deliverer:
    """Delivers the records of every environment that is not on hold."""

    def __init__(self, ctx: Context, targets: Targets, heartbeats: Heartbeats, circuits: Circuits) -> None:
        self._ctx = ctx
        self._targets = targets
        self._circuits = circuits
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._lease = Lease(ctx.clock)
        self._lanes = Lanes(ctx.clock, targets, circuits, self._lease, self._pulse.set)
        self._sending = Sending(ctx, targets, heartbeats, circuits, self._lanes, self._lease, self._pulse.set)
        self.turned_at = ctx.clock.monotonic()
        """When the loop last completed a turn."""
        self.on_alerts: Callable[[], None] = lambda: None
        self.renew_lease: Callable[[], Awaitable[None]] = _no_lease
        """Renews this daemon's lease, and has `leased` told; raises StoreUnavailable."""

    def wake(self, integration_id: str, environment: Environment) -> None:
        """Say that a record of this environment may be due."""
        self._lanes.mark((integration_id, environment))
        self._pulse.set()

    def wake_all(self) -> None:
        """Look at every environment again."""
        self._lanes.mark_all()
        self._pulse.set()

    def look_over(self, attempts: Collection[str]) -> None:
        """Take attempts that the database holds for this daemon; those it knows nothing of are taken up again."""
        if any(each not in self._sending.open for each in attempts):
            self._sending.in_doubt = True
            self._pulse.set()

    def leased(self, until_s: float, *, held: bool) -> None:
        """Take until when this daemon's lease holds surely, in monotonic seconds, and whether it `held` until it was renewed.

        What was claimed under a lease that was lost may be another daemon's by now, and is given back.
        """
        was_over = self._lease.over
        self._lease.renewed(until_s, held=held)
        if not held:
            self._sending.give_back_waiting(LEASE_OVER)
        if was_over or not held:
            for (
                target
            ) in self._targets.all():  # the share that the renewal found counts before anything leaves
                self.pace(target)
            self.wake_all()
            self._sending.start_all()

    def pace(self, target: Target) -> Pace | None:
        """Return what the requests to an environment's endpoint are paced by, questions as well as attempts; None where
        it has no rate.
        """
        return self._lanes.lane((target.integration_id, target.environment), target).pace

    @property
    def in_flight(self) -> int:
        """How many claims are without a committed result."""
        return self._lanes.claimed

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then let attempts under way finish and commit their results."""
        poller = asyncio.create_task(self._poll())
        poller.add_done_callback(lambda _: self._pulse.set())
        try:
            async with self._pulse.running(stop):
                while True:
                    self._pulse.clear()
                    if poller.done():
                        poller.result()
                    self._sending.stopping = stop.is_set()
                    if self._sending.stopping:
                        self._sending.give_back_waiting(STOPPED)
                        if self._sending.idle:
                            return
                    await self._turn()
                    self.turned_at = self._ctx.clock.monotonic()
                    if not self._sending.results:
                        await self._pulse.wait()
        finally:
            poller.cancel()
            await asyncio.gather(poller, return_exceptions=True)
            await self._sending.cancel()
            self._lanes.forget()
            self._circuits.lost()

    async def _poll(self) -> None:
        while True:
            try:
                due = await self._ctx.store.read(queries.due_environments, self._ctx.clock.now())
            except StoreUnavailable as error:
                log.warning("cannot look for due records: %s", error)
            else:
                for integration_id, environment in due:
                    self.wake(integration_id, environment)
            await self._ctx.clock.sleep(POLL_S)

    async def _turn(self) -> None:
        """Commit the results so far and claim what may go out next."""
        sending = self._sending
        if self._lease.over and not await self._leased_again():
            return
        held = self._lease.held
        sending.give_back_held()
        results, sending.results = sending.results, []
        room = max(0, IN_FLIGHT_BYTES - sum(sending.open.values()))
        wants = [] if sending.stopping else self._lanes.wants(results, room)
        if not results and not wants and not sending.in_doubt:
            return
        try:
            if sending.in_doubt:
                await self._find_lost()
            outcome = await settle_and_claim(self._ctx, self._targets, results, wants)
        except StoreUnavailable as error:
            log.warning("results of %d attempts wait for the database: %s", len(results), error)
            sending.in_doubt = True
            sending.results = results + sending.results
            self.wake_all()
            await self._ctx.clock.sleep(STORE_RETRY_S)
            return
        self._settled(results)
        if outcome.alerts_queued:
            self.on_alerts()
        for problem_id in outcome.problems_changed[:TOLD_ONE_BY_ONE]:
            self._ctx.bus.publish("problem.changed", problem_id)
        unread = await complete(self._ctx, self._targets, outcome.claimed)
        unsendable = {record.id: NOT_READ for record in unread}
        if self._lease.held is not held:  # it was lost while they were claimed
            unsendable |= {record.id: LEASE_OVER for record in outcome.claimed}
        self._claimed(wants, outcome.claimed, unsendable)
        self._tell(results, outcome.claimed)

    async def _leased_again(self) -> bool:
        """Renew a lease that is over: nothing may leave before. Return whether it is held."""
        try:
            await self.renew_lease()
        except StoreUnavailable as error:
            log.warning("nothing is sent until the lease of this daemon is renewed: %s", error)
            self._pulse.set()
            await self._ctx.clock.sleep(STORE_RETRY_S)
        return not self._lease.over

    async def _find_lost(self) -> None:
        """Take up attempts that the database holds for this daemon and that this daemon knows nothing of."""
        total = 0
        while True:
            count = await self._ctx.store.write(
                queries.recover_lost,
                self._ctx.clock.now(),
                daemon_id=self._ctx.daemon_id,
                known=frozenset(self._sending.open),
                limit=LOST_STEP,
            )
            total += count
            if count < LOST_STEP:
                break
        self._sending.in_doubt = False
        if total:
            log.warning("%d attempts were interrupted and are taken up again", total)
            self.wake_all()

    def _settled(self, results: list[Settlement]) -> None:
        for result in results:
            self._sending.open.pop(result.attempt_id, None)
            self._lanes[result.integration_id, result.environment].done()
        for outcome, count in Counter(result.outcome for result in results).items():
            self._ctx.metrics.attempts.labels(outcome=outcome.value).inc(count)

    def _claimed(
        self, wants: list[EnvWant], claimed: list[ClaimedRecord], unsendable: Mapping[str, str]
    ) -> None:
        got = Counter((record.integration_id, record.environment) for record in claimed)
        large = {
            (record.integration_id, record.environment)
            for record in claimed
            if len(record.data) > SMALL_BYTES
        }
        for record in claimed:
            self._sending.take(record, unsendable.get(record.id, ""))
        for want in wants:
            key = (want.integration_id, want.environment)
            lane = self._lanes[key]
            lane.took(want.free, got[key])
            if key in large:
                lane.dirty = True  # memory, not the work, may have been what ended the claim
            if lane.dirty and got[key]:
                self._pulse.set()
            self._sending.start(key)

    def _tell(self, results: list[Settlement], claimed: list[ClaimedRecord]) -> None:
        ids = {result.record_id for result in results} | {record.id for record in claimed}
        publish_records(self._ctx.bus, ids)
