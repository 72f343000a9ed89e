"""The delivery pipeline: claim and settle in one transaction, send in between, never in lockstep.

One loop owns the database side: it commits the results that came in and claims what may go out next, in one
transaction, while attempts of earlier claims are under way. A slow endpoint holds only its own slots.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection
from datetime import datetime

from healthdesk.connectors.wire import turn
from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.states import Environment
from healthdesk.engine import attempt, batches
from healthdesk.engine.bus import TOLD_ONE_BY_ONE, publish_records
from healthdesk.engine.circuits import Circuits
from healthdesk.engine.commit import settle_and_claim
from healthdesk.engine.completing import complete
from healthdesk.engine.context import Context
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.slots import Lane, Pace
from healthdesk.engine.targets import Key, Target, Targets
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

HELD_MEANWHILE = "Not sent: its integration was put on hold meanwhile."
ANOTHERS_TURN = "Not sent: another daemon sends for this integration now."
NOT_READ = "Not sent: what it is made of could not be read from the database."


class Deliverer:
    """Delivers the records of every environment that is not on hold."""

    def __init__(self, ctx: Context, targets: Targets, heartbeats: Heartbeats, circuits: Circuits) -> None:
        self._ctx = ctx
        self._targets = targets
        self._heartbeats = heartbeats
        self._circuits = circuits
        self._batches = batches.Batches(ctx.clock)
        self._lanes: dict[Key, Lane] = {}
        self._waiting: dict[Key, deque[ClaimedRecord]] = {}
        self._sending: dict[Key, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._results: list[Settlement] = []
        self._open: dict[str, int] = {}
        """Attempts this daemon knows of whose result is not committed, with the bytes of their records."""
        self._in_doubt = False
        """Whether a commit may have gone through that we were not told of, or attempts died with the loop."""
        self._probed: dict[str, tuple[datetime, int]] = {}
        """Per connection judged by deliveries: the probe for which its one record was let through."""
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._stopping = False
        self.turned_at = ctx.clock.monotonic()
        """When the loop last completed a turn."""
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self, integration_id: str, environment: Environment) -> None:
        """Say that a record of this environment may be due."""
        lane = self._lanes.get((integration_id, environment))
        if lane is not None:
            lane.dirty = True
        self._pulse.set()

    def wake_all(self) -> None:
        """Look at every environment again."""
        for lane in self._lanes.values():
            lane.dirty = True
        self._pulse.set()

    def look_over(self, attempts: Collection[str]) -> None:
        """Take attempts that the database holds for this daemon; those it knows nothing of are taken up again."""
        if any(each not in self._open for each in attempts):
            self._in_doubt = True
            self._pulse.set()

    def pace(self, target: Target) -> Pace | None:
        """Return what the requests to an environment's endpoint are paced by, questions as well as attempts; None where
        it has no rate.
        """
        return self._lane((target.integration_id, target.environment), target).pace

    @property
    def in_flight(self) -> int:
        """How many claims are without a committed result."""
        return sum(lane.claimed for lane in self._lanes.values())

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
                    self._stopping = stop.is_set()
                    if self._stopping:
                        self._give_back_waiting()
                        if not self._tasks and not self._results:
                            return
                    await self._turn()
                    self.turned_at = self._ctx.clock.monotonic()
                    if not self._results:
                        await self._pulse.wait()
        finally:
            for task in (poller, *self._tasks):
                task.cancel()
            await asyncio.gather(poller, *self._tasks, return_exceptions=True)
            self._forget()

    def _forget(self) -> None:
        """After a death of the loop: what was under way is taken up as interrupted when it starts again."""
        for state in (self._lanes, self._waiting, self._sending, self._results, self._open, self._probed):
            state.clear()
        self._circuits.lost()
        self._in_doubt = True

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
        self._give_back_held()
        results, self._results = self._results, []
        wants = [] if self._stopping else self._wants(results)
        if not results and not wants and not self._in_doubt:
            return
        try:
            if self._in_doubt:
                await self._find_lost()
            outcome = await settle_and_claim(self._ctx, self._targets, results, wants)
        except StoreUnavailable as error:
            log.warning("results of %d attempts wait for the database: %s", len(results), error)
            self._in_doubt = True
            self._results = results + self._results
            self.wake_all()
            await self._ctx.clock.sleep(STORE_RETRY_S)
            return
        self._settled(results)
        if outcome.alerts_queued:
            self.on_alerts()
        for problem_id in outcome.problems_changed[:TOLD_ONE_BY_ONE]:
            self._ctx.bus.publish("problem.changed", problem_id)
        unread = await complete(self._ctx, self._targets, outcome.claimed)
        self._claimed(wants, outcome.claimed, {record.id for record in unread})
        self._tell(results, outcome.claimed)

    async def _find_lost(self) -> None:
        """Take up attempts that the database holds for this daemon and that this daemon knows nothing of."""
        total = 0
        while True:
            count = await self._ctx.store.write(
                queries.recover_lost,
                self._ctx.clock.now(),
                daemon_id=self._ctx.daemon_id,
                known=frozenset(self._open),
                limit=LOST_STEP,
            )
            total += count
            if count < LOST_STEP:
                break
        self._in_doubt = False
        if total:
            log.warning("%d attempts were interrupted and are taken up again", total)
            self.wake_all()

    def _wants(self, results: list[Settlement]) -> list[EnvWant]:
        now = self._ctx.clock.monotonic()
        settling = Counter((result.integration_id, result.environment) for result in results)
        wants: list[EnvWant] = []
        probing: set[str] = set()
        room = max(0, IN_FLIGHT_BYTES - sum(self._open.values()))
        for target in self._targets.all():
            key = (target.integration_id, target.environment)
            lane = self._lane(key, target)
            if self._circuits.holds(target):
                if self._circuits.lets_probe(target) and lane.wants(now, ahead=False, settling=lane.claimed):
                    lane.asking()
                    wants.append(EnvWant(*key, 1, room_bytes=room, order=target.order))
                continue
            if target.probe_since is not None and (
                target.connection_id in probing or self._probed.get(target.connection_id) == target.probe
            ):
                continue
            settled: tuple[str, ...] = ()
            if target.order and settling[key]:
                settled = tuple(
                    each.record_id for each in results if key == (each.integration_id, each.environment)
                )
                lane.dirty = True  # what waited for these may go now
            # A probe's verdict is awaited: its slot is free only once its result is in.
            freed = 0 if target.probing else settling[key]
            free = lane.wants(now, ahead=not target.probing, settling=freed)
            if free:
                if target.probe_since is not None:
                    probing.add(target.connection_id)
                lane.asking()
                least = lane.claimed <= freed
                wants.append(EnvWant(*key, free, room, least, order=target.order, settled=settled))
                room = 0  # the next turn has room again; meanwhile each lane without anything gets one
            elif lane.dirty and lane.pace is not None and lane.claimed < lane.concurrency:
                self._wake_later(lane, lane.pace.wait_s())
        return wants

    def _wake_later(self, lane: Lane, seconds: float) -> None:
        """Look again when the lane's rate allows the next attempt; one timer a lane."""
        if lane.waking:
            return

        def wake() -> None:
            lane.waking = False
            self._pulse.set()

        lane.waking = True
        asyncio.get_running_loop().call_later(seconds, wake)

    def _lane(self, key: Key, target: Target) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(target.concurrency)
            self._waiting[key] = deque()
            self._sending[key] = 0
        share = self._targets.share
        if self._circuits.lets_probe(target):
            lane.concurrency, lane.dirty = 1, True
        else:
            lane.concurrency = share.slots(1 if target.probing else self._circuits.limit(target), *key)
        batch = target.delivery.batch
        alone = batch is None or target.probing or self._circuits.holds(target)
        lane.per_request = 1 if batch is None or alone else batch.size
        rate_per_s = None if target.rate_per_s is None else share.rate(target.rate_per_s)
        if rate_per_s is None:
            lane.pace = None
        elif lane.pace is None:
            lane.pace = Pace(rate_per_s, self._ctx.clock)
        elif lane.pace.rate_per_s != rate_per_s:
            lane.pace.change(rate_per_s)
        return lane

    def _settled(self, results: list[Settlement]) -> None:
        for result in results:
            self._open.pop(result.attempt_id, None)
            self._lanes[result.integration_id, result.environment].done()
        for outcome, count in Counter(result.outcome for result in results).items():
            self._ctx.metrics.attempts.labels(outcome=outcome.value).inc(count)

    def _claimed(self, wants: list[EnvWant], claimed: list[ClaimedRecord], unread: set[str]) -> None:
        got: dict[Key, int] = {}
        large = {
            (record.integration_id, record.environment)
            for record in claimed
            if len(record.data) > SMALL_BYTES
        }
        for record in claimed:
            key = (record.integration_id, record.environment)
            got[key] = got.get(key, 0) + 1
            self._circuits.claimed(key, record.attempt_id)
            if record.id in unread:
                self._give_back(record, NOT_READ)
            else:
                self._waiting[key].append(record)
            self._open[record.attempt_id] = len(record.data)
            self._note_probe(key)
        for want in wants:
            key = (want.integration_id, want.environment)
            count = got.get(key, 0)
            lane = self._lanes[key]
            lane.took(want.free, count)
            if key in large:
                lane.dirty = True  # memory, not the work, may have been what ended the claim
            if lane.dirty and count:
                self._pulse.set()
            self._start_waiting(key)

    def _note_probe(self, key: Key) -> None:
        """One record is the probe of a connection judged by its deliveries; the next waits for its verdict."""
        target = self._targets.get(*key)
        if target is not None and target.probe is not None:
            self._probed[target.connection_id] = target.probe

    def _start_waiting(self, key: Key) -> None:
        """Start attempts for claims that wait, while the lane has a free slot."""
        waiting = self._waiting.get(key)
        if not waiting:
            return
        lane, loop = self._lanes[key], asyncio.get_running_loop()
        while waiting and not self._stopping:
            probe = self._circuits.is_probe(key, waiting[0].attempt_id)
            if self._sending[key] >= lane.concurrency and not probe:
                break
            target = self._targets.get(*key)
            if target is None or (self._circuits.holds(target) and not probe):
                self._give_back(waiting.popleft(), HELD_MEANWHILE)
                continue
            if target.delivery.batch is None:
                attempting = self._attempt(key, target, waiting.popleft())
            elif records := self._batches.take(key, waiting, lane.per_request, target.delivery.batch.wait_s):
                attempting = self._attempt_batch(key, target, target.delivery.batch, records)
            else:
                loop.call_later(
                    self._batches.wait_s(key, target.delivery.batch.wait_s), self._start_waiting, key
                )
                break
            self._sending[key] += 1
            task = loop.create_task(attempting)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an attempt's task died after its result was in", exc_info=error)
            self._pulse.set()

    def _give_back(self, record: ClaimedRecord, why: str) -> None:
        self._results.append(attempt.give_back(self._ctx, record, why))
        target = self._targets.get(record.integration_id, record.environment)
        if target is not None:
            self._probed.pop(target.connection_id, None)
        self._circuits.gave_back((record.integration_id, record.environment), record.attempt_id)
        self._pulse.set()

    async def _attempt(self, key: Key, target: Target, record: ClaimedRecord) -> None:
        if (pace := self._lanes[key].pace) is not None:
            turn.set(pace.turn)
        exchange, failure = await attempt.send(self._ctx, target, record)
        if exchange is not None:
            self._ctx.metrics.attempt_seconds.observe(exchange.duration_ms / 1000)
        else:
            self._probed.pop(target.connection_id, None)  # nothing was learned of the connection
        self._result(key, target, record, exchange, failure)
        self._sending[key] -= 1
        self._start_waiting(key)
        self._note_health(target, exchange, failure)
        self._circuits.note(target, record.attempt_id, exchange, failure, offline=self._offline)
        self._pulse.set()

    def _result(
        self,
        key: Key,
        target: Target,
        record: ClaimedRecord,
        exchange: Exchange | None,
        failure: Failure | None,
    ) -> None:
        """Keep what became of a record, to be committed in the next turn."""
        try:
            self._results.append(
                attempt.settle(self._ctx, target, record, exchange, failure, offline=self._offline)
            )
        except Exception:  # a fault of ours: the attempt is taken up as interrupted, and its slot is free
            log.exception("what came of attempt %s of record %s is lost", record.attempt_id, record.id)
            self._open.pop(record.attempt_id, None)
            self._lanes[key].done()
            self._in_doubt = True

    async def _attempt_batch(
        self, key: Key, target: Target, batch: Batch, records: list[ClaimedRecord]
    ) -> None:
        if (pace := self._lanes[key].pace) is not None:
            turn.set(pace.turn)
        results = await batches.send(self._ctx, target, batch, records)
        self._batches.note(results)
        sent = next((result for result in results if result.exchange is not None), None)
        if sent is not None and sent.exchange is not None:
            self._ctx.metrics.attempt_seconds.observe(sent.exchange.duration_ms / 1000)
            self._note_health(target, sent.exchange, sent.failure)
        else:
            self._probed.pop(target.connection_id, None)
        for result in results:
            self._result(key, target, result.record, result.exchange, result.failure)
        # One request, however many records: it speaks for its endpoint where one of them was taken.
        told = next((each for each in results if each.exchange and each.failure is None), sent or results[0])
        self._circuits.note(
            target, told.record.attempt_id, told.exchange, told.failure, offline=self._offline
        )
        self._sending[key] -= 1
        self._start_waiting(key)
        self._pulse.set()

    @property
    def _offline(self) -> bool:
        """Whether the desk itself reaches nothing."""
        return self._heartbeats.sentinels.offline_since is not None

    def _note_health(self, target: Target, exchange: Exchange | None, failure: Failure | None) -> None:
        """Let a delivery speak for its connection: authentication and reachability only."""
        if exchange is not None:
            self._heartbeats.note_delivery(
                target.connection_id, failure, version=target.version, doubtful=target.doubtful
            )

    def _give_back_waiting(self) -> None:
        for waiting in self._waiting.values():
            while waiting:
                self._give_back(waiting.popleft(), "Not sent: the daemon was stopped before its turn came.")

    def _give_back_held(self) -> None:
        """Do not let claims wait for a slot where there is none: on hold, or with no share of the environment."""
        for key, waiting in self._waiting.items():
            if not waiting or self._circuits.is_probe(key, waiting[0].attempt_id):
                continue
            target = self._targets.get(*key)
            while waiting and (target is None or self._circuits.holds(target)):
                self._give_back(waiting.popleft(), HELD_MEANWHILE)
            while waiting and self._lanes[key].concurrency == 0:
                self._give_back(waiting.popleft(), ANOTHERS_TURN)

    def _tell(self, results: list[Settlement], claimed: list[ClaimedRecord]) -> None:
        ids = {result.record_id for result in results} | {record.id for record in claimed}
        publish_records(self._ctx.bus, ids)
