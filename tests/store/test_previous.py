"""Replaced credentials are kept until their time is over, and what they stopped is known."""

from __future__ import annotations

from datetime import timedelta

from healthdesk.domain.states import ConnectionState, ErrorKind, HoldReason, RecordState
from healthdesk.store import connections, flow, previous
from tests.store.test_plans import plans_of_reads
from tests.store.test_problems import check
from tests.store.world import PRODUCTION, UNAUTHORIZED, failure

HOUR = timedelta(hours=1)


async def put_aside(world, connection_id, until):
    changes = {
        "previous_enc": "old",
        "previous_hint": "••••0ld9",
        "previous_auth": "bearer",
        "previous_until": until,
    }
    await world.store.write(connections.update, connection_id, changes)


async def kept(world, connection_id):
    row = await world.store.read(connections.get_secret, connection_id)
    return row.previous_enc, row.previous_hint, row.previous_auth, row.previous_until


async def test_what_was_replaced_is_erased_when_its_time_is_over_and_not_before(world):
    store, now = world.store, world.clock.now()
    spare = await world.add_connection(name="Spare")
    await put_aside(world, world.connection_id, now + HOUR)
    await put_aside(world, spare, now + 2 * HOUR)
    assert not await store.read(previous.previous_over, now)
    assert await store.write(previous.erase_previous, now) == 0
    assert await store.read(previous.previous_over, now + HOUR)
    assert await store.write(previous.erase_previous, now + HOUR) == 1
    assert await kept(world, world.connection_id) == ("", "", "", None)
    assert (await kept(world, spare))[0] == "old"
    secret = await store.read(connections.get_secret, world.connection_id)
    assert secret.credentials_enc == "enc", "those in use stay"


async def test_renewed_tokens_of_what_was_replaced_are_kept_with_it(world):
    await put_aside(world, world.connection_id, world.clock.now() + HOUR)
    keep = previous.keep
    assert await world.store.write(keep, world.connection_id, "old", "renewed")
    assert (await kept(world, world.connection_id))[0] == "renewed"
    assert not await world.store.write(keep, world.connection_id, "old", "of another update")
    assert (await kept(world, world.connection_id))[0] == "renewed"


async def test_nothing_is_left_behind_by_a_connection_that_works(world):
    await world.accept(2)
    await world.step([world.delivered(each) for each in await world.claim()])
    assert await world.store.read(previous.left_behind, world.connection_id) == previous.LeftBehind()


async def test_what_a_refused_credential_stopped_is_counted(world):
    await world.accept(5)
    first, second, *others = await world.claim()
    began = world.clock.now()
    await world.step([world.failed(first, UNAUTHORIZED), world.failed(second, UNAUTHORIZED)])
    broken = failure(ErrorKind.REFUSED, 422, permanent=True)
    await world.step([world.failed(each, broken) for each in others])
    left = await world.store.read(previous.left_behind, world.connection_id)
    assert (left.failed, left.held, left.since) == (2, 0, began), (
        "a refusal of the record itself is another cause"
    )
    assert len(left.problem_ids) == 1


async def test_what_is_held_behind_a_failing_connection_is_counted(world):
    await world.accept(1)
    (claimed,) = await world.claim()
    await world.step([world.failed(claimed, UNAUTHORIZED)])
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    await world.accept(3)
    place = (world.integration_id, PRODUCTION)
    assert await world.store.write(flow.hold_some, *place, HoldReason.CONNECTION, 10) == 3
    left = await world.store.read(previous.left_behind, world.connection_id)
    assert (left.failed, left.held) == (1, 3)
    assert (await world.check_ledger())[RecordState.HELD] == 3


async def test_looking_for_what_is_over_reads_an_index(sqlite_world):
    now = sqlite_world.clock.now()
    plans = await plans_of_reads(
        sqlite_world, (previous.previous_over, (now,), {}), (previous.erase_previous, (now,), {})
    )
    for _, steps in plans:
        assert any("ix_connections_previous" in step for step in steps), steps
