"""One run of one instance: what it runs with, its worker, what its failure says, and what is kept of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from healthdesk.connectors.checking import misconfigured
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.health import REACHABILITY_KINDS, is_health_evidence
from healthdesk.domain.instance_runs import (
    BACKS_OFF_FROM_S,
    DOUBTFUL_AGAIN_S,
    JITTER,
    failed_state,
    next_run_at,
)
from healthdesk.domain.instance_states import InstanceKind, RunOutcome
from healthdesk.domain.problems import key_for_instance
from healthdesk.domain.retry import spread
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind, Trigger
from healthdesk.engine.apps import connector_of
from healthdesk.engine.context import Context
from healthdesk.engine.heartbeats import Heartbeats
from healthdesk.engine.instance_work import Done, Work, Worker
from healthdesk.errors import Conflict, ConnectorError, NotFound, StoreUnavailable, VaultError
from healthdesk.store import connections, instance_leases, instance_settle
from healthdesk.store.instance_leases import ClaimedInstance
from healthdesk.store.instance_settle import SettledRun
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceRow, RunRow

log = logging.getLogger(__name__)

T = TypeVar("T")

_UNASKED = frozenset({Trigger.SCHEDULE, Trigger.CALLBACK})
STORE_RETRY_S = 1.0
PROVEN_FOR_S = 10.0
"""A check of the connection that went well so long ago, or later, proves that a failure is the instance's own.

A refused credential or a host that does not answer may be news since then: only a check after it proves that.
"""


class Runner:
    """Runs leased instances. `workers` do the work of each kind."""

    def __init__(self, ctx: Context, heartbeats: Heartbeats, workers: Mapping[InstanceKind, Worker]) -> None:
        self._ctx = ctx
        self._heartbeats = heartbeats
        self._workers = workers
        self.on_alerts: Callable[[], None] = lambda: None

    async def run(self, claimed: ClaimedInstance) -> bool:
        """Run a leased instance and return whether that decided its state: it may have been changed meanwhile.

        Every failure is kept as what the instance failed with. Only while the database cannot be used it goes on
        trying to keep what came of it.
        """
        started = self._ctx.clock.now()
        try:
            found = await self._ctx.store.read(instance_leases.whole, claimed.id)
        except NotFound as error:
            log.warning("%s cannot be run: %s", claimed.id, error)
            return await self._release(claimed.id, BACKS_OFF_FROM_S)
        except StoreUnavailable as error:
            log.warning("%s could not be run: %s", claimed.id, error)
            return await self._release(claimed.id, STORE_RETRY_S)
        if found is None:
            return await self._release(claimed.id, 0.0)
        row, integration, connection = found
        try:
            done, doubts = await self._work(row, integration, connection, claimed)
        except StoreUnavailable as error:
            # What the run began is committed by itself, or was never done: it is run again.
            log.warning("%s %s could not be run: %s", row.kind.value, row.id, error)
            return await self._release(claimed.id, STORE_RETRY_S)
        blamed = done.failure is not None and (doubts or is_health_evidence(done.failure))
        stays = blamed and not await self._is_well(connection, done.failure, started)
        return await self._keep(row, connection, claimed, done, started, stays=stays)

    async def _work(
        self,
        row: InstanceRow,
        integration: IntegrationRow,
        connection: ConnectionSecretRow,
        claimed: ClaimedInstance,
    ) -> tuple[Done, bool]:
        """Return what came of the work, and whether a failure makes the connection doubtful whatever its kind."""
        try:
            connector = await connector_of(self._ctx, connection)
            work = Work(row, integration, connection, connector, claimed.trigger, claimed.triggered_by)
            return await self._workers[row.kind].run(work), False
        except ConnectorError as error:
            return _failed(row, misconfigured(error)), True
        except VaultError as error:
            return _failed(row, _unreadable(error)), True
        except StoreUnavailable:
            raise
        except Exception as error:  # a fault of ours in one instance must not be silent, nor end the loop
            log.exception("%s %s failed by a fault of healthdesk", row.kind.value, row.id)
            return _failed(row, _fault(error)), False

    async def _is_well(
        self, connection: ConnectionSecretRow, failure: Failure | None, started: datetime
    ) -> bool:
        """Tell whether the connection works, so that a failure is not its fault; it is checked where that is not known."""
        of_all = failure is not None and (
            failure.kind is ErrorKind.AUTHENTICATION or failure.kind in REACHABILITY_KINDS
        )
        proven_at = started if of_all else started - timedelta(seconds=PROVEN_FOR_S)
        try:
            now = await self._ctx.store.read(connections.get, connection.id)
            if not _proven(now, proven_at):
                await self._heartbeats.check_now(connection.id, Trigger.DELIVERY)
                now = await self._ctx.store.read(connections.get, connection.id)
            return _proven(now, proven_at)
        except NotFound:
            return False
        except Conflict:
            return True  # it is pinged: its health says nothing of this
        except StoreUnavailable as error:
            log.warning("whether %s works is not known: %s", connection.name, error)
            return False

    async def _keep(
        self,
        row: InstanceRow,
        connection: ConnectionSecretRow,
        claimed: ClaimedInstance,
        done: Done,
        started: datetime,
        *,
        stays: bool,
    ) -> bool:
        now = self._ctx.clock.now()
        failure = done.failure
        failures = row.failures + 1 if failure is not None and not stays else 0
        key = None
        if failure is not None and not stays:
            key = key_for_instance(failure, row.kind, row.integration_id, connection.id, row.owner)
        settled = SettledRun(
            instance_id=row.id,
            version=row.version,
            kind=row.kind,
            connection_id=connection.id,
            now=now,
            next_at=self._next_at(row, done, now, failures, stays=stays),
            failures=failures,
            state=None if stays else done.state,
            failure=failure,
            key=key,
            run=self._run_row(row, claimed, done, started, now),
            begun=done.run_id is not None,
            keep=done.keep,
        )
        kept = await self._until_stored(lambda: self._ctx.store.write(instance_settle.settle, settled))
        self._ctx.metrics.syncs.labels(
            kind=row.kind.value, result="failed" if failure is not None else "ok"
        ).inc()
        self._ctx.bus.publish(
            "instance.changed", row.id, {"state": (done.state if not stays else row.state).value}
        )
        if row.kind is InstanceKind.TASK:
            self._ctx.bus.publish("task.changed", row.id)
        for problem_id in kept.changes.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if kept.changes.alerts_queued:
            self.on_alerts()
        return kept.decided

    def _next_at(
        self, row: InstanceRow, done: Done, now: datetime, failures: int, *, stays: bool
    ) -> datetime:
        unit = self._ctx.jitter_unit()
        if stays:
            return now + timedelta(seconds=spread(DOUBTFUL_AGAIN_S, unit, JITTER))
        retry_after_s = done.failure.retry_after_s if done.failure is not None else None
        return next_run_at(
            now, row.every_s, failures, unit, retry_after_s=retry_after_s, again_s=done.again_s
        )

    def _run_row(
        self, row: InstanceRow, claimed: ClaimedInstance, done: Done, started: datetime, now: datetime
    ) -> RunRow | None:
        """Return the run to store; one that nobody asked for and in which nothing happened leaves none.

        What a callback tells is often our own push, and then there is nothing to find.
        """
        silent = done.outcome is RunOutcome.UNCHANGED and claimed.trigger in _UNASKED
        if silent and row.kind is InstanceKind.TASK and done.run_id is None:
            return None
        failure, exchange = done.failure, done.exchange
        status = exchange.status if exchange is not None else None
        return RunRow(
            id=done.run_id or self._ctx.new_id("run"),
            instance_id=row.id,
            outcome=done.outcome,
            trigger=claimed.trigger,
            triggered_by=claimed.triggered_by,
            daemon_id=self._ctx.daemon_id,
            started_at=started,
            finished_at=now,
            duration_ms=(now - started).total_seconds() * 1000,
            status=failure.status if failure is not None and failure.status is not None else status,
            error_kind=failure.kind.value if failure else "",
            blame=failure.blame.value if failure else "",
            error=failure.sentence if failure else "",
            next_action=failure.next_action if failure else "",
            detail=done.detail,
            content_hash=done.content_hash,
            rows=done.rows,
            cut=done.cut,
        )

    async def _release(self, instance_id: str, after_s: float) -> bool:
        """Give the lease of a run up that came to nothing, to be run again after so many seconds; return False."""
        at = self._ctx.clock.now() + timedelta(seconds=after_s)
        await self._until_stored(lambda: self._ctx.store.write(instance_leases.release, instance_id, at))
        return False

    async def _until_stored(self, write: Callable[[], Coroutine[None, None, T]]) -> T:
        """Write as often as it takes: what came of a run is not lost while the database cannot be used."""
        while True:
            try:
                return await write()
            except StoreUnavailable as error:
                log.warning("what came of a run waits for the database: %s", error)
                await self._ctx.clock.sleep(STORE_RETRY_S)


def _proven(row: ConnectionRow, since: datetime) -> bool:
    """Tell whether a check since then found that the connection works."""
    if row.judged_by_deliveries or row.pinged:
        return row.state is not ConnectionState.FAILING
    healthy_at = row.last_healthy
    return row.state is ConnectionState.CONNECTED and healthy_at is not None and healthy_at >= since


def _failed(row: InstanceRow, failure: Failure) -> Done:
    return Done(RunOutcome.FAILED, failed_state(row.kind, row.state), failure=failure)


def _unreadable(error: VaultError) -> Failure:
    safe = "The credentials of its connection cannot be read"
    return Failure(
        kind=ErrorKind.INTERNAL,
        blame=Blame.US,
        permanent=False,
        sentence=f"{safe}: {error.what}",
        safe_sentence=safe,
        next_action=error.fix or "Look into the daemon's log",
        sent=Sent.NO,
    )


def _fault(error: Exception) -> Failure:
    safe = f"healthdesk failed on it: {type(error).__name__}"
    return Failure(
        kind=ErrorKind.INTERNAL,
        blame=Blame.US,
        permanent=False,
        sentence=safe,
        safe_sentence=safe,
        next_action="Look into the daemon's log, and report what it says",
        sent=Sent.MAYBE,
    )
