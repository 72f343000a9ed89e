"""Due times that a clock left in the future, clocks that differ, and what doctor asks of a database."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from healthdesk.config import load_config
from healthdesk.domain.states import RecordState
from healthdesk.engine.clockwatch import ClockWatch
from healthdesk.errors import StoreUnavailable
from healthdesk.store import alerts, connections, daemons, due, integrations, looking, problems, records
from healthdesk.store.schema_connections import connections as connection_table
from tests.store.test_plans import plans_of_reads
from tests.store.test_problems import fail, only
from tests.store.world import PRODUCTION, failure

SLACK = timedelta(hours=1)
WAITS = [timedelta(hours=1), timedelta(hours=1), timedelta(hours=12)]


async def forward(world, limit=100):
    return await world.store.write(
        due.records_forward, world.clock.now(), waits=WAITS, slack=SLACK, limit=limit
    )


async def next_of(world, record_id):
    return (await world.store.read(records.get, record_id)).next_attempt_at


async def test_a_retry_that_waits_longer_than_its_try_can_is_due_now(world):
    await world.accept(2)
    now = world.clock.now()
    one, two = await world.claim()
    await world.step(
        [
            world.failed(one, failure(), next_at=now + timedelta(hours=2, seconds=1)),
            world.failed(two, failure(), next_at=now + timedelta(hours=2)),
        ]
    )
    assert await forward(world) == 1
    assert await next_of(world, one.id) == now
    assert await next_of(world, two.id) == now + timedelta(hours=2), "an hour, and the slack"
    assert (await world.store.read(records.get, one.id)).state is RecordState.RETRYING
    assert await forward(world) == 0


async def test_a_later_try_may_wait_longer(world):
    (record_id,) = await world.accept(1)
    for _ in range(2):
        (claimed,) = await world.claim()
        await world.step([world.failed(claimed, failure(), next_at=world.clock.now())])
    (claimed,) = await world.claim()
    assert claimed.tries == 3
    await world.step([world.failed(claimed, failure(), next_at=world.clock.now() + timedelta(hours=13))])
    assert await forward(world) == 0
    world.clock.jump(-1)
    assert await forward(world) == 1
    assert await next_of(world, record_id) == world.clock.now()


async def test_a_queued_record_waits_for_nothing(world):
    ids = await world.accept(3)
    world.clock.jump(-86400)
    assert await world.claim() == []
    assert [await forward(world, limit=2) for _ in range(3)] == [2, 1, 0]
    assert {claimed.id for claimed in await world.claim()} == set(ids)


async def test_what_is_asked_for_or_awaited_later_than_it_can_be_is_due_now(world):
    method = {"receipt": {"deadline_s": 7200}, "lookup": {"path": "/{webhook_id}"}}
    await world.store.write(
        integrations.put_environment,
        world.integration_id,
        PRODUCTION,
        {"delivery": method},
        world.clock.now(),
    )
    await world.accept(4)
    asked, fine, awaited, patient = await world.claim()
    now, hours = world.clock.now(), {"hours": 13}
    unknown, awaiting = RecordState.UNKNOWN, RecordState.AWAITING_RECEIPT
    await world.step(
        [
            replace(world.delivered(each), state=state, next_at=now + timedelta(**wait))
            for each, state, wait in (
                (asked, unknown, hours | {"seconds": 1}),
                (fine, unknown, hours),
                (awaited, awaiting, {"hours": 3, "seconds": 1}),
                (patient, awaiting, {"hours": 3}),
            )
        ]
    )
    bounds = {"wait": max(WAITS), "slack": SLACK, "limit": 1}
    counts = [await world.store.write(due.undecided_forward, now, **bounds) for _ in range(3)]
    assert counts == [1, 1, 0]
    moved = [await next_of(world, each.id) == now for each in (asked, fine, awaited, patient)]
    assert moved == [True, False, True, False]


async def test_messages_are_due_now_and_what_a_mute_puts_off_stays(world):
    await world.add_channel("chat")
    await fail(world)
    world.clock.jump(-86400)
    now, wait = world.clock.now(), timedelta(hours=12)
    forward = {"wait": wait, "slack": SLACK}
    assert await world.store.write(due.alerts_forward, now, **forward) == 1
    (claimed,) = await world.store.write(alerts.claim, now, 10)
    later = now + timedelta(days=3)
    await world.store.write(problems.mute, (await only(world)).id, by="alice", until=later)
    await world.store.write(alerts.postpone, claimed.id, later)
    assert await world.store.write(due.alerts_forward, now, **forward) == 0
    assert await world.store.read(alerts.next_due) == later
    await world.store.write(problems.mute, (await only(world)).id, by="alice", until=None)
    assert await world.store.write(due.alerts_forward, now, **forward) == 1


async def test_a_message_that_failed_waits_as_long_as_its_schedule_can(world):
    await world.add_channel("chat")
    await fail(world)
    now, wait = world.clock.now(), timedelta(hours=12)
    (claimed,) = await world.store.write(alerts.claim, now, 10)
    again = {"ok": False, "error": "refused", "title": "", "body": "", "next_at": now + wait + SLACK}
    await world.store.write(alerts.settle, claimed.id, now, **again)
    assert await world.store.write(due.alerts_forward, now, wait=wait, slack=SLACK) == 0
    earlier = now - timedelta(seconds=1)
    assert await world.store.write(due.alerts_forward, earlier, wait=wait, slack=SLACK) == 1
    assert await world.store.read(alerts.next_due) == earlier


async def test_a_check_that_waits_longer_than_checks_do_is_due_now(world):
    now, wait = world.clock.now(), timedelta(hours=24)
    planned = sa.update(connection_table).values(next_check=now + wait + SLACK)
    await world.store.write(lambda conn: conn.execute(planned))
    assert await world.store.write(due.checks_forward, now, wait=wait, slack=SLACK) == 0
    earlier = now - timedelta(seconds=1)
    assert await world.store.write(due.checks_forward, earlier, wait=wait, slack=SLACK) == 1
    assert await world.store.read(connections.next_check_at) == earlier


async def watched(store, clock, tmp_path):
    config = load_config(None, {"HEALTHDESK_STORAGE__DATA_DIR": str(tmp_path)}, uid=0)
    return ClockWatch(SimpleNamespace(store=store, clock=clock, config=config))


async def test_a_step_back_is_told_once_and_judged_at_once(world, tmp_path, caplog):
    watch = await watched(world.store, world.clock, tmp_path)
    await world.accept(2)
    await watch.look()
    world.clock.advance(5)
    assert await watch.look() == 0
    world.clock.jump(-7200)
    assert await watch.look() == 2
    assert await watch.look() == 0
    assert [each.levelno for each in caplog.records if "set back by 7200 s" in each.message] == [30]
    assert len(await world.claim()) == 2


async def test_a_clock_that_is_slewed_a_little_is_no_news(world, tmp_path, caplog):
    watch = await watched(world.store, world.clock, tmp_path)
    await watch.look()
    world.clock.jump(-20)
    await watch.look()
    assert "set back" not in caplog.text


async def test_a_clock_unlike_the_databases_is_told_until_it_agrees(postgres_world, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    store, clock = postgres_world.store, postgres_world.clock
    clock.jump((await store.read(daemons.database_now) - clock.now()).total_seconds() + 3600)
    watch = await watched(store, clock, tmp_path)
    await watch.look()
    await watch.look()
    told = [each.message for each in caplog.records if "ahead of the database's" in each.message]
    assert len(told) == 1
    clock.jump((await store.read(daemons.database_now) - clock.now()).total_seconds())
    await watch.look()
    assert "agree again" in caplog.text


async def test_the_databases_clock_is_only_asked_where_it_has_one(world):
    theirs = await world.store.read(daemons.database_now)
    if world.store.dialect == "sqlite":
        assert theirs is None
    else:
        assert theirs <= await world.store.read(daemons.database_now)


async def test_secrets_are_found_in_a_database_that_no_store_has_open(url, world):
    assert await looking.sealed_in(url) == ["enc"]
    await world.add_channel("chat")
    assert await looking.sealed_in(url) == ["enc", "enc"]


async def test_a_database_without_tables_holds_no_secrets(tmp_path):
    assert await looking.sealed_in(f"sqlite:///{tmp_path}/new.db") == []


async def test_a_database_that_cannot_be_asked_says_so():
    with pytest.raises(StoreUnavailable):
        await looking.sealed_in("postgresql://nobody@127.0.0.1:1/none")


async def test_the_newest_moment_is_that_of_the_latest_arrival(world):
    assert await world.store.read(looking.newest_moment) is None
    await world.accept(1)
    world.clock.advance(60)
    await world.accept(1)
    assert await world.store.read(looking.newest_moment) == world.clock.now()


async def test_judging_due_times_again_never_scans_the_log(sqlite_world):
    world = sqlite_world
    await world.accept(30)
    world.clock.jump(-86400)
    bounds = {"waits": WAITS, "slack": SLACK, "limit": 5}
    plans = await plans_of_reads(world, (due.records_forward, (world.clock.now(),), bounds))
    steps = [step for statement, steps in plans for step in steps if "FROM environments" not in statement]
    assert any(
        "ix_records_due (integration_id=? AND environment=? AND next_at>?)" in step for step in steps
    ), steps
    assert not any(step.startswith("SCAN records") for step in steps), steps
