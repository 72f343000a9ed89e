"""Daemons that share one PostgreSQL run each instance once, and take over what a dead one had under way."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.harness.postgres import new_database, postgres_server
from tests.harness.serving import until
from tests.integration.instance_desk import bad, good, instance_desk, running

from healthdesk.domain.instance_states import InstanceKind, InstanceState, RunOutcome
from healthdesk.domain.states import Trigger
from healthdesk.engine.engine import Engine
from healthdesk.engine.janitor import Janitor
from healthdesk.store import daemons, runs
from healthdesk.store.instance_leases import LEASE
from healthdesk.store.rows_instances import RunRow
from healthdesk.testing import FakeClock

pytestmark = pytest.mark.xdist_group("postgres-engine")


@pytest.fixture(scope="module")
def server():
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with (
        TemporaryDirectory(prefix="healthdesk-instances-") as folder,
        postgres_server(Path(folder)) as started,
    ):
        yield started


@pytest.fixture
def database(server) -> str:
    return new_database(server.get_uri(), server.psql)


@contextlib.asynccontextmanager
async def two_daemons(tmp_path, database):
    """Two daemons on one database, with the connection and integration of the first."""
    clock = FakeClock()
    setting = {"HEALTHDESK_STORAGE__DATABASE_URL": database}
    one_folder, two_folder = tmp_path / "one", tmp_path / "two"
    for folder in (one_folder, two_folder):
        folder.mkdir()
    async with (
        instance_desk(one_folder, clock=clock, **setting) as one,
        instance_desk(two_folder, clock=clock, **setting) as two,
    ):
        # One key opens what either has encrypted.
        two.engine = Engine(
            replace(two.engine.ctx, vault=one.engine.ctx.vault),
            dict.fromkeys(InstanceKind, two.worker),
        )
        two.connection_id, two.integration_id = one.connection_id, one.integration_id
        for desk in (one, two):
            await desk.store.write(
                daemons.register, desk.engine.ctx.daemon_id, clock.now(), timedelta(hours=1)
            )
        yield one, two


async def test_two_daemons_share_the_work_and_run_each_instance_once(tmp_path, database):
    async with two_daemons(tmp_path, database) as (one, two):
        ids = [await one.add() for _ in range(24)]
        one.worker.gate.clear()
        two.worker.gate.clear()
        async with running(one), running(two):

            async def both():
                return one.worker.under_way and two.worker.under_way

            await until(both)
            one.worker.gate.set()
            two.worker.gate.set()

            async def all_succeeded():
                rows = await one.settled(*ids)
                for desk in (one, two):  # what found no place is tried again a moment later
                    desk.clock.advance(2.0)
                return all(row.state is InstanceState.SUCCEEDED for row in rows)

            await until(all_succeeded)
        ran = [work.instance.id for work in (*one.worker.ran, *two.worker.ran)]
        assert sorted(ran) == sorted(ids), "each once"


async def test_asking_for_one_that_another_daemon_runs_waits_for_it_to_be_run_once_more(tmp_path, database):
    async with two_daemons(tmp_path, database) as (one, two):
        shared = await one.add()
        one.worker.gate.clear()
        async with running(one):

            async def begun():
                return shared in one.worker.under_way

            await until(begun)
            asked = asyncio.create_task(two.engine.instances.run_now(shared, Trigger.OPERATOR, "bob", 600.0))

            async def heard():
                return (await one.get(shared)).next_trigger is Trigger.OPERATOR

            await until(heard)
            one.worker.gate.set()

            async def answered():
                one.clock.advance(0.5)
                return asked.done()

            await until(answered)
        assert [work.trigger for work in one.worker.ran] == [Trigger.FIRST, Trigger.OPERATOR]
        assert two.worker.ran == []


async def test_what_a_killed_daemon_had_under_way_is_interrupted_and_run_by_the_other(tmp_path, database):
    async with two_daemons(tmp_path, database) as (one, two):
        cut = await one.add()
        run_id = one.new("run")

        async def begins_and_hangs(work):
            run = RunRow(
                id=run_id,
                instance_id=work.instance.id,
                outcome=RunOutcome.RUNNING,
                trigger=work.trigger,
                triggered_by="",
                daemon_id=one.engine.ctx.daemon_id,
                started_at=one.clock.now(),
            )
            await one.store.write(runs.begin, run)
            await asyncio.Event().wait()

        one.worker.will[cut] = begins_and_hangs
        two.worker.will[cut] = good(RunOutcome.FOUND)
        loop = asyncio.create_task(one.engine.instances.run(asyncio.Event()))

        async def begun():
            return await one.runs(cut)

        await until(begun)
        # As kill -9 leaves it: the tasks are gone, the row is leased and its run is under way.
        loop.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loop
        assert (await one.get(cut)).running
        async with running(two):
            assert two.worker.ran == []
            await two.store.write(daemons.leave, one.engine.ctx.daemon_id, two.clock.now())
            janitor = Janitor(two.engine.ctx, lambda: None, lambda: None)
            await janitor._recover(others_are_dead=False)
            (row,) = await two.settled(cut)
        assert (row.state, row.lease_owner) == (InstanceState.SUCCEEDED, "")
        outcomes = {run.id: run.outcome for run in await two.runs(cut)}
        assert outcomes.pop(run_id) is RunOutcome.INTERRUPTED
        assert list(outcomes.values()) == [RunOutcome.FOUND]
        assert two.worker.ran[0].trigger is Trigger.RECOVERY


async def test_a_result_that_comes_after_the_lease_ran_out_decides_nothing(tmp_path, database):
    async with two_daemons(tmp_path, database) as (one, two):
        slow = await one.add()
        one.worker.gate.clear()
        one.worker.will[slow] = bad()
        stop = asyncio.Event()
        loop = asyncio.create_task(one.engine.instances.run(stop))

        async def begun():
            return slow in one.worker.under_way

        await until(begun)
        one.clock.jump(LEASE.total_seconds() + 1)
        async with running(two):

            async def taken():
                two.engine.instances.wake()
                return two.worker.count(slow)

            await until(taken)
            (row,) = await two.settled(slow)
            assert row.state is InstanceState.SUCCEEDED
            stop.set()
            one.worker.gate.set()
            await loop
        row = await two.get(slow)
        assert row.state is InstanceState.SUCCEEDED
        assert {run.outcome for run in await two.runs(slow)} == {RunOutcome.PULLED, RunOutcome.FAILED}
