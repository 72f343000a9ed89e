"""Attempts of this daemon: claims that wait for a slot, those under way, and the results that wait for their commit."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from healthdesk.connectors.wire import leaving, turn
from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.engine import attempt, batches
from healthdesk.engine.batch_answers import Result
from healthdesk.engine.circuits import Circuits
from healthdesk.engine.context import Context
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.lanes import Lanes
from healthdesk.engine.lease import Lease, LeaseOver
from healthdesk.engine.targets import Key, Target, Targets
from healthdesk.errors import StoreUnavailable
from healthdesk.store import intents
from healthdesk.store.rows import ClaimedRecord, Settlement

log = logging.getLogger(__name__)

HELD_MEANWHILE = "Not sent: its integration was put on hold meanwhile."
ANOTHERS_TURN = "Not sent: another daemon sends for this integration now."
STOPPED = "Not sent: the daemon was stopped before its turn came."
NOT_NOTED = "Not sent: the database could not keep that it begins."
TAKEN_UP = "Not sent: another daemon has taken it up."
LEASE_OVER = "Not sent: this daemon was held up, and another may have taken it up."


class Sending:
    """Sends what was claimed. `wake` is called when there is a result, or a slot is free."""

    def __init__(
        self,
        ctx: Context,
        targets: Targets,
        heartbeats: Heartbeats,
        circuits: Circuits,
        lanes: Lanes,
        lease: Lease,
        wake: Callable[[], None],
    ) -> None:
        self._ctx = ctx
        self._targets = targets
        self._heartbeats = heartbeats
        self._circuits = circuits
        self._lanes = lanes
        self._lease = lease
        self._wake = wake
        self._batches = batches.Batches(ctx.clock)
        self._waiting: dict[Key, deque[ClaimedRecord]] = {}
        self._sending: dict[Key, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.results: list[Settlement] = []
        self.open: dict[str, int] = {}
        """Attempts this daemon knows of whose result is not committed, with the bytes of their records."""
        self.in_doubt = False
        """Whether a commit may have gone through that we were not told of, or attempts died with the loop."""
        self.stopping = False

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and no result waits."""
        return not self._tasks and not self.results

    def take(self, record: ClaimedRecord, unsendable: str = "") -> None:
        """Take a record that was claimed; `unsendable` says why it cannot be sent now."""
        key = (record.integration_id, record.environment)
        self._circuits.claimed(key, record.attempt_id)
        if unsendable:
            self.give_back(record, unsendable)
        else:
            self._waiting.setdefault(key, deque()).append(record)
        self.open[record.attempt_id] = len(record.data)
        self._lanes.note_probe(key)

    def start(self, key: Key) -> None:
        """Start attempts for claims that wait, while the lane has a free slot and the lease is not over."""
        waiting = self._waiting.get(key)
        if not waiting:
            return
        if self._lease.over:
            self._wake()
            return
        lane, loop = self._lanes[key], asyncio.get_running_loop()
        while waiting and not self.stopping:
            probe = self._circuits.is_probe(key, waiting[0].attempt_id)
            if self._sending.get(key, 0) >= lane.concurrency and not probe:
                break
            target = self._targets.get(*key)
            if target is None or (self._circuits.holds(target) and not probe):
                self.give_back(waiting.popleft(), HELD_MEANWHILE)
                continue
            if target.delivery.batch is None:
                attempting = self._attempt(key, target, waiting.popleft())
            elif records := self._batches.take(key, waiting, lane.per_request, target.delivery.batch.wait_s):
                attempting = self._attempt_batch(key, target, target.delivery.batch, records)
            else:
                loop.call_later(self._batches.wait_s(key, target.delivery.batch.wait_s), self.start, key)
                break
            self._sending[key] = self._sending.get(key, 0) + 1
            task = loop.create_task(attempting)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def start_all(self) -> None:
        """Start attempts of every environment."""
        for key in self._waiting:
            self.start(key)

    def give_back(self, record: ClaimedRecord, why: str) -> None:
        """Do not send a record that was claimed: it is queued again as it was."""
        self.results.append(attempt.give_back(self._ctx, record, why))
        target = self._targets.get(record.integration_id, record.environment)
        if target is not None:
            self._lanes.probe_told_nothing(target)
        self._circuits.gave_back((record.integration_id, record.environment), record.attempt_id)
        self._wake()

    def give_back_waiting(self, why: str) -> None:
        """Give back whatever waits."""
        for waiting in self._waiting.values():
            while waiting:
                self.give_back(waiting.popleft(), why)

    def give_back_held(self) -> None:
        """Do not let claims wait for a slot where there is none: on hold, or with no share of the environment."""
        for key, waiting in self._waiting.items():
            if not waiting or self._circuits.is_probe(key, waiting[0].attempt_id):
                continue
            target = self._targets.get(*key)
            while waiting and (target is None or self._circuits.holds(target)):
                self.give_back(waiting.popleft(), HELD_MEANWHILE)
            while waiting and self._lanes[key].concurrency == 0:
                self.give_back(waiting.popleft(), ANOTHERS_TURN)

    async def cancel(self) -> None:
        """Cancel what is under way and forget it: it is taken up as interrupted when the loop starts again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for state in (self._waiting, self._sending, self.results, self.open):
            state.clear()
        self.in_doubt = True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an attempt's task died after its result was in", exc_info=error)
            self._wake()

    async def _attempt(self, key: Key, target: Target, record: ClaimedRecord) -> None:
        if (held := self._lease.held) is not None:
            leaving.set(held.check)
        if not record.begun and not await self._begun(key, target, [record]):
            self._next(key)
            return
        if (pace := self._lanes[key].pace) is not None:
            turn.set(pace.turn)
        try:
            exchange, failure = await attempt.send(self._ctx, target, record)
        except LeaseOver:
            self.give_back(record, LEASE_OVER)
            self._next(key)
            return
        if exchange is not None:
            self._ctx.metrics.attempt_seconds.observe(exchange.duration_ms / 1000)
        else:
            self._lanes.probe_told_nothing(target)  # nothing was learned of the connection
        self._result(key, target, record, exchange, failure)
        self._next(key)
        self._note_health(target, exchange, failure)
        self._circuits.note(target, record.attempt_id, exchange, failure, offline=self._offline)

    async def _attempt_batch(
        self, key: Key, target: Target, batch: Batch, records: Sequence[ClaimedRecord]
    ) -> None:
        if (held := self._lease.held) is not None:
            leaving.set(held.check)
        if not all(record.begun for record in records):
            records = await self._begun(key, target, records)
        if records:
            if (pace := self._lanes[key].pace) is not None:
                turn.set(pace.turn)
            try:
                results = await batches.send(self._ctx, target, batch, records)
            except LeaseOver:
                for record in records:
                    self.give_back(record, LEASE_OVER)
            else:
                self._settle_batch(key, target, results)
        self._next(key)

    def _settle_batch(self, key: Key, target: Target, results: Sequence[Result]) -> None:
        alone = self._batches.note(results)
        sent = next((result for result in results if result.exchange is not None), None)
        if sent is not None and sent.exchange is not None:
            self._ctx.metrics.attempt_seconds.observe(sent.exchange.duration_ms / 1000)
            self._note_health(target, sent.exchange, sent.failure)
        else:
            self._lanes.probe_told_nothing(target)
        for result in results:
            self._result(
                key,
                target,
                result.record,
                result.exchange,
                result.failure,
                status=result.status,
                alone_next=result.record.id in alone,
            )
        # One request, however many records: it speaks for its endpoint where one of them was taken.
        told = next((each for each in results if each.exchange and each.failure is None), sent or results[0])
        self._circuits.note(
            target, told.record.attempt_id, told.exchange, told.failure, offline=self._offline
        )

    def _next(self, key: Key) -> None:
        """A slot is free."""
        self._sending[key] -= 1
        self.start(key)
        self._wake()

    async def _begun(self, key: Key, target: Target, records: Sequence[ClaimedRecord]) -> list[ClaimedRecord]:
        """Commit that these attempts begin, and return those that may leave; the others are given back."""
        begun: set[str] = set()
        why = TAKEN_UP
        try:
            begun = await self._ctx.store.write(
                intents.begin, [(record.id, record.attempt_id) for record in records]
            )
        except StoreUnavailable as error:
            log.warning("%d attempts cannot begin: %s", len(records), error)
            why = NOT_NOTED
        except Exception as error:  # a fault of ours: they are tried again on the schedule
            log.exception("%d attempts cannot begin", len(records))
            failure = replace(attempt.internal_failure(error), sent=Sent.NO)
            for record in records:
                self._result(key, target, record, None, failure)
            return []
        for record in records:
            if record.attempt_id not in begun:
                self.give_back(record, why)
        return [record for record in records if record.attempt_id in begun]

    def _result(
        self,
        key: Key,
        target: Target,
        record: ClaimedRecord,
        exchange: Exchange | None,
        failure: Failure | None,
        *,
        status: int | None = None,
        alone_next: bool = False,
    ) -> None:
        """Keep what became of a record, to be committed in the next turn."""
        try:
            self.results.append(
                attempt.settle(
                    self._ctx,
                    target,
                    record,
                    exchange,
                    failure,
                    offline=self._offline,
                    status=status,
                    alone_next=alone_next,
                )
            )
        except Exception:  # a fault of ours: the attempt is taken up as interrupted, and its slot is free
            log.exception("what came of attempt %s of record %s is lost", record.attempt_id, record.id)
            self.open.pop(record.attempt_id, None)
            self._lanes[key].done()
            self.in_doubt = True

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
