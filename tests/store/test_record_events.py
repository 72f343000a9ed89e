from __future__ import annotations

from healthdesk.domain.states import RecordEventKind
from healthdesk.store import record_events
from tests.store.test_retention import DAY, clean, deliver, rows


async def test_events_of_a_record_are_told_oldest_first_and_only_the_newest(world):
    one, other = await deliver(world, 2)
    for number in range(5):
        await world.store.write(
            record_events.add,
            one,
            RecordEventKind.LOOKED_UP,
            world.clock.now(),
            f"asked {number}",
            "bob",
            {"n": number},
        )
        world.clock.advance(1)
    await world.store.write(record_events.add, other, RecordEventKind.RECEIPT, world.clock.now(), "confirmed")
    told = await world.store.read(record_events.of, one, 3)
    assert [(each.sentence, each.by, each.detail) for each in told] == [
        (f"asked {number}", "bob", {"n": number}) for number in (2, 3, 4)
    ]
    assert told[0].at < told[-1].at
    assert {each.kind for each in told} == {RecordEventKind.LOOKED_UP}


async def test_events_go_with_their_record(world):
    (old,) = await deliver(world, 1)
    await world.store.write(record_events.add, old, RecordEventKind.RECEIPT, world.clock.now(), "confirmed")
    world.clock.advance(91 * DAY)
    (new,) = await deliver(world, 1)
    await world.store.write(record_events.add, new, RecordEventKind.RECEIPT, world.clock.now(), "confirmed")
    await clean(world)
    assert await rows(world, "record_events") == 1
