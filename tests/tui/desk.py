"""Opening the app over a FakeDesk, and waiting for it to be quiet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, cast

from textual.pilot import Pilot
from textual.worker import WorkerState

from healthdesk.client.client import Client
from healthdesk.tui.app import HealthdeskApp
from tests.tui.fake_client import FakeDesk

ENDLESS = {"feed"}
WAITING_FOR_PEOPLE = {"flow"}
STEPS = ("j", "k")
SMALL = (80, 24)
LARGE = (160, 45)


def make_app(desk: FakeDesk, *, area: str = "log", **kwargs: Any) -> HealthdeskApp:
    return HealthdeskApp(cast("Client", desk), clock=desk.clock, tz=UTC, area=area, **kwargs)


class Driver:
    """A pilot that waits for workers and messages after each key."""

    def __init__(self, app: HealthdeskApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def settle(self) -> None:
        """Wait until no message and no worker is under way, but those that wait for people or for ever."""
        ready = asyncio.get_running_loop()._ready
        while True:
            await self.pilot.pause()
            busy = [
                worker
                for worker in self.app.workers
                if worker.group not in ENDLESS | WAITING_FOR_PEOPLE
                and worker.state in (WorkerState.PENDING, WorkerState.RUNNING)
            ]
            if busy:
                await self.app.workers.wait_for_complete(busy)
            # the pause ended in a redraw, and that left nothing to do either, nor to lay out at the next tick
            elif not ready and not self.app.screen._layout_required:
                return

    async def press(self, *keys: str) -> None:
        """Press keys and settle after each; of a run of steps down or up only the last is waited for."""
        for key, following in zip(keys, [*keys[1:], ""], strict=False):
            await self.pilot.press(key)
            if key != following or key not in STEPS:
                await self.settle()

    async def write(self, text: str) -> None:
        await self.pilot.press(*("space" if char == " " else char for char in text))

    def text(self) -> str:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def line(self, number: int) -> str:
        return self.text().splitlines()[number]

    @property
    def said(self) -> list[str]:
        """Return what was told in toasts."""
        return [note.message for note in self.app._notifications]


@asynccontextmanager
async def open_desk(
    desk: FakeDesk, *, area: str = "log", size: tuple[int, int] = SMALL, **kwargs: Any
) -> AsyncIterator[Driver]:
    app = make_app(desk, area=area, **kwargs)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        yield driver
