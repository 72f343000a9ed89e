"""Heartbeats: the cheap authenticated call that decides a connection's health, daily and on demand.

A connection without a configured heartbeat is judged by its deliveries: what they say of authentication
and reachability is put through the same decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.heartbeat import CheckOutcome, check
from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import (
    HealthChange,
    HealthFacts,
    after_check,
    after_delivery_evidence,
    is_health_evidence,
)
from healthdesk.domain.problems import key_for_connection
from healthdesk.domain.states import ConnectionState, ErrorKind, Trigger
from healthdesk.engine.context import Context
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import Conflict, ConnectorError, NotFound, StoreUnavailable, VaultError
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, HeartbeatRow

log = logging.getLogger(__name__)

POLL_S = 1.0
AT_ONCE = 32
"""Checks under way at once."""

BETWEEN_DELIVERY_CHECKS_S = 10.0
"""Deliveries that fail for a reason of the connection ask for a check; no more often than this."""


class Heartbeats:
    """Checks connections when due, when asked, and when deliveries give a reason."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        """Checks under way by connection; each tells whether what it found was kept."""
        self._evidence: dict[str, tuple[int, Failure | None]] = {}
        """What deliveries say of a connection: the version of its settings that they had, and their failure."""
        self._asked_at: dict[str, float] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Look for due checks now."""
        self._pulse.set()

    def note_delivery(
        self, connection_id: str, failure: Failure | None, *, version: int, doubtful: bool = False
    ) -> None:
        """Take what a delivery with settings of a `version` says of its connection's health; never blocks.

        A failure of the record itself says nothing, unless the connection is `doubtful`: judged by its
        deliveries and not known to work, so that any answer is news.
        """
        if not doubtful and (failure is None or not is_health_evidence(failure)):
            return
        if connection_id in self._evidence and self._evidence[connection_id][0] > version:
            return
        self._evidence[connection_id] = (version, failure)
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Check until `stop`."""
        try:
            async with self._pulse.running(stop):
                while not stop.is_set():
                    self._pulse.clear()
                    try:
                        await self._turn()
                    except StoreUnavailable as error:
                        log.warning("heartbeats wait for the database: %s", error)
                    await self._pulse.wait()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        finally:
            running = list(self._tasks.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _turn(self) -> None:
        while self._evidence:
            connection_id, evidence = next(iter(self._evidence.items()))
            await self._weigh(connection_id, *evidence)
            if self._evidence.get(connection_id) is evidence:
                del self._evidence[connection_id]
        free = AT_ONCE - len(self._tasks)
        if free <= 0:
            return
        now = self._ctx.clock.now()
        next_at = await self._ctx.store.read(queries.next_check_at)
        if next_at is None or next_at > now:
            return
        for due in await self._ctx.store.write(queries.claim_due_checks, now, free):
            self._start(due.id, Trigger.SCHEDULE)

    def _start(self, connection_id: str, trigger: Trigger) -> asyncio.Task[bool]:
        """Start a check, or return the one under way."""
        task = self._tasks.get(connection_id)
        return task or self._register(connection_id, self._check_loudly(connection_id, trigger))

    def _register(self, connection_id: str, check: Coroutine[None, None, bool]) -> asyncio.Task[bool]:
        """Run a check as the one of its connection, so that two never overlap."""
        task = asyncio.create_task(check, name=f"check:{connection_id}")
        self._tasks[connection_id] = task
        task.add_done_callback(lambda _: self._finished(connection_id))
        return task

    def _finished(self, connection_id: str) -> None:
        self._tasks.pop(connection_id, None)
        self._pulse.set()

    async def _check_loudly(self, connection_id: str, trigger: Trigger) -> bool:
        try:
            return await self._check(connection_id, trigger)
        except NotFound:
            log.info("connection %s was removed while it was to be checked", connection_id)
        except Conflict as error:
            log.warning("%s", error)
        except StoreUnavailable as error:
            log.warning("the check of %s could not be kept: %s", connection_id, error)
        return False

    async def check_now(self, connection_id: str, trigger: Trigger = Trigger.OPERATOR) -> None:
        """Check now and return when the result is committed.

        Joins a check under way, unless that began with settings that are changed since: then one more follows it.
        Raises NotFound for an unknown connection, Conflict when its credentials cannot be read, and
        StoreUnavailable when the result cannot be kept.
        """
        running = self._tasks.get(connection_id)
        if running is not None and await _is_kept(running):
            return
        task = self._tasks.get(connection_id)
        if task is None:
            task = self._register(connection_id, self._check(connection_id, trigger))
        await asyncio.shield(task)

    async def _check(self, connection_id: str, trigger: Trigger) -> bool:
        """Check, twice where the first asks for it; return whether what was found is of the settings as they are."""
        row = await self._ctx.store.read(queries.get_secret, connection_id)
        if row.heartbeat is None:
            return await self._probe_by_delivery(row)
        kept, change = await self._check_once(row, trigger)
        if kept and change.recheck_now:
            row = await self._ctx.store.read(queries.get_secret, connection_id)
            if row.heartbeat is not None:
                kept, _ = await self._check_once(row, trigger)
        return kept

    async def _check_once(self, row: ConnectionSecretRow, trigger: Trigger) -> tuple[bool, HealthChange]:
        assert row.heartbeat is not None
        outcome = await check(
            self._ctx.session,
            row.base_url,
            row.heartbeat,
            self._credentials(row),
            timeout_s=self._ctx.config.delivery.timeout_s,
        )
        heartbeat = self._ctx.config.heartbeat
        change = after_check(
            facts(row),
            outcome.failure,
            self._ctx.clock.now(),
            every_s=heartbeat.every_s,
            jitter_unit=self._ctx.jitter_unit(),
            jitter=heartbeat.jitter,
        )
        kept = await self._keep(row, change, outcome.failure, self._row(row, trigger, outcome, change))
        self._ctx.metrics.checks.labels(result="ok" if outcome.ok else "failed").inc()
        return kept, change

    def _credentials(self, row: ConnectionSecretRow) -> StoredCredentials:
        if not row.credentials_enc:
            return StoredCredentials()
        try:
            return StoredCredentials.from_json(self._ctx.vault.decrypt(row.credentials_enc))
        except (VaultError, ConnectorError) as error:
            raise Conflict(f"{row.name} was not checked: {error}", fix=error.fix) from error

    def _row(
        self, row: ConnectionRow, trigger: Trigger, outcome: CheckOutcome, change: HealthChange
    ) -> HeartbeatRow:
        exchange, failure = outcome.exchange, outcome.failure
        return HeartbeatRow(
            id=self._ctx.new_id("hbt"),
            connection_id=row.id,
            at=self._ctx.clock.now(),
            trigger=trigger,
            ok=outcome.ok,
            status=exchange.status,
            duration_ms=exchange.duration_ms,
            kind=failure.kind.value if failure else "",
            sentence=failure.sentence if failure else "",
            state_after=change.state,
            response_headers=exchange.response_headers,
            response_body=exchange.response_body,
            response_cut=exchange.response_cut,
        )

    async def _probe_by_delivery(self, row: ConnectionRow) -> bool:
        """Judged by deliveries: while failing, let one record through as the probe."""
        if row.state is not ConnectionState.FAILING:
            return True
        probe = after_delivery_evidence(facts(row), None, self._ctx.clock.now(), probe=True)
        return await self._keep(row, probe, row.failure, None)

    async def _weigh(self, connection_id: str, version: int, failure: Failure | None) -> None:
        """Put what a delivery said through the decision, or ask for a check where there is one."""
        try:
            row = await self._ctx.store.read(queries.get_secret, connection_id)
        except NotFound:
            return
        if row.settings_version != version:
            log.debug("%s was changed since: what a delivery found is out of date", row.name)
            return
        if row.heartbeat is None:
            change = after_delivery_evidence(facts(row), failure, self._ctx.clock.now())
            # A refusal of the record itself proves that the connection works: nothing is wrong with it.
            works = change.state is ConnectionState.CONNECTED
            await self._keep(row, change, None if works else failure, None)
            return
        now = self._ctx.clock.monotonic()
        asked = self._asked_at.get(connection_id)
        reachability = failure is not None and failure.kind is not ErrorKind.AUTHENTICATION
        if row.state is ConnectionState.FAILING or (reachability and row.state is ConnectionState.SUSPECT):
            return
        if asked is not None and now - asked < BETWEEN_DELIVERY_CHECKS_S:
            return
        self._asked_at[connection_id] = now
        self._start(connection_id, Trigger.DELIVERY)

    async def _keep(
        self,
        row: ConnectionRow,
        change: HealthChange,
        failure: Failure | None,
        heartbeat: HeartbeatRow | None,
    ) -> bool:
        """Commit the new health, the check, and the connection's problem in one transaction.

        Returns False when the connection's settings are others than those of `row`: its health is left as it is.
        """
        key = key_for_connection(failure, row.id, row.name, row.owner) if failure is not None else None
        kept = await self._ctx.store.write(
            queries.set_health,
            row.id,
            change,
            failure,
            key,
            heartbeat,
            self._ctx.clock.now(),
            version=row.settings_version,
        )
        if kept is None:
            log.info("%s was changed while it was checked: what was found is out of date", row.name)
            return False
        if heartbeat is not None or change.state is not row.state:
            self._ctx.bus.publish("connection.changed", row.id, {"state": change.state.value})
        if change.state is not row.state:
            log.info("%s: %s → %s", row.name, row.state.value, change.state.value)
            self.on_change()
        for problem_id in kept.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if kept.alerts_queued:
            self.on_alerts()
        return True


async def _is_kept(running: asyncio.Task[bool]) -> bool:
    """Wait for a check under way and tell whether its result was kept; one that failed says nothing to others."""
    try:
        return await asyncio.shield(running)
    except (NotFound, Conflict, StoreUnavailable):
        return False


def facts(row: ConnectionRow) -> HealthFacts:
    """Return what the health decision needs of a connection's row."""
    return HealthFacts(
        state=row.state,
        suspect_checks=row.suspect_checks,
        state_since=row.state_since,
        last_failure_kind=ErrorKind(row.last_error_kind) if row.last_error_kind else None,
    )
