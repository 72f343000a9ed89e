"""Timers for deadlines that hardly ever ring: thousands a second are set and called off again.

A timer of the event loop costs more than the rest of a request's bookkeeping. Deadlines of one length ring in the
order they were set, so one timer of the loop watches over all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_LENGTHS = 64
"""Different lengths that share timers; there are as many as there are different timeouts configured."""


class Timer:
    """A call at a time, unless it is called off."""

    __slots__ = ("at", "callback")

    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Call it off."""
        self.callback = None


class Timers:
    """`call_later` of an event loop, for many calls that are called off soon."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[float, deque[Timer]] = {}

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer | asyncio.TimerHandle:
        """Call `callback` in `seconds`."""
        waiting = self._waiting.get(seconds)
        if waiting is None:
            if len(self._waiting) >= _LENGTHS:
                return self._loop.call_later(seconds, callback)
            waiting = self._waiting[seconds] = deque()
        timer = Timer(self._loop.time() + seconds, callback)
        if waiting:
            while waiting[0].callback is None and len(waiting) > 1:
                waiting.popleft()
        else:
            self._loop.call_at(timer.at, self._ring, seconds, waiting)
        waiting.append(timer)
        return timer

    def _ring(self, seconds: float, waiting: deque[Timer]) -> None:
        """Call what is due, each on its own so that none can fail another, and come back for the next one."""
        now = self._loop.time()
        while waiting and (waiting[0].callback is None or waiting[0].at <= now):
            timer = waiting.popleft()
            if timer.callback is not None:
                self._loop.call_soon(_call, timer)
        if waiting:
            self._loop.call_at(waiting[0].at, self._ring, seconds, waiting)
        else:
            del self._waiting[seconds]


def _call(timer: Timer) -> None:
    if timer.callback is not None:  # another one's call may have called it off
        timer.callback()
