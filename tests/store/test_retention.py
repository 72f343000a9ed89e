from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from healthdesk.domain.states import CallbackState, RecordState
from healthdesk.store import activity, callbacks, problems, records, retention
from healthdesk.store.rows import ProcessedCallback
from healthdesk.store.schema_connections import authorizations
from tests.store.test_callbacks import callback
from tests.store.test_flow import failed_records
from tests.store.test_problems import fail, only

BODIES, REST = timedelta(days=30), timedelta(days=90)
DAY = 86400


async def clean(world, limit=200):
    steps = 0
    while await world.store.write(
        retention.delete_some, world.clock.now(), bodies=BODIES, rest=REST, limit=limit
    ):
        steps += 1
        assert steps < 100
    return steps


async def deliver(world, count):
    await world.accept(count)
    claimed = await world.claim(500)
    await world.step([world.delivered(each) for each in claimed])
    return [each.id for each in claimed]


async def rows(world, table):
    return await world.store.read(
        lambda conn: conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    )


async def test_bodies_go_first_and_records_later(world):
    (old,) = await deliver(world, 1)
    world.clock.advance(29 * DAY)
    assert await clean(world) == 0
    world.clock.advance(2 * DAY)
    (new,) = await deliver(world, 1)
    await clean(world)
    assert await world.store.read(records.body, old) is None
    assert (await world.store.read(records.get, old)).state is RecordState.DELIVERED
    (attempt,) = await world.store.read(records.attempts, old)
    assert (attempt.status, attempt.request_headers) == (200, {})
    assert await world.store.read(records.body, new) is not None
    world.clock.advance(60 * DAY)
    await clean(world)
    assert [row.id for row in (await world.store.read(records.page, records.RecordQuery())).items] == [new]
    assert await rows(world, "attempts") == 1
    assert await world.check_ledger() == {"delivered": 1}


async def test_failed_held_and_waiting_records_stay_however_old(world):
    failed = await failed_records(world, 3)
    (queued,) = await world.accept()
    world.clock.advance(400 * DAY)
    await clean(world)
    for record_id in (*failed, queued):
        assert await world.store.read(records.body, record_id) is not None
    assert await world.check_ledger() == {"failed": 3, "queued": 1}


async def test_failed_records_go_once_their_problem_was_closed_by_hand(world):
    await fail(world, 3)
    problem = await only(world)
    await world.store.write(problems.resolve, problem.id, by="bob", now=world.clock.now())
    world.clock.advance(91 * DAY)
    await clean(world)
    assert await world.check_ledger() == {}
    assert await rows(world, "record_bodies") == 0
    assert await rows(world, "problems") == 0


async def test_a_body_that_is_gone_is_not_resent(world):
    (old,) = await deliver(world, 1)
    world.clock.advance(31 * DAY)
    await clean(world)
    done = await world.store.write(records.resend, [old], by="bob", now=world.clock.now(), delivered_too=True)
    assert (done.resent, done.skipped) == (0, {old: "its body was removed by retention"})


async def test_small_steps_pass_what_must_stay_and_reach_the_end(world):
    await failed_records(world, 12)
    await deliver(world, 9)
    world.clock.advance(91 * DAY)
    steps = await clean(world, limit=4)
    assert steps >= 5, "no step may look at more than its limit"
    assert await world.check_ledger() == {"failed": 12}
    assert await rows(world, "record_bodies") == 12
    await deliver(world, 2)
    world.clock.advance(91 * DAY)
    await clean(world, limit=4)
    assert await world.check_ledger() == {"failed": 12}


async def test_everything_else_that_is_old_and_finished_goes(world):
    done, waiting = callback(world, "done"), callback(world, "waiting")
    await world.store.accept_callback(done)
    waits = await world.store.read(callbacks.waiting, limit=5, most_bytes=1000)
    await world.store.write(
        callbacks.processed, [ProcessedCallback(each.id) for each in waits], world.clock.now()
    )
    await world.store.accept_callback(waiting)
    await world.store.write(
        activity.add,
        activity_id=world.new("act"),
        at=world.clock.now(),
        user="a",
        verb="v",
        object_kind="k",
        object_id="o",
    )
    world.clock.advance(31 * DAY)
    await clean(world)
    row = await world.store.read(callbacks.get, done.id)
    assert (row.body, row.size) == (None, 9)
    world.clock.advance(60 * DAY)
    await clean(world)
    assert [row.id for row in (await world.store.read(callbacks.page)).items] == [waiting.id]
    assert await rows(world, "activity") == 0
    assert await rows(world, "callback_bodies") == 1


async def test_authorizations_go_a_day_after_their_time_ran_out(world):
    def insert(conn):
        for number, hours in enumerate((-25, -23, 1)):
            conn.execute(
                authorizations.insert().values(
                    id=f"aut_{number}",
                    kind="browser",
                    app="github",
                    state_hash=b"%d" % number,
                    request_enc="enc",
                    status="pending",
                    created_at=world.clock.now(),
                    created_by="alice",
                    expires_at=world.clock.now() + timedelta(hours=hours),
                )
            )

    await world.store.write(insert)
    await clean(world)
    assert await rows(world, "authorizations") == 2


async def test_of_rejected_callbacks_the_newest_of_each_connection_stay(world):
    crowd = [callback(world, "", state=CallbackState.REJECTED) for _ in range(7)]
    other = callback(world, "", state=CallbackState.REJECTED, connection_id="con_other")
    good = callback(world, "good")
    for each in (*crowd, other, good):
        await world.store.accept_callback(each)
    assert await world.store.write(retention.thin_rejected, most=3, limit=2) == 2
    assert await world.store.write(retention.thin_rejected, most=3, limit=50) == 2
    assert await world.store.write(retention.thin_rejected, most=3) == 0
    left = {row.id for row in (await world.store.read(callbacks.page)).items}
    assert left == {each.id for each in (*crowd[-3:], other, good)}
    assert await rows(world, "callback_bodies") == 5
