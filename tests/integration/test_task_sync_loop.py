"""Tasks through the whole engine: created, pulled when their app calls, and found again after a crash."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.connectors.apps.fake import Fault, Lost
from tests.connectors.apps.fake_github import FakeGithub
from tests.integration.instance_desk import InstanceDesk, instance_desk, running

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.domain.instance_states import InstanceState, LinkState, RunOutcome, WorkStatus
from healthdesk.domain.states import CallbackState, ConnectionState, Trigger
from healthdesk.engine.task_sync import TaskSync
from healthdesk.store import app_integrations, callbacks, connections, instances, tasks
from healthdesk.store.rows import NewCallback
from healthdesk.store.rows_instances import TaskRow

WHERE = dict(FakeGithub.container)


@dataclass
class Tasks:
    """A desk whose tasks are synced with a fake GitHub by the engine itself."""

    desk: InstanceDesk
    fake: FakeGithub
    ids: list[str] = field(default_factory=list)

    async def add(self, name: str = "Rotate the keys") -> str:
        task_id = await self.desk.add(in_s=None, name=name)
        await self.desk.store.write(
            tasks.insert, id=task_id, name=name, link=LinkState.WANTED, now=self.desk.clock.now(), by="alice"
        )
        await self.due(task_id, Trigger.FIRST)
        return task_id

    async def due(self, task_id: str, trigger: Trigger = Trigger.SCHEDULE) -> None:
        now = self.desk.clock.now()
        assert await self.desk.store.write(instances.due_now, [task_id], now, trigger)

    async def task(self, task_id: str) -> TaskRow:
        return await self.desk.store.read(tasks.get, task_id)

    async def calls_back(self, number: int) -> None:
        """Let GitHub tell of an issue, and what it told be processed."""
        desk = self.desk
        body = {
            "action": "edited",
            "issue": {"number": number},
            "repository": {"full_name": "octo-org/hello-world"},
        }
        new = NewCallback(
            id=desk.new("cbk"),
            connection_id=desk.connection_id,
            delivery_id=desk.new("cbk"),
            received_at=desk.clock.now(),
            state=CallbackState.ACCEPTED,
            event="issues",
            headers={},
            body=json.dumps(body).encode(),
        )
        await desk.store.write(callbacks.accept, new)
        assert await desk.engine.callbacks._some()


@contextlib.asynccontextmanager
async def tasks_on(folder: Path) -> AsyncIterator[Tasks]:
    async with FakeGithub() as fake, instance_desk(folder, fake.url) as desk:
        ctx = desk.engine.ctx
        sealed = ctx.vault.encrypt(StoredCredentials("token", dict(fake.credentials)).to_json())
        await desk.set_connection(credentials_enc=sealed)
        settings = {"container": WHERE, "statuses": {"done": "closed"}, "every_s": 3600}
        await desk.store.write(app_integrations.update, desk.integration_id, {"settings": settings})
        worker = TaskSync(ctx)
        desk.engine.instances._runner._workers = dict.fromkeys(desk.engine.instances._runner._workers, worker)
        yield Tasks(desk, fake)


@pytest.fixture
async def world(tmp_path):
    async with tasks_on(tmp_path) as made:
        yield made


async def test_a_task_is_created_pulled_when_the_app_calls_and_pushed(world):
    desk = world.desk
    async with running(desk):
        task_id = await world.add()
        (row,) = await desk.settled(task_id)
        assert (row.state, row.error) == (InstanceState.SUCCEEDED, "")
        task = await world.task(task_id)
        assert (task.link, task.external_key) == (LinkState.LINKED, "octo-org/hello-world#1347")

        world.fake.issues[1347]["title"] = "Rotate all"
        await world.calls_back(1347)
        (row,) = await desk.settled(task_id)
        assert (await world.task(task_id)).name == row.name == "Rotate all"

        await desk.store.write(tasks.update, task_id, {"status": WorkStatus.DONE}, "alice", desk.clock.now())
        await world.due(task_id, Trigger.EDIT)
        await desk.settled(task_id)
        assert world.fake.issues[1347]["state"] == "closed"
    runs = await desk.runs(task_id)
    assert [(run.outcome, run.trigger) for run in runs] == [
        (RunOutcome.PUSHED, Trigger.EDIT),
        (RunOutcome.PULLED, Trigger.CALLBACK),
        (RunOutcome.CREATED, Trigger.FIRST),
    ]
    assert runs[0].detail["changes"][0]["field"] == "status"


async def test_a_callback_about_something_else_runs_nothing(world):
    desk = world.desk
    async with running(desk):
        task_id = await world.add()
        await desk.settled(task_id)
        before = len(world.fake.requests)
        await world.calls_back(9)
        await desk.settled(task_id)
    assert len(world.fake.requests) == before


async def test_a_lost_answer_is_looked_up_by_itself_and_closes_what_it_opened(world):
    desk = world.desk
    lost = [Lost.ANSWER]

    def loses(request, body):
        return lost.pop() if request.method == "POST" and lost else Lost.NOTHING

    world.fake.loses = loses
    async with running(desk):
        task_id = await world.add()
        (row,) = await desk.settled(task_id)
        assert row.state is InstanceState.CREATION_FAILED
        assert "It is not known whether GitHub created the issue" in row.error
        assert (row.next_at - desk.clock.now()).total_seconds() < 40
        desk.clock.advance(40)
        (row,) = await desk.settled(task_id)
    assert (row.state, row.error, row.problem_id) == (InstanceState.SUCCEEDED, "", None)
    assert len(world.fake.issues) == 1
    assert [run.outcome for run in await desk.runs(task_id)] == [RunOutcome.FOUND, RunOutcome.FAILED]


async def test_a_refusal_of_one_place_is_the_tasks_own_while_the_connection_works(world):
    desk = world.desk

    async with running(desk):
        task_id = await world.add()
        await desk.settled(task_id)
        answered = world.fake.answer_fault
        world.fake.answer_fault = lambda request: (
            None if request.path == "/user" else _refused(world.fake, answered, request)
        )
        await world.due(task_id)
        (row,) = await desk.settled(task_id)
    assert row.state is InstanceState.SYNC_FAILED
    assert row.error_kind == "permission"
    connection = await desk.store.read(connections.get, desk.connection_id)
    assert connection.state is ConnectionState.CONNECTED


def _refused(fake, answered, request):
    fake.fault = Fault.MISSING_PERMISSION
    try:
        return answered(request)
    finally:
        fake.fault = Fault.NONE


async def test_a_failing_connection_leaves_the_task_as_it_was(world):
    desk = world.desk
    async with running(desk):
        task_id = await world.add()
        await desk.settled(task_id)
        world.fake.fault = Fault.WRONG_CREDENTIALS
        await world.due(task_id)
        (row,) = await desk.settled(task_id)
    assert row.state is InstanceState.SUCCEEDED
    connection = await desk.store.read(connections.get, desk.connection_id)
    assert connection.state is ConnectionState.FAILING
