"""What is due, such as checks: claimed in batches, and begun no more than so many at once, in all and of one host."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

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

LOOK_PAST_S = 1.0
"""How often a queue full of checks of busy hosts is looked past."""

BUSY_HOST_S = 2.0
"""When a check is due again that was given back because its host is busy: those of other hosts go before it."""


class Due(Protocol):
    """Something that is due at an app."""

    @property
    def id(self) -> str:
        """What it is known by."""
        ...

    @property
    def app(self) -> str:
        """The app it is done with."""
        ...

    @property
    def base_url(self) -> str:
        """The address it is done at, or nothing where that is the app's own."""
        ...


T = TypeVar("T", bound=Due)


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """Where what is due comes from: queries of the store, how long a claim holds, and how many of a host at once."""

    what: str
    next_at: Callable[[Any], datetime | None]
    claim: Callable[[Any, datetime, int], list[T]]
    give_back: Callable[[Any, Sequence[T], datetime], None]
    lease: timedelta
    per_host: int

    @property
    def kept_s(self) -> float:
        """Return after how long one that waits is given back: its lease has to outlast doing it, too, or another daemon
        does the same.
        """
        return self.lease.total_seconds() / 2


def _give_back_checks(conn: Any, due: Sequence[ConnectionSecretRow], until: datetime) -> None:
    checks.give_back(conn, [each.id for each in due], until)


CHECKS = Source(
    "checks", checks.next_check_at, checks.claim_due_checks, _give_back_checks, CHECK_LEASE, PER_HOST
)


class DueQueue(Generic[T]):
    """What this daemon claimed of a source, in the order it became due."""

    def __init__(self, ctx: Context, source: Source[T]) -> None:
        self._ctx = ctx
        self._source = source
        self._waiting: deque[T] = deque()
        self._claimed_at: dict[str, float] = {}
        """When those that wait were claimed, of the clock that never jumps; the oldest first, as they wait."""
        self._running: dict[str, str] = {}
        """Host of each that is under way, by its id."""
        self._looked_past_at = 0.0

    async def take(self, most: int, ahead: int = CLAIMED) -> list[T]:
        """Return those to begin now, up to `most`; say `done` of each. Raises StoreUnavailable.

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
        while self._waiting and now_s - self._claimed_at[self._waiting[0].id] > self._source.kept_s:
            each = self._waiting.popleft()
            if now_s - self._claimed_at.pop(each.id) < self._source.lease.total_seconds():
                old.append(each)
        if old:
            await self._ctx.store.write(self._source.give_back, old, self._ctx.clock.now())

    def _begin(self, most: int) -> list[T]:
        busy = Counter(self._running.values())
        begun: list[T] = []
        passed: deque[T] = deque()
        while self._waiting and len(begun) < most:
            due = self._waiting.popleft()
            host = _host(due)
            if busy[host] >= self._source.per_host:
                passed.append(due)
                continue
            busy[host] += 1
            self._claimed_at.pop(due.id, None)
            self._running[due.id] = host
            begun.append(due)
        self._waiting = passed + self._waiting
        return begun

    def done(self, due_id: str) -> None:
        """Say that one is over."""
        self._running.pop(due_id, None)

    def drop(self, due_id: str) -> bool:
        """Say that one begins for another reason: if it waits it would decide with what was so before. Tell whether it did."""
        self._waiting = deque(each for each in self._waiting if each.id != due_id)
        return self._claimed_at.pop(due_id, None) is not None

    async def give_back(self) -> None:
        """Let those that were claimed and not begun be due again at once."""
        claimed = list(self._waiting)
        self._waiting.clear()
        self._claimed_at.clear()
        if not claimed:
            return
        try:
            await self._ctx.store.write(self._source.give_back, claimed, self._ctx.clock.now())
        except StoreUnavailable as error:
            log.warning(
                "%d %s are due again when their lease runs out: %s", len(claimed), self._source.what, error
            )

    async def _claim(self, ahead: int) -> bool:
        """Claim what is due, and tell whether there was anything.

        While those of busy hosts fill the queue, some of them are given back now and then for those of others.
        """
        clock = self._ctx.clock
        now = clock.now()
        if len(self._waiting) > ahead // 2:
            if clock.monotonic() - self._looked_past_at < LOOK_PAST_S:
                return False
            self._looked_past_at = clock.monotonic()
        next_at = await self._ctx.store.read(self._source.next_at)
        if next_at is None or next_at > now:
            return False
        later = [self._waiting.pop() for _ in range(len(self._waiting) - ahead // 2)]
        for each in later:
            del self._claimed_at[each.id]
        if later:
            then = now + timedelta(seconds=BUSY_HOST_S)
            await self._ctx.store.write(self._source.give_back, later, then)
        room = ahead - len(self._waiting)
        claimed = await self._ctx.store.write(self._source.claim, now, room) if room > 0 else []
        self._waiting.extend(claimed)
        self._claimed_at |= dict.fromkeys((each.id for each in claimed), clock.monotonic())
        return bool(claimed)


def _host(due: Due) -> str:
    """Return what the limit of one host counts by: the host, or the app where its address is the app's own."""
    place = place_of(due.base_url)
    return f"{place[0]}:{place[1]}" if place else due.app
