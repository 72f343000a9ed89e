"""Records of one order key go one after the other, whatever happens to each of them meanwhile."""

from __future__ import annotations

import itertools
import random
import shutil
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from healthdesk.domain.ids import IdFactory
from healthdesk.domain.states import HoldReason, OnUnknown, RecordEventKind, RecordState
from healthdesk.store import flow, holding, integrations, ledger, ordering, problems, record_events, records
from healthdesk.store.database import Store
from healthdesk.store.ledger import Deltas
from healthdesk.store.rows import EnvWant
from healthdesk.testing import FakeClock
from tests.store.test_outcomes import in_state, receive
from tests.store.world import PRODUCTION, REFUSED, World, failure

WAIT, GO_ON = ordering.WAIT, ordering.GO_ON


async def orders(world: World, after_failed: str = WAIT, **more) -> None:
    method = {"order": {"key": "participant", "after_failed": after_failed}}
    await world.store.write(
        integrations.put_environment,
        world.integration_id,
        PRODUCTION,
        {"delivery": method} | more,
        world.clock.now(),
    )


async def claim(world: World, settlements=(), *, free=100, order=WAIT):
    settled = tuple(each.record_id for each in settlements)
    want = EnvWant(world.integration_id, PRODUCTION, free, order=order, settled=settled)
    return (await world.store.settle_and_claim(list(settlements), [want], now=world.clock.now())).claimed


async def row(world: World, record_id: str):
    return await world.store.read(records.get, record_id)


async def swept(world: World, order=WAIT) -> list[str]:
    place = (world.integration_id, PRODUCTION)
    free, rest = await world.store.read(ordering.free_heads, *place, order, after="", limit=100)
    assert rest is None
    assert await world.store.write(ordering.release, *place, free, world.clock.now()) == len(free)
    return free


async def test_of_each_key_the_first_goes_and_the_others_wait_for_it(world):
    first, second = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    other, free = await world.accept(1, order_key="b"), await world.accept(1)
    claimed = await claim(world)
    assert {each.id for each in claimed} == {*first, *other, *free}
    held = await row(world, second[0])
    assert (held.state, held.hold_reason) == (RecordState.HELD, HoldReason.ORDER)
    (waits,) = await world.store.read(record_events.of, second[0])
    assert (waits.kind, waits.at) == (RecordEventKind.ORDER, world.clock.now())
    assert waits.sentence == f"It waits for {first[0]}, an earlier one of its key."
    assert await world.check_ledger() == {"sending": 3, "held": 1}
    (done,) = [each for each in claimed if each.id == first[0]]
    assert [each.id for each in await claim(world, [world.delivered(done)])] == second
    assert await world.check_ledger() == {"delivered": 1, "sending": 3}


async def test_a_later_one_waits_while_the_earlier_is_tried_again(world):
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world)
    later = world.clock.now() + timedelta(hours=1)
    assert await claim(world, [world.failed(tried, failure(), next_at=later)]) == []
    world.clock.advance(3600)
    (again,) = await claim(world)
    assert again.id == first
    assert [each.id for each in await claim(world, [world.delivered(again)])] == [second]


async def test_a_refused_one_is_waited_for_until_its_problem_is_closed(world):
    await orders(world)
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world)
    assert await claim(world, [world.failed(tried, REFUSED)]) == []
    assert await swept(world) == []
    earlier = await world.store.read(ordering.goes_first, second)
    assert (earlier.id, earlier.state) == (first, RecordState.FAILED)
    problem_id = (await row(world, first)).problem_id
    await world.store.write(problems.resolve, problem_id, by="bob", now=world.clock.now())
    assert await swept(world) == [second]
    assert [each.id for each in await claim(world)] == [second]
    assert await world.store.read(ordering.goes_first, second) is None


async def test_where_it_goes_on_after_a_failure_the_next_goes_with_the_same_commit(world):
    await orders(world, GO_ON)
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world, order=GO_ON)
    assert tried.id == first
    assert [each.id for each in await claim(world, [world.failed(tried, REFUSED)], order=GO_ON)] == [second]


async def test_a_pause_holds_what_is_due_and_leaves_the_reason_of_what_waits_for_another(world):
    place = (world.integration_id, PRODUCTION)
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world)
    await claim(world, [world.failed(tried, failure())], free=0)
    assert await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 10) == 1
    assert (await row(world, first)).hold_reason is HoldReason.PAUSED
    assert (await row(world, second)).hold_reason is HoldReason.ORDER
    now = world.clock.now()
    assert await world.store.write(flow.release_some, *place, now, 10, ordered=True) == 1
    assert (await row(world, second)).hold_reason is HoldReason.ORDER
    assert [each.id for each in await claim(world)] == [first]


async def test_where_ordering_was_switched_off_all_that_waits_is_released(world):
    place = (world.integration_id, PRODUCTION)
    await world.accept(3, order_key="a")
    await claim(world)
    assert await world.store.write(flow.release_some, *place, world.clock.now(), 10) == 2
    assert len(await world.claim()) == 2


async def test_a_resend_sends_the_earlier_before_what_still_waits(world):
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world)
    await claim(world, [world.failed(tried, REFUSED)], free=0)
    await world.store.write(records.resend, [first], by="bob", now=world.clock.now())
    (again,) = await claim(world)
    assert again.id == first
    assert [each.id for each in await claim(world, [world.delivered(again)])] == [second]


async def test_what_is_due_too_early_never_hides_what_may_go(world):
    await world.accept(ordering.STEP + 50, order_key="a")
    (other,) = await world.accept(1, order_key="b")
    assert other in {each.id for each in await claim(world, free=5)}


async def test_an_unknown_one_is_waited_for_and_gone_past_only_where_failures_are(world):
    await orders(world, GO_ON, on_unknown=OnUnknown.HOLD)
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (tried,) = await claim(world)
    unknown = world.failed(tried, failure(), state=RecordState.UNKNOWN)
    assert await claim(world, [unknown]) == []
    assert (await row(world, first)).state is RecordState.UNKNOWN
    assert await swept(world, WAIT) == []
    assert await swept(world, GO_ON) == [second]


def explained(conn, statement, parameters):
    if conn.dialect.name == "sqlite":
        return [each[3] for each in conn.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)]
    return [each[0] for each in conn.exec_driver_sql("EXPLAIN " + statement, parameters)]


async def test_no_statement_of_ordering_scans_the_log(world):
    await orders(world)
    await world.accept(30, order_key="a")
    await world.accept(30)
    (tried, *_) = await claim(world)
    second = (await claim(world, [world.delivered(tried)]))[0].id

    def run(conn):
        if conn.dialect.name != "sqlite":
            conn.execute(text("SET LOCAL enable_seqscan = off"))
        sent = []

        def note(_conn, _cursor, statement, parameters, _context, _many):
            sent.append((statement, parameters))

        event.listen(conn, "before_cursor_execute", note)
        place, now = (world.integration_id, PRODUCTION), world.clock.now()
        want = EnvWant(*place, 5, order=WAIT, settled=(tried.id,))
        try:
            ordering.make_way(conn, want, now, Deltas())
            ordering.free_heads(conn, *place, WAIT, after="", limit=10)
            ordering.goes_first(conn, second)
        finally:
            event.remove(conn, "before_cursor_execute", note)
        reads = [each for each in sent if each[0].lstrip().startswith("SELECT")]
        return [(statement, explained(conn, statement, parameters)) for statement, parameters in reads]

    plans = await world.store.write(run)
    assert len(plans) >= 5
    for statement, steps in plans:
        for step in steps:
            assert "SCAN r" not in step, (statement, steps)
            assert "SCAN e" not in step, (statement, steps)
            assert "Seq Scan on records" not in step, (statement, steps)
    assert any("ix_records_order" in step for _, steps in plans for step in steps)


STEPS = st.lists(
    st.sampled_from(["claim", "deliver", "later", "refuse", "accept", "resend", "pause", "crash", "sweep"]),
    min_size=25,
    max_size=60,
)


@pytest.fixture(scope="module")
def numbers():
    return itertools.count()


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS, st.randoms(use_true_random=False))
async def test_first_deliveries_of_a_key_are_in_the_order_of_arrival(
    sqlite_template, tmp_path, numbers, steps, rng
):
    clock = FakeClock()
    ids = IdFactory(random.Random(5).randbytes)
    path = tmp_path / f"{next(numbers)}.db"
    shutil.copy(sqlite_template, path)
    store = await Store.open(f"sqlite:///{path}", daemon_id="dmn_one", clock=clock, ids=ids)
    try:
        world = await World.made(store, clock, ids)
        await orders(world)
        arrived, delivered = await walked(world, steps, rng)
        for key in arrived:
            firsts = list(dict.fromkeys(each for each in delivered if each in arrived[key]))
            assert firsts == arrived[key][: len(firsts)], (steps, arrived, delivered)
        await drained(world, arrived, delivered)
        for key in arrived:
            assert list(dict.fromkeys(each for each in delivered if each in arrived[key])) == arrived[key]
        await world.check_ledger()
    finally:
        await store.close()


async def walked(world: World, steps, rng):
    arrived = {key: sorted(await world.accept(3, order_key=key)) for key in "ab"}
    delivered: list[str] = []
    sending: list = []
    place = (world.integration_id, PRODUCTION)
    for step in steps:
        world.clock.advance(1)
        now = world.clock.now()
        if step == "accept":
            key = rng.choice("ab")
            arrived[key] += await world.accept(1, order_key=key)
        elif step == "claim":
            sending += await claim(world, free=rng.randint(1, 3))
        elif step in {"deliver", "refuse", "later"} and sending:
            each = sending.pop(rng.randrange(len(sending)))
            if step == "deliver":
                result = world.delivered(each)
                delivered.append(each.id)
            elif step == "refuse":
                result = world.failed(each, REFUSED)
            else:
                result = world.failed(each, failure(), next_at=now + timedelta(seconds=rng.randint(0, 5)))
            sending += await claim(world, [result], free=rng.randint(0, 2))
        elif step == "resend":
            everything = [each for ids in arrived.values() for each in ids]
            if everything:
                await world.store.write(records.resend, [rng.choice(everything)], by="bob", now=now)
        elif step == "pause":
            await world.store.write(flow.hold_some, *place, HoldReason.PAUSED, 100)
            sending += await claim(world)
            await world.store.write(flow.release_some, *place, now, 100, ordered=True)
        elif step == "crash":
            sending.clear()
            await world.store.write(
                flow.recover_interrupted, now, daemon_id="dmn_two", others_are_dead=True, limit=100
            )
        elif step == "sweep":
            await swept(world)
    await world.store.write(
        flow.recover_interrupted, world.clock.now(), daemon_id="dmn_two", others_are_dead=True, limit=100
    )
    return arrived, delivered


async def drained(world: World, arrived, delivered) -> None:
    """Resend what failed and deliver everything: nothing waits for ever."""
    for _ in range(4 * sum(len(ids) for ids in arrived.values()) + 4):
        world.clock.advance(10)
        await swept(world)
        for ids in arrived.values():
            for each in ids:
                if (await row(world, each)).state is RecordState.FAILED:
                    await world.store.write(records.resend, [each], by="bob", now=world.clock.now())
        claimed = await claim(world)
        delivered += [each.id for each in claimed]
        await claim(world, [world.delivered(each) for each in claimed], free=0)
        states = {(await row(world, each)).state for ids in arrived.values() for each in ids}
        if states <= {RecordState.DELIVERED}:
            return
    raise AssertionError(states)


async def test_a_resend_out_of_order_names_the_one_that_goes_first(world):
    await orders(world, GO_ON)
    (first,), (second,) = await world.accept(1, order_key="a"), await world.accept(1, order_key="a")
    (one,) = await claim(world, order=GO_ON)
    (two,) = await claim(world, [world.failed(one, REFUSED)], order=GO_ON)
    await claim(world, [world.failed(two, REFUSED)], free=0, order=GO_ON)
    await orders(world, WAIT)
    now = world.clock.now()
    done = await world.store.write(records.resend, [second], by="bob", now=now)
    assert done.resent == 0
    assert done.skipped == {second: f"{first} of the same key goes first, and is failed"}
    done = await world.store.write(records.resend, [second, first], by="bob", now=now)
    assert done.resent == 2
    (again,) = await claim(world)
    assert again.id == first
    done = await world.store.write(records.resend, [second], by="bob", now=now)
    assert done.skipped == {second: f"{first} of the same key goes first, and is sending"}


@pytest.mark.parametrize(("attempted", "after"), [(True, RecordState.DELIVERED), (False, RecordState.HELD)])
async def test_a_record_that_is_held_after_an_attempt_is_confirmed_and_lets_the_next_of_its_key_go(
    world, attempted, after
):
    await orders(world)
    first = await in_state(world, RecordState.RETRYING, -1, order_key="a") if attempted else ""
    first = first or (await world.accept(order_key="a"))[0]
    (second,) = await world.accept(order_key="a")

    def make_way(conn):
        deltas = Deltas()
        want = EnvWant(world.integration_id, PRODUCTION, 0, order=WAIT)
        ordering.make_way(conn, want, world.clock.now(), deltas)
        ledger.apply(conn, deltas)

    await world.store.write(make_way)
    assert (await row(world, second)).hold_reason is HoldReason.ORDER
    place = (world.integration_id, PRODUCTION)
    await world.store.write(holding.hold_some, *place, HoldReason.PAUSED, 10)
    assert (await row(world, first)).state is RecordState.HELD
    stored = await receive(world, first)
    seen = await row(world, first)
    assert seen.state is after
    if attempted:
        assert seen.hold_reason is None
        assert (await row(world, second)).state is RecordState.QUEUED
        assert stored.carried.again == (place,)
    await world.check_ledger()
