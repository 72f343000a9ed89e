"""Shared timers ring in time, once, and not after they were called off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from healthdesk.connectors.timers import Timers


class Loop:
    """An event loop as far as timers know it; its time is moved by hand, and it counts what it was asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, Callable[..., object], tuple[Any, ...]]] = []
        self.asked = 0

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, callback: Callable[..., object], *args: Any) -> None:
        self.asked += 1
        self.calls.append((at, callback, args))

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.calls.append((self.now, callback, args))

    def call_later(self, seconds: float, callback: Callable[..., object]) -> None:
        self.call_at(self.now + seconds, callback)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := sorted((call for call in self.calls if call[0] <= until), key=lambda call: call[0]):
            self.calls.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][1](*due[0][2])
        self.now = until


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def timers(loop: Loop) -> Timers:
    return Timers(loop)  # type: ignore[arg-type]


def test_timers_ring_when_their_time_is_up(loop: Loop, timers: Timers) -> None:
    rung: list[tuple[str, float]] = []
    for name, after in (("a", 10), ("b", 30)):
        timers.call_later(after, lambda name=name: rung.append((name, loop.now)))
    loop.advance(3)
    timers.call_later(10, lambda: rung.append(("c", loop.now)))
    loop.advance(6.9)
    assert rung == []
    loop.advance(60)
    assert rung == [("a", 110), ("c", 113), ("b", 130)]


def test_one_that_is_called_off_does_not_ring_and_delays_no_other(loop: Loop, timers: Timers) -> None:
    rung: list[float] = []
    first = timers.call_later(10, lambda: rung.append(1))
    loop.advance(1)
    timers.call_later(10, lambda: rung.append(loop.now))
    first.cancel()
    loop.advance(100)
    assert rung == [111]


def test_a_callback_may_set_and_call_off_others(loop: Loop, timers: Timers) -> None:
    rung: list[float] = []
    second: list[Any] = []

    def first() -> None:
        second[0].cancel()
        timers.call_later(10, lambda: rung.append(loop.now))

    timers.call_later(10, first)
    second.append(timers.call_later(10, lambda: rung.append(0)))
    loop.advance(100)
    assert rung == [120]


def test_a_thousand_requests_ask_the_loop_once_and_leave_nothing(loop: Loop, timers: Timers) -> None:
    for _ in range(1000):
        timers.call_later(10, lambda: None).cancel()
    assert loop.asked == 1
    assert len(timers._waiting[10]) <= 2
    loop.advance(11)
    assert timers._waiting == {}
    assert loop.calls == []


def test_many_different_lengths_are_the_loops_own(loop: Loop, timers: Timers) -> None:
    rung: list[int] = []
    for after in range(1, 200):
        timers.call_later(after, lambda after=after: rung.append(after))
    loop.advance(300)
    assert rung == list(range(1, 200))


async def test_on_a_real_loop() -> None:
    rung = asyncio.Event()
    Timers(asyncio.get_running_loop()).call_later(0.01, rung.set)
    async with asyncio.timeout(30):
        assert await rung.wait()
