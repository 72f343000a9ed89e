"""Heartbeats: which connection is checked when. Daily in a slot of its own, on demand, and when deliveries say so.

A connection without a configured heartbeat is judged by its deliveries: what they say of authentication
and reachability is put through the same decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime

from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import is_health_evidence
from healthdesk.domain.states import ConnectionState, ErrorKind, Trigger
from healthdesk.engine.checker import Checker, facts
from healthdesk.engine.context import Context
from healthdesk.engine.due import AT_ONCE, CHECKS, CLAIMED, DueQueue
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.sentinels import Connects, Sentinels
from healthdesk.errors import Conflict, NotFound, StoreUnavailable
from healthdesk.store import checks, offline, past_checks
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionSecretRow

__all__ = ["Heartbeats", "facts"]

log = logging.getLogger(__name__)

POLL_S = 1.0
SCOUTS = 2
"""Scheduled checks under way at once while the desk is offline: one that is answered shows that it is back."""

BETWEEN_DELIVERY_CHECKS_S = 10.0
"""Deliveries that fail for a reason of the connection ask for a check; no more often than this."""

APART_S = 0.05
"""Between the checks that became due while the desk was stopped or offline, so that they are no burst."""

HEARD_OF = 8


class Heartbeats:
    """Checks connections when due, when asked, and when deliveries give a reason."""

    def __init__(self, ctx: Context, connects: Connects | None = None) -> None:
        """`connects` opens a connection to a sentinel and tells whether that worked."""
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)
        self.sentinels = Sentinels(ctx, connects)
        self._checker = Checker(ctx, self.sentinels)
        self._due = DueQueue(ctx, CHECKS)
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        """Checks under way by connection; each tells whether what it found was kept."""
        self._evidence: dict[str, tuple[int, Failure | None]] = {}
        """What deliveries say of a connection: the version of its settings that they had, and their failure."""
        self._heard: OrderedDict[str, None] = OrderedDict()
        """Connections whose host answered a delivery, the last one last."""
        self._asked_at: dict[str, float] = {}
        self._checker.on_change, self._checker.on_alerts = self._changed, self._alerted
        self.on_change: Callable[[], None] = lambda: None
        self.on_alerts: Callable[[], None] = lambda: None

    def _changed(self) -> None:
        self.on_change()

    def _alerted(self) -> None:
        self.on_alerts()

    def put_off_since(self, connection_id: str) -> datetime | None:
        """Return since when the desk is offline if a check of this connection was put off for it, else None."""
        return self.sentinels.offline_since if connection_id in self._checker.put_off else None

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
        if failure is None or failure.status is not None:
            self._heard[connection_id] = None
            if len(self._heard) > HEARD_OF:
                self._heard.popitem(last=False)
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
                await self._spread()
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
            await self._due.give_back()

    async def _spread(self) -> None:
        """Give what became due meanwhile times of its own."""
        try:
            await self.sentinels.recall()
            put = await self._ctx.store.write(
                checks.spread_overdue, self._ctx.clock.now(), apart_s=APART_S, at_once=AT_ONCE
            )
        except StoreUnavailable as error:
            log.warning("checks that are overdue start together: %s", error)
            return
        if put:
            log.info("%d checks are overdue and are done within %d s", put, put * APART_S)

    async def _turn(self) -> None:
        await self._listen()
        while self._evidence:
            connection_id, evidence = next(iter(self._evidence.items()))
            await self._weigh(connection_id, *evidence)
            if self._evidence.get(connection_id) is evidence:
                del self._evidence[connection_id]
        if self.sentinels.offline_since is not None and await self.sentinels.back():
            await self._returned()
        online = self.sentinels.offline_since is None
        most, ahead = (AT_ONCE, CLAIMED) if online else (SCOUTS, SCOUTS)
        for due in await self._due.take(most - len(self._tasks), ahead):
            if due.id in self._tasks:
                self._due.done(due.id)
                continue
            self._register(due.id, self._check_loudly(due.id, Trigger.SCHEDULE, due))

    async def _listen(self) -> None:
        """Tell the sentinels whose hosts answered deliveries lately."""
        if not self._heard:
            return
        heard, self._heard = self._heard, OrderedDict()
        for url in await self._ctx.store.read(past_checks.urls_of, list(heard)):
            self.sentinels.answered(url)

    async def _returned(self) -> None:
        """The desk is back: say so once to everybody, and let what was put off be checked."""
        since, now = self.sentinels.offline_since, self._ctx.clock.now()
        assert since is not None
        told = await self._ctx.store.write(
            offline.tell, self.sentinels.host, since, now, put_off=frozenset(self._checker.put_off)
        )
        log.warning("the desk was offline from %s to %s; %d checks were put off", since, now, told.checks)
        self._checker.put_off.clear()
        self.sentinels.forget()
        self._ctx.bus.publish("connection.changed")
        if told.alerts:
            self.on_alerts()
        await self._spread()

    def _start(self, connection_id: str, trigger: Trigger) -> asyncio.Task[bool]:
        """Start a check, or return the one under way."""
        task = self._tasks.get(connection_id)
        return task or self._register(connection_id, self._check_loudly(connection_id, trigger))

    def _register(self, connection_id: str, check: Coroutine[None, None, bool]) -> asyncio.Task[bool]:
        """Run a check as the one of its connection, so that two never overlap."""
        self._due.drop(connection_id)
        task = asyncio.create_task(check, name=f"check:{connection_id}")
        self._tasks[connection_id] = task
        task.add_done_callback(lambda _: self._finished(connection_id))
        return task

    def _finished(self, connection_id: str) -> None:
        self._tasks.pop(connection_id, None)
        self._due.done(connection_id)
        self._pulse.set()

    async def _check_loudly(
        self, connection_id: str, trigger: Trigger, row: ConnectionSecretRow | None = None
    ) -> bool:
        try:
            return await self._checker.check(connection_id, trigger, row)
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
        Raises NotFound for an unknown connection, Conflict when it cannot be called, and
        StoreUnavailable when the result cannot be kept.
        """
        running = self._tasks.get(connection_id)
        if running is not None and await _is_kept(running):
            return
        task = self._tasks.get(connection_id)
        if task is None:
            task = self._register(connection_id, self._checker.check(connection_id, trigger))
        await asyncio.shield(task)

    async def _weigh(self, connection_id: str, version: int, failure: Failure | None) -> None:
        """Put what a delivery said through the decision, or ask for a check where there is one."""
        try:
            row = await self._ctx.store.read(queries.get_secret, connection_id)
        except NotFound:
            return
        if row.settings_version != version:
            log.debug("%s was changed since: what a delivery found is out of date", row.name)
            return
        if row.pinged:
            return
        if row.heartbeat is None:
            await self._checker.weigh(row, failure)
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


async def _is_kept(running: asyncio.Task[bool]) -> bool:
    """Wait for a check under way and tell whether its result was kept; one that failed says nothing to others."""
    try:
        return await asyncio.shield(running)
    except (NotFound, Conflict, StoreUnavailable):
        return False
