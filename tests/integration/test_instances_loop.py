"""The loop of instances: what is due is run, once at a time, and what it came to is kept whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.harness.serving import until
from tests.integration.instance_desk import (
    HOUR,
    PROOF,
    REFUSED,
    bad,
    failure,
    good,
    instance_desk,
    running,
)

from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.states import ErrorKind, IntegrationState, ProblemState, Trigger
from healthdesk.engine import instances as loop
from healthdesk.errors import Conflict, ConnectorError, NotFound, StoreUnavailable
from healthdesk.store import connections as connection_queries
from healthdesk.store import daemons, instance_leases, instances, problems


@pytest.fixture
async def desk(tmp_path):
    async with instance_desk(tmp_path) as made:
        yield made


async def problems_of(desk, *states):
    wanted = states or (ProblemState.OPEN, ProblemState.FORMING)
    return (await desk.store.read(problems.page, states=wanted)).items


async def test_what_is_due_is_run_and_due_again_after_its_interval(desk):
    due, later = await desk.add(), await desk.add(in_s=HOUR)
    async with running(desk):
        row, other = await desk.settled(due, later)
    assert (row.state, row.last_succeeded, row.lease_owner) == (
        InstanceState.SUCCEEDED,
        desk.clock.now(),
        "",
    )
    assert 0.9 * HOUR <= (row.next_at - desk.clock.now()).total_seconds() <= 1.1 * HOUR
    assert other.state is InstanceState.PENDING
    assert [work.instance.id for work in desk.worker.ran] == [due]
    work = desk.worker.ran[0]
    assert (work.trigger, work.triggered_by) == (Trigger.FIRST, "alice")
    assert work.connector.manifest.id == "github"
    (run,) = await desk.runs(due)
    assert (run.outcome, run.trigger, run.daemon_id) == (
        RunOutcome.PULLED,
        Trigger.FIRST,
        desk.engine.ctx.daemon_id,
    )
    connection = await desk.store.read(connection_queries.get, desk.connection_id)
    assert (connection.used_at, connection.collected_at) == (desk.clock.now(), None)


async def test_no_more_are_run_at_once_than_a_host_and_the_desk_bear(desk):
    others = [await desk.add_connection(f"https://{number}.example") for number in range(5)]
    ids = [await desk.add() for _ in range(8)]
    ids += [await desk.add(connection_id=each) for each in others for _ in range(4)]
    desk.worker.gate.clear()
    async with running(desk):
        await until(lambda: _true(len(desk.worker.under_way) == loop.AT_ONCE))
        mine = [each for each in desk.worker.ran if each.connection.id == desk.connection_id]
        assert len(mine) == loop.PER_HOST
        desk.worker.gate.set()
        await desk.settled(*ids)
    assert desk.worker.most == loop.AT_ONCE
    assert sorted(work.instance.id for work in desk.worker.ran) == sorted(ids)


async def _true(value):
    return value


async def test_a_refusal_is_the_state_of_its_instance_and_one_problem_for_all_alike(desk):
    ids = [await desk.add() for _ in range(3)]
    for each in ids[:2]:
        desk.worker.will[each] = bad()
    async with running(desk):
        one, two, well = await desk.settled(*ids)
        assert (one.state, one.error, one.status) == (InstanceState.SYNC_FAILED, REFUSED.sentence, 422)
        assert one.problem_id == two.problem_id
        assert well.problem_id is None
        (problem,) = await problems_of(desk)
        assert (problem.id, problem.count, problem.state) == (one.problem_id, 2, ProblemState.OPEN)
        assert problem.unit == "task"
        assert problem.sample_instance_id in ids[:2]
        assert problem.integration_id == desk.integration_id
        desk.worker.will.clear()
        for each in ids[:2]:
            await desk.engine.instances.run_now(each, Trigger.OPERATOR, "bob")
        one, two = await desk.settled(*ids[:2])
    assert (one.state, one.error, one.problem_id, one.failures) == (InstanceState.SUCCEEDED, "", None, 0)
    (solved,) = await problems_of(desk, ProblemState.RESOLVED)
    assert (solved.id, solved.count, solved.total) == (problem.id, 0, 2)


async def test_failures_back_off_and_open_a_problem_after_three_of_one_instance(desk):
    slow = failure(ErrorKind.SERVER_ERROR, 503, permanent=False)
    one = await desk.add()
    desk.worker.will[one] = bad(slow)
    waits = []
    async with running(desk):
        for number in range(1, 5):
            (row,) = await desk.settled(one)
            assert row.failures == number
            waits.append((row.next_at - desk.clock.now()).total_seconds())
            (problem,) = await problems_of(desk)
            assert problem.state is (ProblemState.OPEN if number >= 3 else ProblemState.FORMING)
            if number == 3:
                desk.worker.will[one] = bad(replace(slow, retry_after_s=7200.0))
            desk.clock.advance(60)
            await desk.store.write(instances.due_now, [one], desk.clock.now(), Trigger.CALLBACK)
        await desk.settled(one)
    assert 810 <= waits[0] <= 990
    assert 1620 <= waits[1] <= 1980
    assert 3240 <= waits[2] <= 3960
    assert waits[3] == pytest.approx(7200)


async def test_what_goes_wrong_on_our_side_is_a_clear_state_and_the_loop_goes_on(desk):
    broken, misfit, well = await desk.add(), await desk.add(PROOF), await desk.add()
    desk.worker.will[broken] = ZeroDivisionError("secret-value")
    desk.worker.will[misfit] = ConnectorError("GitHub has no dataset members", fix="Choose another")
    await desk.set_connection(last_healthy=desk.clock.now(), state="connected")
    async with running(desk):
        row, proof, good_one = await desk.settled(broken, misfit, well)
    assert (row.state, row.blame) == (InstanceState.CREATION_FAILED, "us")
    assert "ZeroDivisionError" in row.error
    assert "secret-value" not in row.error
    assert (proof.state, proof.error) == (InstanceState.FAILED, "GitHub has no dataset members")
    assert proof.next_action == "Choose another"
    assert good_one.state is InstanceState.SUCCEEDED


@pytest.mark.parametrize("unasked", [Trigger.SCHEDULE, Trigger.CALLBACK])
async def test_an_unchanged_task_leaves_a_run_only_when_somebody_asked(desk, unasked):
    one = await desk.add(trigger=unasked)
    desk.worker.will[one] = good(RunOutcome.UNCHANGED)
    async with running(desk):
        await desk.settled(one)
        assert await desk.runs(one) == []
        await desk.engine.instances.run_now(one, Trigger.OPERATOR, "bob")
        (run,) = await desk.runs(one)
    assert (run.outcome, run.trigger, run.triggered_by) == (RunOutcome.UNCHANGED, Trigger.OPERATOR, "bob")


async def test_run_now_joins_the_run_under_way_and_follows_it_when_the_settings_changed(desk):
    one = await desk.add(in_s=None)
    desk.worker.gate.clear()
    async with running(desk):
        run_now = desk.engine.instances.run_now
        asked = [asyncio.create_task(run_now(one, Trigger.OPERATOR, f"user{n}")) for n in range(3)]
        await until(lambda: _true(desk.worker.under_way == {one}))
        desk.worker.gate.set()
        await asyncio.gather(*asked)
        assert desk.worker.count(one) == 1
        assert (await desk.get(one)).next_at is None, "it is still not run by itself"

        desk.worker.gate.clear()
        first = asyncio.create_task(run_now(one, Trigger.OPERATOR, "bob"))
        await until(lambda: _true(desk.worker.under_way == {one}))
        await desk.store.write(instances.update, one, {"name": "Another"})
        second = asyncio.create_task(run_now(one, Trigger.OPERATOR, "carol"))
        await asyncio.sleep(0)
        desk.worker.gate.set()
        await asyncio.gather(first, second)
    assert desk.worker.count(one) == 3
    assert desk.worker.ran[-1].instance.name == "Another"


async def test_run_now_waits_no_longer_than_it_was_told_and_the_run_goes_on(desk):
    one = await desk.add(in_s=None)
    desk.worker.gate.clear()
    async with running(desk):
        asked = asyncio.create_task(desk.engine.instances.run_now(one, Trigger.OPERATOR, "bob", 5.0))
        await until(lambda: _true(desk.worker.under_way == {one}))
        desk.clock.advance(6)
        await asked
        assert (await desk.get(one)).running
        desk.worker.gate.set()
        (row,) = await desk.settled(one)
    assert row.state is InstanceState.SUCCEEDED


async def test_what_cannot_be_run_says_why(desk):
    parted = await desk.add(connection_id=None, in_s=None)
    paused = await desk.add(in_s=None)
    run_now = desk.engine.instances.run_now
    with pytest.raises(NotFound):
        await run_now("tsk_none", Trigger.OPERATOR)
    with pytest.raises(Conflict, match="disconnected"):
        await run_now(parted, Trigger.OPERATOR)
    await desk.pause(IntegrationState.PAUSED)
    with pytest.raises(Conflict, match="paused"):
        await run_now(paused, Trigger.OPERATOR)


async def test_one_asked_for_while_it_is_under_way_is_run_once_more(desk):
    one = await desk.add()
    desk.worker.gate.clear()
    async with running(desk):
        await until(lambda: _true(desk.worker.under_way == {one}))
        await desk.store.write(instances.due_now, [one], desk.clock.now(), Trigger.CALLBACK, "github")
        desk.worker.gate.set()
        await until(lambda: _true(desk.worker.count(one) == 2))
        await desk.settled(one)
    assert [(work.trigger, work.triggered_by) for work in desk.worker.ran] == [
        (Trigger.FIRST, "alice"),
        (Trigger.CALLBACK, "github"),
    ]


async def test_what_was_found_with_other_settings_decides_nothing_but_what_it_made_is_kept(desk):
    one = await desk.add()
    kept = []
    desk.worker.will[one] = replace(bad(), keep=lambda _conn: kept.append("issue 7"))
    desk.worker.gate.clear()
    async with running(desk):
        await until(lambda: _true(desk.worker.under_way == {one}))
        await desk.store.write(instances.update, one, {"name": "Edited"})
        desk.worker.will[one] = replace(bad(), keep=lambda _conn: kept.append("issue 7"))
        desk.worker.gate.set()
        await until(lambda: _true(desk.worker.count(one) == 2))
        (row,) = await desk.settled(one)
    assert len(kept) >= 2
    assert row.failures == 1, "the first run decided nothing"
    assert len(await desk.runs(one)) == 2


async def test_one_deleted_or_unlinked_while_it_is_under_way_stays_so(desk):
    gone, unlinked = await desk.add(), await desk.add()
    kept = []
    for each in (gone, unlinked):
        desk.worker.will[each] = replace(bad(), keep=lambda _conn, each=each: kept.append(each))
    desk.worker.gate.clear()
    async with running(desk):
        await until(lambda: _true(len(desk.worker.under_way) == 2))
        await desk.store.write(instances.remove, gone)
        await desk.store.write(instances.update, unlinked, {"next_at": None, "state": InstanceState.PENDING})
        desk.worker.gate.set()
        await until(lambda: _true({gone, unlinked} <= set(kept)))
        (row,) = await desk.settled(unlinked)
    assert (row.next_at, row.state, row.lease_owner) == (None, InstanceState.PENDING, "")
    assert await problems_of(desk) == []
    with pytest.raises(NotFound):
        await desk.get(gone)


async def test_a_paused_integration_is_not_worked_for_until_it_is_resumed(desk):
    before = await desk.add()
    await desk.pause(IntegrationState.PAUSED)
    meanwhile = await desk.add()
    async with running(desk):

        async def parked():
            return (await desk.get(meanwhile)).parked

        await until(parked)
        assert desk.worker.ran == []
        assert not (await desk.get(meanwhile)).running
        await desk.store.write(instances.due_now, [meanwhile], desk.clock.now(), Trigger.CALLBACK)
        assert (await desk.get(meanwhile)).next_at is None
        await desk.pause(IntegrationState.ACTIVE)
        await desk.engine.refresh()

        async def done():
            desk.clock.advance(1)
            return {work.instance.id for work in desk.worker.ran} == {before, meanwhile}

        await until(done)
        await desk.settled(before, meanwhile)


async def test_leases_of_what_is_under_way_are_renewed_and_others_run_out(desk):
    busy = await desk.add()
    desk.worker.gate.clear()
    async with running(desk):
        await until(lambda: _true(desk.worker.under_way == {busy}))
        until_at = (await desk.get(busy)).lease_until
        await desk.clock.run_for(loop.RENEW_S + 1)

        async def renewed():
            return (await desk.get(busy)).lease_until > until_at

        await until(renewed)
        desk.worker.gate.set()
        (row,) = await desk.settled(busy)
    assert row.lease_until is None


async def test_a_stop_lets_runs_finish_and_gives_back_what_was_not_begun(desk):
    ids = [await desk.add() for _ in range(loop.PER_HOST + 3)]
    desk.worker.gate.clear()
    stop = asyncio.Event()
    task = asyncio.create_task(desk.engine.instances.run(stop))
    await until(lambda: _true(len(desk.worker.under_way) == loop.PER_HOST))
    stop.set()
    desk.worker.gate.set()
    await task
    rows = [await desk.get(each) for each in ids]
    done = [row for row in rows if row.state is InstanceState.SUCCEEDED]
    left = [row for row in rows if row.state is InstanceState.PENDING]
    assert (len(done), len(left)) == (loop.PER_HOST, 3)
    assert all(row.lease_owner == "" and row.next_at <= desk.clock.now() for row in left)
    assert all(row.next_trigger is Trigger.FIRST for row in left), "they are run for the reason they were due"


async def test_what_came_of_a_run_waits_for_a_database_that_cannot_be_used(desk, monkeypatch):
    one = await desk.add()
    real, refused = desk.store.write, []

    async def write(query, *args, **kwargs):
        if query.__name__ == "settle" and len(refused) < 3:
            refused.append(query)
            raise StoreUnavailable("the disk is full")
        return await real(query, *args, **kwargs)

    monkeypatch.setattr(desk.store, "write", write)
    async with running(desk):

        async def done():
            desk.clock.advance(1)
            return (await desk.get(one)).state is InstanceState.SUCCEEDED

        await until(done)
    assert len(refused) == 3
    assert desk.worker.count(one) == 1


async def test_a_worker_that_cannot_reach_the_database_is_asked_again(desk):
    one = await desk.add()
    desk.worker.will[one] = StoreUnavailable("locked")
    async with running(desk):
        await until(lambda: _true(desk.worker.count(one) == 1))
        desk.worker.will.clear()

        async def done():
            desk.clock.advance(1)
            return (await desk.get(one)).state is InstanceState.SUCCEEDED

        await until(done)
    assert await problems_of(desk) == []


async def test_nothing_is_claimed_of_what_another_daemon_holds(desk):
    one = await desk.add()
    until_at = desk.clock.now() + timedelta(hours=1)

    def held(conn):
        instance_leases._lease(conn, [instances.get(conn, one)], desk.clock.now())
        conn.execute(
            instances.instances.update().values(
                lease_owner="dmn_other", next_at=until_at, lease_until=until_at
            )
        )

    await desk.store.write(held)
    await desk.store.write(daemons.register, "dmn_other", desk.clock.now(), timedelta(hours=2))
    async with running(desk):
        desk.engine.instances.wake()
        asked = asyncio.create_task(desk.engine.instances.run_now(one, Trigger.OPERATOR, "bob", 3.0))
        await desk.clock.wait_for_sleepers(3)
        assert desk.worker.ran == []

        async def ended():
            desk.clock.advance(1)
            return asked.done()

        await until(ended)
        assert (await desk.get(one)).next_trigger is Trigger.OPERATOR
        desk.clock.advance(3600)
        await until(lambda: _true(desk.worker.count(one) == 1))
        await desk.settled(one)


@contextlib.asynccontextmanager
async def under_way(desk, instance_id):
    """Run an instance, and let its run end with the block."""
    desk.worker.gate.clear()

    async def begun():
        return instance_id in desk.worker.under_way

    async with running(desk):
        await until(begun)
        yield
        desk.worker.gate.set()
        await desk.settled(instance_id)


async def test_a_task_that_is_unlinked_and_gets_a_new_issue_while_it_is_run_is_run_again(desk):
    task_id = await desk.add()
    async with under_way(desk, task_id):
        await desk.store.write(instances.update, task_id, {"next_at": None})
        await desk.store.write(instances.update, task_id, {"next_at": desk.clock.now()})
    assert desk.worker.count(task_id) == 2
    assert (await desk.get(task_id)).next_at > desk.clock.now()


async def test_a_proof_sync_that_gets_another_connection_while_it_is_run_is_run_again(desk):
    sync_id = await desk.add(PROOF)
    other = await desk.add_connection("https://other.example")
    now = desk.clock.now()
    async with under_way(desk, sync_id):
        await desk.store.write(instances.lost, desk.connection_id, now)
        await desk.store.write(instances.update, sync_id, {"connection_id": other, "next_at": now})
        await desk.store.write(instances.due_now, [sync_id], now, Trigger.EDIT)
    assert [work.connection.id for work in desk.worker.ran] == [desk.connection_id, other]
    assert (await desk.get(sync_id)).next_at > now


async def test_a_task_that_is_reconnected_while_it_is_run_is_left_to_whom_runs_it(desk):
    task_id = await desk.add()
    other = await desk.add_connection("https://other.example")
    now = desk.clock.now()
    async with under_way(desk, task_id):
        await desk.store.write(instances.lost, desk.connection_id, now)
        assert await desk.store.write(instances.reconnect, "alice", "github", other, now) == 1
        row = await desk.get(task_id)
        assert (row.running, row.next_at) == (True, row.lease_until)
    assert [work.connection.id for work in desk.worker.ran] == [desk.connection_id, other]
