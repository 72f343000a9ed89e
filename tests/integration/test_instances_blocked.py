"""Cause over symptom: what may be its connection's fault is no failure of an instance until the connection was checked."""

from __future__ import annotations

import pytest
from tests.harness.serving import until
from tests.integration.instance_desk import (
    UNAUTHORIZED,
    bad,
    failure,
    instance_desk,
    running,
)

from healthdesk.domain.instance_states import InstanceState
from healthdesk.domain.states import ConnectionState, ErrorKind, ProblemState, Trigger
from healthdesk.errors import ConnectorError
from healthdesk.store import connections, instances, problems
from healthdesk.testing import FakeEndpoint

ME = {"id": 7, "login": "octo"}
FORBIDDEN = failure(ErrorKind.PERMISSION, 403)


@pytest.fixture
async def github():
    async with FakeEndpoint() as endpoint:
        endpoint.answer(json=ME)
        yield endpoint


@pytest.fixture
async def desk(tmp_path, github):
    async with instance_desk(tmp_path, github.url) as made:
        yield made


async def state_of(desk):
    return (await desk.store.read(connections.get, desk.connection_id)).state


async def live(desk):
    return (await desk.store.read(problems.page, states=(ProblemState.OPEN, ProblemState.FORMING))).items


async def test_lost_access_is_failed_while_the_connection_was_checked_and_stays_connected(desk, github):
    one, two = await desk.add(), await desk.add()
    desk.worker.will = {one: bad(FORBIDDEN), two: bad(FORBIDDEN)}
    async with running(desk):
        rows = await desk.settled(one, two)
    assert {row.state for row in rows} == {InstanceState.SYNC_FAILED}
    assert {row.error for row in rows} == {FORBIDDEN.sentence}
    assert await state_of(desk) is ConnectionState.CONNECTED
    assert len(github.requests) == 1, "one check proves it for both"
    (problem,) = await live(desk)
    assert (problem.count, problem.unit) == (2, "task")


async def test_a_refused_credential_is_the_connections_and_blocks_its_instances(desk, github):
    github.answer(401, json={"message": "Bad credentials"})
    ids = [await desk.add() for _ in range(3)]
    desk.worker.will = {each: bad(UNAUTHORIZED) for each in ids}
    async with running(desk):

        async def blocked():
            desk.engine.blocking.wake()
            return all([(await desk.get(each)).blocked for each in ids])

        await until(blocked)
        rows = [await desk.get(each) for each in ids]
        assert {row.state for row in rows} == {InstanceState.PENDING}, "their state stays as it was"
        assert await state_of(desk) is ConnectionState.FAILING
        (problem,) = await live(desk)
        assert problem.connection_id == desk.connection_id
        assert (problem.count, problem.blocked) == (0, {"task": 3})
        ran = len(desk.worker.ran)
        desk.clock.advance(3600)
        desk.engine.instances.wake()
        await desk.clock.wait_for_sleepers(2)
        assert len(desk.worker.ran) == ran, "blocked ones are not run"

        github.answer(json=ME)
        desk.worker.will.clear()
        await desk.engine.heartbeats.check_now(desk.connection_id)

        async def well():
            desk.clock.advance(1)
            return all([(await desk.get(each)).state is InstanceState.SUCCEEDED for each in ids])

        await until(well)
    assert {work.trigger for work in desk.worker.ran[ran:]} == {Trigger.RECOVERY}
    assert await live(desk) == []
    (solved,) = (await desk.store.read(problems.page, states=(ProblemState.RESOLVED,))).items
    assert (solved.id, solved.repaired, solved.blocked) == (problem.id, {"task": 3}, {})


async def test_a_credential_that_was_good_a_moment_ago_does_not_prove_that_a_refusal_is_the_instances(
    desk, github
):
    github.answer(401, json={"message": "Bad credentials"})
    await desk.set_connection(state=ConnectionState.CONNECTED, last_healthy=desk.clock.now())
    one = await desk.add()
    desk.worker.will[one] = bad(UNAUTHORIZED)
    desk.clock.advance(5)
    async with running(desk):
        (row,) = await desk.settled(one)
        assert (row.state, row.error, row.problem_id) == (InstanceState.PENDING, "", None)
        assert await state_of(desk) is not ConnectionState.CONNECTED
        assert all(each.integration_id is None for each in await live(desk))


async def test_released_instances_are_run_one_after_the_other(desk):
    ids = [await desk.add(in_s=10_000.0) for _ in range(40)]
    unlinked = await desk.add(in_s=None)
    await desk.set_connection(state=ConnectionState.FAILING)
    async with running(desk):

        async def all_are(value):
            desk.engine.blocking.wake()
            return all([(await desk.get(each)).blocked is value for each in (*ids, unlinked)])

        await until(lambda: all_are(True))
        await desk.set_connection(state=ConnectionState.SUSPECT)
        desk.engine.blocking.wake()
        await desk.set_connection(state=ConnectionState.CONNECTED)
        desk.worker.gate.clear()
        await until(lambda: all_are(False))
        waiting = [await desk.get(each) for each in ids]
        times = {row.next_at for row in waiting if not row.running}
        assert len(times) > 30
        assert max((at - desk.clock.now()).total_seconds() for at in times) <= 2.0
        assert (await desk.get(unlinked)).next_at is None


async def test_what_cannot_be_known_yet_keeps_the_state_and_is_tried_again_soon(desk, github):
    github.answer(503)
    one = await desk.add()
    await desk.store.write(instances.update, one, {"state": InstanceState.SUCCEEDED}, bumps=False)
    desk.worker.will[one] = bad(failure(ErrorKind.DNS, permanent=False))
    async with running(desk):
        (row,) = await desk.settled(one)
        assert (row.state, row.error, row.blocked) == (InstanceState.SUCCEEDED, "", False)
        assert await state_of(desk) is ConnectionState.SUSPECT
        assert (row.next_at - desk.clock.now()).total_seconds() <= 66
        assert await desk.runs(one), "what happened can be read"


async def test_a_connector_that_cannot_be_used_is_the_connections_only_when_its_check_says_so(desk, github):
    one = await desk.add()
    desk.worker.will[one] = ConnectorError("GitHub needs a repository", fix="Name one")
    async with running(desk):
        (row,) = await desk.settled(one)
        assert (row.state, row.error) == (InstanceState.CREATION_FAILED, "GitHub needs a repository")
        two = await desk.add()
        await desk.set_connection(credentials_enc="of another key", last_healthy=None)
        (row,) = await desk.settled(two)
    assert row.state is InstanceState.PENDING
    assert row.error == ""
    assert await state_of(desk) is not ConnectionState.CONNECTED
