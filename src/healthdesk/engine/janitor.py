"""The janitor: recovers what a crash interrupted, keeps the lease, opens problems in time, deletes what is old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from healthdesk.domain.lookup_values import SECRET_NAME
from healthdesk.engine.clockwatch import ClockWatch
from healthdesk.engine.context import Context
from healthdesk.engine.desk_secrets import desk_secret
from healthdesk.engine.pulse import Pulse
from healthdesk.engine.taking_up import take_up
from healthdesk.errors import StoreUnavailable, VaultError
from healthdesk.store import (
    daemons,
    instance_retention,
    integrations,
    jobs,
    lookups,
    previous,
    problems,
    recovery,
    retention,
)
from healthdesk.store import desk as desk_queries

log = logging.getLogger(__name__)

BEAT_S = 5.0
LEASE = timedelta(seconds=20)
"""A daemon that did not renew its lease for this long is taken for dead; its attempts were interrupted."""

LEASE_MARGIN_S = 10.0
"""How much earlier than it ends this daemon stops to rely on its lease: a request that takes no longer has ended by then."""

SHARED_AFTER_S = LEASE.total_seconds() - LEASE_MARGIN_S
"""By when every daemon has taken in a change of the shares: it sends nothing after that until it has renewed its lease, and
looks at the shares with each renewal.
"""

SETTLED_IN = timedelta(minutes=1)
"""How old an attempt is before it is asked whether this daemon knows of it: a lost commit may become visible late."""

RETENTION_EVERY_S = 300.0
STEP = 200
"""Rows touched in one small transaction."""

PAUSE_BETWEEN_STEPS_S = 0.02
RETENTION_STRETCH_S = 2.0
"""How long one beat may delete: the next renews the lease before it goes on."""


class OnLive(Protocol):
    """Told the ids of the daemons that share the work."""

    def __call__(self, sharing: list[str], /, *, joins: bool) -> None:
        """Take them in."""


class OnLease(Protocol):
    """What is told of each renewal of the lease."""

    def __call__(self, until_s: float, *, held: bool) -> None:
        """Take until when it holds surely, in monotonic seconds, and whether it had held until it was renewed; not the first one."""


def _nothing(until_s: float, *, held: bool) -> None:
    """Tell nobody."""


class Janitor:
    """Housekeeping of one daemon."""

    def __init__(
        self,
        ctx: Context,
        on_alerts: Callable[[], None],
        on_recovered: Callable[[], None],
        on_live: OnLive = lambda *_, **__: None,
        on_open: Callable[[list[str]], None] = lambda _: None,
        delivers: Callable[[], bool] = lambda: True,
    ) -> None:
        """Tell, with each beat, `on_live` the ids of daemons that share the work, and whether this one joins them only now, as
        at its start and once its lease had run out, and `on_open` those of this daemon's attempts that have been without a
        result for a while; tell others whether this one `delivers`.
        """
        self._ctx = ctx
        self._delivers = delivers
        self._on_open = on_open
        self._on_live = on_live
        self._joins = True
        self._ends_s = float("-inf")
        """Until when, by this daemon's monotonic clock, the lease cannot have run out."""
        self._unheard = False
        """Whether a renewal since the last one may have found the lease run out, and its answer was lost."""
        self._renewing = asyncio.Lock()
        self._on_alerts = on_alerts
        self._on_recovered = on_recovered
        self._pulse = Pulse(ctx.clock, BEAT_S)
        self.on_lease: OnLease = _nothing
        """Told with each renewal until when the lease holds surely, in monotonic seconds, and whether it had held."""
        self._clock_watch = ClockWatch(ctx)
        self._retention_at = 0.0

    async def recover(self) -> int:
        """Before anything is sent: register, and queue again what daemons now dead were sending.

        With SQLite there is one daemon by the lock file, so every other one is dead at once.
        """
        store = self._ctx.store
        asked_at = self._ctx.clock.monotonic()
        await store.write(
            daemons.register,
            self._ctx.daemon_id,
            self._ctx.clock.now(),
            LEASE,
            keys=self._ctx.vault.key_ids,
        )
        if store.dialect != "sqlite":
            self._ends_s = asked_at + LEASE.total_seconds()
            await self._tell_of_daemons()
            self.on_lease(self._ends_s - LEASE_MARGIN_S, held=False)
        await self._clock_watch.judge_again()
        return await self._recover(others_are_dead=store.dialect == "sqlite")

    async def _recover(self, *, others_are_dead: bool) -> int:
        attempts, messages = await take_up(self._ctx, others_are_dead=others_are_dead)
        if messages:
            self._on_alerts()
        if attempts:
            self._on_recovered()
        return attempts

    async def run(self, stop: asyncio.Event) -> None:
        """Keep house until `stop`, then give the lease up."""
        async with self._pulse.running(stop):
            while not stop.is_set():
                self._pulse.clear()
                try:
                    await self._beat(stop)
                except StoreUnavailable as error:
                    log.warning("housekeeping waits for the database: %s", error)
                await self._pulse.wait()
        try:
            await self._ctx.store.write(daemons.leave, self._ctx.daemon_id, self._ctx.clock.now())
        except StoreUnavailable as error:
            log.warning(
                "the lease of this daemon is not given up, it runs out within %d s: %s",
                LEASE.total_seconds(),
                error,
            )

    async def _beat(self, stop: asyncio.Event) -> None:
        self._read_key_file()
        await self.renew()
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "taking up what others left": self._look_at_daemons,
            "watching the clock": self._watch_clock,
            "telling problems in time": self._tick,
            "erasing credentials from before": self._erase_previous,
            "measuring": self._measure,
            "filling lookup fields": lambda: self._fill_lookups(stop),
            "deleting what is old": lambda: self._delete_old(stop),
        }
        for name, part in parts.items():
            try:
                await part()
            except StoreUnavailable:
                raise
            except Exception:  # a fault of ours in one part: loud, and the others still have their turn
                log.exception("housekeeping: %s failed; the rest goes on, and it is tried again", name)

    async def renew(self) -> None:
        """Renew the lease and look who shares the work; then tell both. Raises StoreUnavailable.

        Nobody relies on the lease before this daemon's share is what the others know of.
        """
        store = self._ctx.store
        async with self._renewing:
            asked_at = self._ctx.clock.monotonic()
            try:
                renewed = await store.write(
                    daemons.renew,
                    self._ctx.daemon_id,
                    self._ctx.clock.now(),
                    LEASE,
                    delivers=self._delivers(),
                    keys=self._ctx.vault.key_ids,
                )
            except StoreUnavailable:
                self._unheard = True
                raise
            held = renewed and not (self._unheard and self._ctx.clock.monotonic() >= self._ends_s)
            if not held:
                log.warning("the lease of this daemon had run out; others may have sent its records again")
            self._unheard = False
            self._ends_s = asked_at + LEASE.total_seconds()
            if store.dialect != "sqlite":
                self._joins = self._joins or not held
                held = not self._joins  # it stays lost until the others were looked at
                await self._tell_of_daemons()
                self.on_lease(self._ends_s - LEASE_MARGIN_S, held=held)

    async def _look_at_daemons(self) -> None:
        store, now = self._ctx.store, self._ctx.clock.now()
        if store.dialect != "sqlite":
            await self._recover(others_are_dead=False)
        self._on_open(await store.read(recovery.open_attempts, self._ctx.daemon_id, now - SETTLED_IN))

    async def _tell_of_daemons(self) -> None:
        sharing = await self._ctx.store.read(daemons.sharing, self._ctx.clock.now())
        joins, self._joins = self._joins, False
        self._on_live(sharing, joins=joins)

    async def _watch_clock(self) -> None:
        if await self._clock_watch.look():
            self._on_alerts()
            self._on_recovered()

    async def _tick(self) -> None:
        ticked = await self._ctx.store.write(problems.tick, self._ctx.clock.now())
        for problem_id in ticked.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if ticked.alerts_queued:
            self._on_alerts()

    async def _erase_previous(self) -> None:
        store, now = self._ctx.store, self._ctx.clock.now()
        if await store.read(previous.previous_over, now):
            await store.write(previous.erase_previous, now)

    def _read_key_file(self) -> None:
        """Take over a key that was added to the file: another daemon may be about to encrypt with it."""
        try:
            if self._ctx.vault.refresh():
                log.info("the key file changed and was read again")
        except VaultError as error:
            log.error("the key file changed and cannot be used; the keys from before stay: %s", error)

    async def _measure(self) -> None:
        counts = await self._ctx.store.read(desk_queries.counts, self._ctx.clock.now())
        metrics = self._ctx.metrics
        for name, value in counts.items():
            noun, _, state = name.partition("_")
            gauge = {
                "records": metrics.records,
                "connections": metrics.connections,
                "problems": metrics.problems,
            }
            if state and noun in gauge:
                gauge[noun].labels(state=state).set(value)

    async def _fill_lookups(self, stop: asyncio.Event) -> None:
        """Find earlier records by their source's new lookup fields, too; for a stretch, as `_delete_old`."""
        clock, store = self._ctx.clock, self._ctx.store
        pause_at = clock.monotonic() + RETENTION_STRETCH_S
        for source_id in await store.read(lookups.waiting, clock.now()):
            secret = await desk_secret(self._ctx, SECRET_NAME)
            while not stop.is_set() and await store.write(lookups.fill_some, source_id, secret, STEP):
                if clock.monotonic() >= pause_at:
                    self._pulse.set()
                    return
                await clock.sleep(PAUSE_BETWEEN_STEPS_S)

    async def _delete_old(self, stop: asyncio.Event) -> None:
        """Delete what is old where that is due, for a stretch; what is left waits for the next beat, which comes at once."""
        if self._ctx.clock.monotonic() < self._retention_at:
            return
        keep = self._ctx.config.storage.retention_days
        clock, write = self._ctx.clock, self._ctx.store.write
        bodies, rest = timedelta(days=keep.bodies), timedelta(days=keep.rest)
        pause_at = clock.monotonic() + RETENTION_STRETCH_S
        steps: tuple[Callable[[], Awaitable[int]], ...] = (
            lambda: write(retention.delete_some, clock.now(), bodies=bodies, rest=rest, limit=STEP),
            lambda: write(
                instance_retention.delete_old_runs, clock.now(), unchanged=bodies, rest=rest, limit=STEP
            ),
            lambda: write(retention.thin_rejected),
            lambda: write(jobs.delete_old, clock.now(), keep=rest, limit=STEP),
        )
        for step in steps:
            while not stop.is_set():
                if await step() == 0:
                    break
                if clock.monotonic() >= pause_at:
                    self._pulse.set()
                    return
                await clock.sleep(PAUSE_BETWEEN_STEPS_S)
        await write(integrations.expire_old_keys, clock.now())
        self._retention_at = clock.monotonic() + RETENTION_EVERY_S
