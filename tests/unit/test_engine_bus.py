"""Live news: in order, resumable, never blocking who publishes."""

import asyncio

from healthdesk.engine import bus as bus_module
from healthdesk.engine.bus import EventBus
from healthdesk.testing import FakeClock


def new_bus() -> EventBus:
    return EventBus(FakeClock(), epoch="dmn_1")


async def take(events, count):
    return [await anext(events) for _ in range(count)]


async def listening(bus, last_event_id=None):
    """Return the reader once it is subscribed."""
    events = bus.subscribe(last_event_id)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    return events, first


async def test_readers_get_events_in_order_with_growing_ids():
    bus = new_bus()
    events, first = await listening(bus)
    bus.publish("record.changed", "rec_1")
    bus.publish("problem.changed", "prb_1")
    got = [await first, *await take(events, 1)]
    assert [(event.kind, event.object_id) for event in got] == [
        ("record.changed", "rec_1"),
        ("problem.changed", "prb_1"),
    ]
    assert [event.id for event in got] == ["dmn_1-1", "dmn_1-2"]


async def test_reader_that_comes_back_gets_what_it_missed_and_nothing_twice():
    bus = new_bus()
    for number in range(5):
        bus.publish("record.changed", f"rec_{number}")
    events = bus.subscribe("dmn_1-2")
    assert [event.object_id for event in await take(events, 3)] == ["rec_2", "rec_3", "rec_4"]


async def test_reader_of_another_run_of_the_daemon_is_told_to_read_again():
    bus = new_bus()
    bus.publish("record.changed", "rec_1")
    assert (await anext(bus.subscribe("dmn_0-1"))).kind == "reset"


async def test_reader_that_comes_back_too_late_is_told_to_read_again(monkeypatch):
    bus = new_bus()
    for _ in range(bus_module.KEPT + 10):
        bus.publish("record.changed")
    assert (await anext(bus.subscribe("dmn_1-3"))).kind == "reset"


async def test_slow_reader_loses_events_but_is_told_so_and_holds_nobody_up():
    bus = new_bus()
    events, first = await listening(bus)
    for number in range(bus_module.QUEUE + 1):
        bus.publish("record.changed", f"rec_{number}")
    assert (await first).kind == "reset"
    bus.publish("record.changed", "rec_after")
    assert (await anext(events)).object_id == "rec_after"
