from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from healthdesk.domain.states import CallbackState
from healthdesk.errors import Conflict, NotFound
from healthdesk.store import callbacks
from healthdesk.store.rows import NewCallback, ProcessedCallback


def callback(world, delivery_id="d1", state=CallbackState.ACCEPTED, **changes):
    return replace(
        NewCallback(
            id=world.new("cbk"),
            connection_id=world.connection_id,
            delivery_id=delivery_id,
            received_at=world.clock.now(),
            state=state,
            headers={"X-Id": delivery_id},
            body=b'{"a": 1}\n',
            event="push",
            content_type="application/json",
        ),
        **changes,
    )


async def test_a_callback_is_kept_byte_for_byte_with_its_headers(world):
    new = callback(world)
    stored = await world.store.accept_callback(new)
    assert (stored.id, stored.duplicate) == (new.id, False)
    row = await world.store.read(callbacks.get, new.id)
    assert (row.body, row.headers, row.size, row.event) == (b'{"a": 1}\n', {"X-Id": "d1"}, 9, "push")
    assert (row.connection_name, row.state, row.content_type) == (
        "CRM",
        CallbackState.ACCEPTED,
        "application/json",
    )


async def test_a_repeat_is_counted_on_the_first_and_not_stored(world):
    new = callback(world)
    answers = await asyncio.gather(
        world.store.accept_callback(new), *(world.store.accept_callback(callback(world)) for _ in range(4))
    )
    first = next(answer for answer in answers if not answer.duplicate)
    assert {answer.id for answer in answers} == {first.id}
    (row,) = (await world.store.read(callbacks.page)).items
    assert row.duplicates == 4
    other = await world.add_connection()
    assert not (await world.store.accept_callback(callback(world, connection_id=other))).duplicate


async def test_a_rejected_callback_is_no_first_of_a_good_one(world):
    for _ in range(2):
        rejected = callback(
            world, state=CallbackState.REJECTED, reason="bad signature", body=b"x", size=900, body_cut=True
        )
        assert not (await world.store.accept_callback(rejected)).duplicate
    assert not (await world.store.accept_callback(callback(world))).duplicate
    row = await world.store.read(callbacks.get, rejected.id)
    assert (row.reason, row.size, row.body, row.body_cut) == ("bad signature", 900, b"x", True)


async def test_without_a_delivery_id_nothing_is_a_repeat(world):
    for _ in range(2):
        assert not (await world.store.accept_callback(callback(world, ""))).duplicate


async def test_callbacks_page_by_connection_state_and_arrival(world):
    other = await world.add_connection()
    start = world.clock.now()
    for n in range(12):
        world.clock.advance(1)
        await world.store.accept_callback(
            callback(
                world,
                f"d{n}",
                CallbackState.REJECTED if n % 3 == 0 else CallbackState.ACCEPTED,
                connection_id=other if n % 2 else world.connection_id,
            )
        )

    async def ids(**filters):
        got, after = [], None
        while True:
            page = await world.store.read(callbacks.page, limit=2, after=after, **filters)
            got += [row.delivery_id for row in page.items]
            after = page.next
            if after is None:
                return got

    assert await ids() == [f"d{n}" for n in reversed(range(12))]
    assert await ids(newest_first=False) == [f"d{n}" for n in range(12)]
    assert await ids(connection_id=other) == ["d11", "d9", "d7", "d5", "d3", "d1"]
    assert await ids(states=(CallbackState.REJECTED,)) == ["d9", "d6", "d3", "d0"]
    assert await ids(connection_id=other, states=(CallbackState.REJECTED, CallbackState.ACCEPTED)) == [
        "d11",
        "d9",
        "d7",
        "d5",
        "d3",
        "d1",
    ]
    window = {
        "arrived_from": start + timedelta(seconds=3),
        "arrived_to": start + timedelta(seconds=6),
    }
    assert await ids(**window) == ["d4", "d3", "d2"]


async def process(world, limit: int, most_bytes: int = 1000, **found) -> list[str]:
    """Process what waits, as the engine does."""
    waiting = await world.store.read(callbacks.waiting, limit=limit, most_bytes=most_bytes)
    done = [ProcessedCallback(each.id, **found) for each in waiting]
    return await world.store.write(callbacks.processed, done, world.clock.now())


async def test_accepted_ones_are_processed_once_oldest_first(world):
    for n in range(3):
        await world.store.accept_callback(callback(world, f"d{n}"))
    await world.store.accept_callback(callback(world, "x", CallbackState.REJECTED))
    first = await process(world, 2, instances=("ABC-1", "ABC-2"))
    second = await process(world, 2)
    assert (len(first), len(second)) == (2, 1)
    row = await world.store.read(callbacks.get, first[0])
    assert (row.delivery_id, row.state, row.processed_at, row.instances) == (
        "d0",
        CallbackState.PROCESSED,
        world.clock.now(),
        ("ABC-1", "ABC-2"),
    )
    await world.store.write(callbacks.reprocess, first[0])
    assert await process(world, 2) == [first[0]]
    assert (await world.store.read(callbacks.get, first[0])).instances == ()


async def test_of_two_daemons_that_read_a_callback_one_processes_it(world):
    await world.store.accept_callback(callback(world))
    [waiting] = await world.store.read(callbacks.waiting, limit=5, most_bytes=1000)
    done = [ProcessedCallback(waiting.id)]
    assert await world.store.write(callbacks.processed, done, world.clock.now()) == [waiting.id]
    assert await world.store.write(callbacks.processed, done, world.clock.now()) == []


async def test_a_batch_is_bounded_by_its_bodies_and_never_empty(world):
    for n in range(3):
        await world.store.accept_callback(replace(callback(world, f"d{n}"), body=b"x" * 600))
    assert len(await world.store.read(callbacks.waiting, limit=5, most_bytes=10)) == 1
    assert len(await world.store.read(callbacks.waiting, limit=5, most_bytes=1200)) == 2


async def test_a_callback_can_fail_and_a_rejected_one_is_never_processed(world):
    good, bad = callback(world), callback(world, "x", CallbackState.REJECTED)
    await world.store.accept_callback(good)
    await world.store.accept_callback(bad)
    assert await process(world, 5, error="no such task") == [good.id]
    row = await world.store.read(callbacks.get, good.id)
    assert (row.state, row.reason) == (CallbackState.FAILED, "no such task")
    with pytest.raises(Conflict):
        await world.store.write(callbacks.reprocess, bad.id)
    for action in (callbacks.reprocess, callbacks.get):
        with pytest.raises(NotFound):
            await world.store.write(action, "cbk_unknown")
