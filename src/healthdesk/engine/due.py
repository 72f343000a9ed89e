"""Checks that are due: claimed in batches, and begun no more than so many at once, in all and of one host."""

from __future__ import annotations

import logging
from collections import Counter, deque
from datetime import timedelta

from healthdesk.engine.context import Context
from healthdesk.engine.sentinels import place_of
from healthdesk.errors import StoreUnavailable
from healthdesk.store import checks
from healthdesk.store.checks import CHECK_LEASE
from healthdesk.store.rows import ConnectionSecretRow

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Scheduled checks under way at once."""

PER_HOST = 8
"""Of those, checks of one host: a thousand connections to one app are no burst there, and a slow host holds up others
for no more than its share."""

CLAIMED = 64
"""Checks claimed ahead; more are claimed once half of them were begun."""

KEPT_S = CHECK_LEASE.total_seconds() / 2
"""A claimed check that waited so long is given back: its lease has to outlast the check, too, or another daemon makes
the same one."""

LOOK_PAST_S = 1.0
"""How often a queue full of checks of busy hosts is looked past."""

BUSY_HOST_S = 2.0
"""When a check is due again that was given back because its host is busy: those of other hosts go before it."""


class DueQueue:
    """The scheduled checks this daemon claimed, in the order they became due."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: deque[ConnectionSecretRow] = deque()
        self._claimed_at: dict[str, float] = {}
        """When those that wait were claimed, of the clock that never jumps; the oldest first, as they wait."""
        self._running: dict[str, str] = {}
        """Host by connection, of the checks under way."""
        self._looked_past_at = 0.0

    async def take(self, most: int, ahead: int = CLAIMED) -> list[ConnectionSecretRow]:
        """Return checks to begin now, up to `most`; say `done` of each. Raises StoreUnavailable.

        `ahead`: how many may be claimed, those that have to wait included.
        """
        await self._let_go_of_old()
        begun = self._begin(most)
        if len(begun) < most and await self._claim(ahead):
            begun += self._begin(most - len(begun))
        return begun

    async def _let_go_of_old(self) -> None:
        """Give back what waited too long behind a slow host; what is no longer ours is only forgotten."""
        now_s, old = self._ctx.clock.monotonic(), []
        while self._waiting and now_s - self._claimed_at[self._waiting[0].id] > KEPT_S:
            each = self._waiting.popleft().id
            if now_s - self._claimed_at.pop(each) < CHECK_LEASE.total_seconds():
                old.append(each)
        if old:
            await self._ctx.store.write(checks.give_back, old, self._ctx.clock.now())

    def _begin(self, most: int) -> list[ConnectionSecretRow]:
        busy = Counter(self._running.values())
        begun: list[ConnectionSecretRow] = []
        passed: deque[ConnectionSecretRow] = deque()
        while self._waiting and len(begun) < most:
            due = self._waiting.popleft()
            host = _host(due)
            if busy[host] >= PER_HOST:
                passed.append(due)
                continue
            busy[host] += 1
            self._claimed_at.pop(due.id, None)
            self._running[due.id] = host
            begun.append(due)
        self._waiting = passed + self._waiting
        return begun

    def done(self, connection_id: str) -> None:
        """Say that a check is over."""
        self._running.pop(connection_id, None)

    def drop(self, connection_id: str) -> None:
        """Say that a check begins for another reason: one that waits would decide with what was so before it."""
        self._waiting = deque(each for each in self._waiting if each.id != connection_id)
        self._claimed_at.pop(connection_id, None)

    async def give_back(self) -> None:
        """Let checks that were claimed and not begun be due again at once."""
        ids = [each.id for each in self._waiting]
        self._waiting.clear()
        self._claimed_at.clear()
        if not ids:
            return
        try:
            await self._ctx.store.write(checks.give_back, ids, self._ctx.clock.now())
        except StoreUnavailable as error:
            log.warning("%d checks are due again when their lease runs out: %s", len(ids), error)

    async def _claim(self, ahead: int) -> bool:
        """Claim what is due, and tell whether there was anything.

        While checks of busy hosts fill the queue, some of them are given back now and then for those of others.
        """
        clock = self._ctx.clock
        now = clock.now()
        if len(self._waiting) > ahead // 2:
            if clock.monotonic() - self._looked_past_at < LOOK_PAST_S:
                return False
            self._looked_past_at = clock.monotonic()
        next_at = await self._ctx.store.read(checks.next_check_at)
        if next_at is None or next_at > now:
            return False
        later = [self._waiting.pop().id for _ in range(len(self._waiting) - ahead // 2)]
        for each in later:
            del self._claimed_at[each]
        if later:
            then = now + timedelta(seconds=BUSY_HOST_S)
            await self._ctx.store.write(checks.give_back, later, then)
        room = ahead - len(self._waiting)
        claimed = await self._ctx.store.write(checks.claim_due_checks, now, room) if room > 0 else []
        self._waiting.extend(claimed)
        self._claimed_at |= dict.fromkeys((each.id for each in claimed), clock.monotonic())
        return bool(claimed)


def _host(due: ConnectionSecretRow) -> str:
    """Return what the limit of one host counts by: the host, or the app where its address is the app's own."""
    place = place_of(due.base_url)
    return f"{place[0]}:{place[1]}" if place else due.app
