"""Watches the host's clock: a step back is told and its due times judged again; so is one unlike the database's.

Leases do not depend on this (see `store.daemons`). Due times are of the host's clock: those planned while it was
ahead would otherwise wait until it gets there.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from healthdesk.domain.clocks import SKEW_FIX, SKEW_S, skew_s, skew_sentence
from healthdesk.domain.health import REFUSED_EVERY_S
from healthdesk.domain.retry import longest_wait_s, spread
from healthdesk.engine.context import Context
from healthdesk.store import daemons, due

log = logging.getLogger(__name__)

STEP_S = 30.0
"""A clock that NTP slews never goes back so far from one beat to the next."""

SLACK = timedelta(hours=1)
"""A due time is only judged wrong by more than clocks of one desk may differ."""

STEP = 200


class ClockWatch:
    """The clock of one daemon's host, looked at with every beat of the janitor."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._seen: tuple[datetime, float] | None = None
        self._told_skew = False

    def stepped_back_s(self) -> float:
        """Return by how many seconds the time of day was set back since the last look; 0 for less than STEP_S."""
        now, monotonic = self._ctx.clock.now(), self._ctx.clock.monotonic()
        before, self._seen = self._seen, (now, monotonic)
        if before is None:
            return 0.0
        lost_s = (monotonic - before[1]) - (now - before[0]).total_seconds()
        return lost_s if lost_s > STEP_S else 0.0

    async def look(self) -> int:
        """Tell of a step back and of a clock unlike the database's; return how many due times were judged again."""
        back_s = self.stepped_back_s()
        await self._compare()
        if not back_s:
            return 0
        log.warning(
            "the clock of this host was set back by %d s: what was planned before comes up to that much later; "
            "keep the clock right with NTP",
            back_s,
        )
        return await self.judge_again()

    async def judge_again(self) -> int:
        """Make due now what waits longer than any schedule can ask; return how many records, messages and checks."""
        store, now, config = self._ctx.store, self._ctx.clock.now(), self._ctx.config
        delivery, heartbeat = config.delivery, config.heartbeat
        waits = [
            timedelta(seconds=longest_wait_s(tries, delivery.schedule, delivery.jitter))
            for tries in range(len(delivery.schedule) + 1)
        ]
        total = 0
        while True:
            count = await store.write(due.records_forward, now, waits=waits, slack=SLACK, limit=STEP)
            total += count
            if count < STEP:
                break
        while True:
            count = await store.write(due.undecided_forward, now, wait=max(waits), slack=SLACK, limit=STEP)
            total += count
            if count < STEP:
                break
        schedule = config.alerts.schedule
        longest_s = max(longest_wait_s(tries, schedule) for tries in range(len(schedule) + 1))
        total += await store.write(due.alerts_forward, now, wait=timedelta(seconds=longest_s), slack=SLACK)
        every_s = spread(max(heartbeat.every_s, REFUSED_EVERY_S), 1.0, heartbeat.jitter)
        total += await store.write(due.checks_forward, now, wait=timedelta(seconds=every_s), slack=SLACK)
        if total:
            log.warning(
                "%d due times lay further ahead than anything is planned: the clock was ahead when they were set. "
                "They are due now",
                total,
            )
        return total

    async def _compare(self) -> None:
        """Say once that the host's clock and the database's differ, and once that they agree again."""
        if self._ctx.store.dialect == "sqlite":
            return
        before = self._ctx.clock.now()
        theirs = await self._ctx.store.read(daemons.database_now)
        if theirs is None:
            return
        ahead_s = skew_s(before, theirs, self._ctx.clock.now())
        if (abs(ahead_s) > SKEW_S) is self._told_skew:
            return
        self._told_skew = not self._told_skew
        if self._told_skew:
            log.warning("%s; %s", skew_sentence(ahead_s), SKEW_FIX)
        else:
            log.info("the clocks of this host and of the database agree again")
