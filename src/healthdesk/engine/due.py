"""Checks that are due: claimed in batches, and begun no more than so many at once, in all and of one host."""

from __future__ import annotations

import logging
from collections import Counter, deque
from datetime import timedelta

from healthdesk.engine.context import Context
from healthdesk.engine.sentinels import place_of
from healthdesk.errors import StoreUnavailable
from healthdesk.store import checks
from healthdesk.store.rows_health import DueCheck

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Scheduled checks under way at once."""

PER_HOST = 8
"""Of those, checks of one host: a thousand connections to one app are no burst there, and a slow host holds up others
for no more than its share."""

CLAIMED = 64
"""Checks claimed at once; more are claimed once half of them were begun. Their lease outlasts their wait."""

BUSY_HOST_S = 15.0
"""When a claimed check is due again whose host is busy with others."""


class DueQueue:
    """The scheduled checks this daemon claimed, in the order they became due."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: deque[DueCheck] = deque()
        self._running: dict[str, str] = {}
        """Host by connection, of the checks under way."""

    async def take(self, most: int) -> list[DueCheck]:
        """Return checks to begin now, up to `most`; say `done` of each. Raises StoreUnavailable."""
        if most <= 0:
            return []
        if len(self._waiting) <= CLAIMED // 2:
            await self._claim(most)
        busy = Counter(self._running.values())
        begun: list[DueCheck] = []
        passed: deque[DueCheck] = deque()
        while self._waiting and len(begun) < most:
            due = self._waiting.popleft()
            host = _host(due)
            if busy[host] >= PER_HOST:
                passed.append(due)
                continue
            busy[host] += 1
            self._running[due.id] = host
            begun.append(due)
        self._waiting = passed + self._waiting
        return begun

    def done(self, connection_id: str) -> None:
        """Say that a check is over."""
        self._running.pop(connection_id, None)

    async def give_back(self) -> None:
        """Let checks that were claimed and not begun be due again at once."""
        ids = [each.id for each in self._waiting]
        self._waiting.clear()
        if not ids:
            return
        try:
            await self._ctx.store.write(checks.give_back, ids, self._ctx.clock.now())
        except StoreUnavailable as error:
            log.warning("%d checks are due again when their lease runs out: %s", len(ids), error)

    async def _claim(self, most: int) -> None:
        """Claim what is due. Of a host that is busy no more is kept than it takes; the rest is due a little later."""
        now = self._ctx.clock.now()
        next_at = await self._ctx.store.read(checks.next_check_at)
        if next_at is None or next_at > now:
            return
        room = min(CLAIMED, 2 * most) - len(self._waiting)
        if room <= 0:
            return
        kept = Counter(_host(each) for each in self._waiting)
        later: list[str] = []
        for due in await self._ctx.store.write(checks.claim_due_checks, now, room):
            host = _host(due)
            if kept[host] >= 4 * PER_HOST:
                later.append(due.id)
                continue
            kept[host] += 1
            self._waiting.append(due)
        if later:
            await self._ctx.store.write(checks.give_back, later, now + timedelta(seconds=BUSY_HOST_S))


def _host(due: DueCheck) -> str:
    """Return what the limit of one host counts by: the host, or the app where its address is the app's own."""
    place = place_of(due.base_url)
    return f"{place[0]}:{place[1]}" if place else due.app
