"""What other daemons tell is acted on at once, by whom it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from healthdesk.engine.bus import EventBus
from healthdesk.engine.relay import Relay
from healthdesk.errors import StoreUnavailable
from healthdesk.testing import FakeClock


class News:
    """A store of several daemons that has this news and then no more."""

    dialect = "postgresql"

    def __init__(self, *payloads: str) -> None:
        self.payloads = payloads
        self.told = asyncio.Event()

    async def notifications(self) -> AsyncIterator[tuple[str, str]]:
        for payload in self.payloads:
            yield "changed", payload
        self.told.set()
        await asyncio.Event().wait()


class Targets:
    def __init__(self, *, away: bool) -> None:
        self.away = away

    async def refresh(self) -> None:
        if self.away:
            raise StoreUnavailable("the database is away")


async def woken_by(*payloads: str, away: bool = False) -> list[str]:
    """Return who was woken by this news, in order."""
    clock, store, woken = FakeClock(), News(*payloads), []
    ctx = SimpleNamespace(store=store, clock=clock, daemon_id="dmn_me", bus=EventBus(clock, epoch="e"))
    relay = Relay(
        ctx,
        Targets(away=away),
        SimpleNamespace(wake_all=lambda: woken.append("deliver")),
        SimpleNamespace(wake=lambda: woken.append("holds")),
        SimpleNamespace(wake=lambda: woken.append("notify")),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    async with asyncio.timeout(60):
        await store.told.wait()
        stop.set()
        await running
    return woken


@pytest.mark.parametrize("kind", ["integration.changed", "connection.changed"])
async def test_change_of_the_setup_elsewhere_lets_records_be_held_or_released_at_once(kind: str):
    assert await woken_by(f"dmn_other {kind} x_1") == ["holds", "deliver", "notify"]


async def test_holds_look_for_themselves_when_the_setup_could_not_be_read(caplog: pytest.LogCaptureFixture):
    assert "holds" in await woken_by("dmn_other integration.changed int_1", away=True)
    assert "a change of another daemon is seen later by polling: the database is away" in caplog.text


async def test_records_that_changed_elsewhere_concern_no_hold_and_own_news_nobody():
    assert await woken_by("dmn_other record.changed rec_1", "dmn_me integration.changed int_1") == [
        "deliver",
        "notify",
    ]
