"""A clock that tests move by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class FakeTimer:
    """A callback that is due at a time of a FakeClock."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Make the timer do nothing when it is due."""
        self._callback = None

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled or has fired."""
        return self._callback is None

    def fire(self) -> None:
        """Call the callback, once, unless cancelled."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class FakeClock:
    """A `Clock` that stands still until it is advanced; sleepers wake when their time has come."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._monotonic = 1_000.0
        self._due: list[tuple[float, int, FakeTimer]] = []
        self._order = itertools.count()
        self._arrived: list[asyncio.Future[None]] = []

    def now(self) -> datetime:
        """Return the fake time of day."""
        return self._now

    def monotonic(self) -> float:
        """Return the fake monotonic seconds."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by `seconds`; zero or less only lets others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> FakeTimer:
        """Call `callback` once the clock was advanced by `seconds`, as an event loop's `call_later` does."""
        timer = FakeTimer(callback)
        heapq.heappush(self._due, (self._monotonic + seconds, next(self._order), timer))
        for arrival in self._arrived:
            if not arrival.done():
                arrival.set_result(None)
        self._arrived.clear()
        return timer

    @property
    def sleepers(self) -> int:
        """How many sleeps and timers wait for this clock."""
        return sum(not timer.cancelled for _, _, timer in self._due)

    async def wait_for_sleepers(self, count: int = 1) -> None:
        """Wait until at least `count` sleeps or timers wait for this clock."""
        while self.sleepers < count:
            arrival = asyncio.get_running_loop().create_future()
            self._arrived.append(arrival)
            await arrival

    def advance(self, seconds: float) -> None:
        """Move both clocks forward, firing what falls due in order, each at its own time.

        What a woken task starts to sleep for counts from the end of this advance; `run_for` walks through.
        """
        end = self._monotonic + seconds
        while self._due and self._due[0][0] <= end:
            due, _, timer = heapq.heappop(self._due)
            self._move_to(max(due, self._monotonic))
            timer.fire()
        self._move_to(end)

    async def run_for(self, seconds: float, *, settle: int = 20) -> None:
        """Advance from one due time to the next, letting woken tasks run and sleep again in between.

        `settle` turns of the event loop are given to tasks after each step; network waits need their own condition.
        """
        end = self._monotonic + seconds
        await _turns(settle)
        while (due := self._next_due()) is not None and due <= end:
            self.advance(max(due - self._monotonic, 0.0))
            await _turns(settle)
        self.advance(end - self._monotonic)
        await _turns(settle)

    def jump(self, seconds: float) -> None:
        """Set the time of day forward or back, as an administrator or NTP does; monotonic time stands still."""
        self._now += timedelta(seconds=seconds)

    def _next_due(self) -> float | None:
        while self._due and self._due[0][2].cancelled:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _move_to(self, monotonic: float) -> None:
        self._now += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
