"""A background task never dies silently, and stops when told."""

import asyncio

from healthdesk.engine.metrics import Metrics
from healthdesk.engine.supervisor import Supervisor
from healthdesk.testing import FakeClock


async def test_dead_loop_is_logged_counted_and_started_again(caplog):
    clock, metrics = FakeClock(), Metrics()
    supervisor = Supervisor(clock, metrics)
    starts = []
    alive = asyncio.Event()

    async def loop(stop):
        starts.append(clock.monotonic())
        if len(starts) == 1:
            raise RuntimeError("boom")
        alive.set()
        await stop.wait()

    supervisor.start("fragile", loop)
    await clock.wait_for_sleepers()
    clock.advance(1)
    await alive.wait()
    assert len(starts) == 2
    assert "fragile died" in caplog.text
    assert metrics.registry.get_sample_value("healthdesk_task_restarts_total", {"task": "fragile"}) == 1
    assert await supervisor.stop(1) == []


async def test_stop_waits_for_what_is_under_way_and_names_what_is_late(caplog, monkeypatch):
    supervisor = Supervisor(FakeClock(), Metrics())
    finished = []

    async def polite(stop):
        await stop.wait()
        finished.append("polite")

    async def deaf(stop):
        await asyncio.Event().wait()

    supervisor.start("polite", polite)
    supervisor.start("deaf", deaf)
    await asyncio.sleep(0)
    assert await supervisor.stop(0.01) == ["deaf"]
    assert finished == ["polite"]
    assert caplog.text == ""

    released = asyncio.Event()

    async def stubborn(stop):
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()

    monkeypatch.setattr("healthdesk.engine.supervisor.CANCEL_TIMEOUT_S", 0.01)
    supervisor = Supervisor(FakeClock(), Metrics())
    supervisor.start("stubborn", stubborn)
    await asyncio.sleep(0)
    assert await supervisor.stop(0.01) == ["stubborn"], "it does not wait for ever"
    assert "still not ended after 0.01 s: stubborn" in caplog.text
    released.set()
