"""How tasks are linked with issues: what is kept whatever happened to the task while the app was asked."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from healthdesk.connectors.results import ExternalTask
from healthdesk.domain.instance_states import InstanceKind, LinkState, RunOutcome, WorkStatus
from healthdesk.domain.states import CallbackState, Trigger
from healthdesk.errors import Conflict
from healthdesk.store import callbacks, instances, issue_callbacks, issue_holders, links, runs, tasks
from healthdesk.store.rows import NewCallback, ProcessedCallback
from healthdesk.store.rows_instances import RunRow
from tests.store.test_plans import plans_of_reads

WHERE = {"owner": "octo-org", "repo": "hello-world"}
ISSUE = asdict(
    ExternalTask(
        "12", "octo-org/hello-world#12", "https://github.example/12", "Rotate the keys", status="open"
    )
)
SAID = {
    "name": "Rotate the keys",
    "description": "",
    "status": "not_started",
    "due": "",
    "assignee": "",
}
SYNCED = {
    "ours": {"name": "Rotate the keys", "description": ""},
    "theirs": {"name": "Rotate the keys", "description": ""},
}


class Links:
    def __init__(self, world):
        self.world = world
        self.store = world.store

    async def add(self, app="github", connection_id=None, **said):
        task_id = self.world.new("tsk")
        said = {"name": "Rotate the keys", "link": LinkState.WANTED} | said

        def change(conn):
            tasks.insert(conn, id=task_id, now=self.world.clock.now(), by="mia", **said)
            instances.insert(
                conn,
                id=task_id,
                kind=InstanceKind.TASK,
                integration_id="int_one",
                connection_id=connection_id or self.world.connection_id,
                app=app,
                owner="mia",
                name=said["name"],
                every_s=3600,
                now=self.world.clock.now(),
                by="mia",
            )

        await self.store.write(change)
        return task_id

    async def task(self, task_id):
        return await self.store.read(tasks.get, task_id)

    async def linked(self, issue=ISSUE, where=WHERE, **more):
        task_id = await self.add(**more)
        assert await self.store.write(links.keep_created, task_id, issue, where, SYNCED)
        return task_id

    def run(self, task_id):
        return RunRow(
            self.world.new("run"),
            task_id,
            RunOutcome.RUNNING,
            Trigger.FIRST,
            "",
            "dmn_one",
            self.world.clock.now(),
        )

    async def begin(self, task_id):
        run = self.run(task_id)
        task = await self.task(task_id)
        begun = await self.store.write(links.begin_creation, task, run, WHERE, self.world.clock.now())
        return run, begun


@pytest.fixture
def desk(world):
    return Links(world)


async def test_a_creation_is_an_intent_before_it_is_anything_else(desk, world):
    task_id = await desk.add()
    run, begun = await desk.begin(task_id)
    assert (begun.link, begun.creating_at, begun.creating_title) == (
        LinkState.CREATING,
        world.clock.now(),
        "Rotate the keys",
    )
    assert begun.container == WHERE
    assert begun.synced == {"since": world.clock.now().isoformat(), "said": SAID}
    assert (await world.store.read(runs.get, run.id)).outcome is RunOutcome.RUNNING


async def test_a_second_creation_remembers_when_the_first_was_tried(desk, world):
    task_id = await desk.add()
    first = world.clock.now()
    await desk.begin(task_id)
    world.clock.advance(300)
    _, begun = await desk.begin(task_id)
    assert begun.creating_at == world.clock.now()
    assert begun.synced["since"] == first.isoformat()


async def test_two_daemons_do_not_begin_the_same_creation(desk, world):
    task_id = await desk.add()
    task = await desk.task(task_id)
    now = world.clock.now()
    assert await world.store.write(links.begin_creation, task, desk.run(task_id), WHERE, now)
    world.clock.advance(1)
    late = await world.store.write(links.begin_creation, task, desk.run(task_id), WHERE, world.clock.now())
    assert late is None
    assert (await desk.task(task_id)).creating_at == now


@pytest.mark.parametrize("link", [None, LinkState.LINKED, LinkState.UNLINKED, LinkState.DELETED])
async def test_nothing_is_created_for_a_task_that_wants_no_issue(desk, link):
    task_id = await desk.add(link=link)
    assert (await desk.begin(task_id))[1] is None


async def test_a_refused_creation_is_wanted_again(desk, world):
    task_id = await desk.add()
    _, begun = await desk.begin(task_id)
    await world.store.write(links.give_up_creation, task_id, begun.creating_at + timedelta(seconds=1))
    assert (await desk.task(task_id)).link is LinkState.CREATING, "it was another creation that was refused"
    await world.store.write(links.give_up_creation, task_id, begun.creating_at)
    task = await desk.task(task_id)
    assert (task.link, task.creating_at, task.synced) == (LinkState.WANTED, None, begun.synced)


async def test_a_created_issue_is_linked_and_told_by_its_run(desk, world):
    task_id = await desk.add()
    run, _ = await desk.begin(task_id)
    assert await world.store.write(links.keep_created, task_id, ISSUE, WHERE, SYNCED, run_id=run.id)
    task = await desk.task(task_id)
    assert (task.link, task.external_id, task.external_key, task.creating_at, task.creating_title) == (
        LinkState.LINKED,
        "12",
        "octo-org/hello-world#12",
        None,
        "",
    )
    assert (task.external, task.synced, task.container) == (ISSUE, SYNCED, WHERE)
    assert (await world.store.read(runs.get, run.id)).detail["issue"]["id"] == "12"


async def test_the_issue_of_a_task_that_was_removed_is_told_by_its_run(desk, world):
    task_id = await desk.add()
    run, _ = await desk.begin(task_id)
    await world.store.write(tasks.remove, task_id)
    assert not await world.store.write(links.keep_created, task_id, ISSUE, WHERE, SYNCED, run_id=run.id)
    detail = (await world.store.read(runs.get, run.id)).detail
    assert detail["issue"] == {
        "id": "12",
        "key": "octo-org/hello-world#12",
        "url": "https://github.example/12",
        "container": WHERE,
    }


async def test_the_issue_of_a_task_that_was_unlinked_meanwhile_keeps_its_id_there(desk, world):
    task_id = await desk.add()
    await desk.begin(task_id)
    await world.store.write(links.unlink, task_id)
    assert not await world.store.write(links.keep_created, task_id, ISSUE, WHERE, SYNCED)
    task = await desk.task(task_id)
    assert (task.link, task.external_id, task.creating_at) == (LinkState.UNLINKED, "12", None)


async def test_a_task_that_was_attached_meanwhile_keeps_that_issue(desk, world):
    task_id = await desk.add()
    await desk.begin(task_id)
    other = ISSUE | {"id": "99", "key": "octo-org/hello-world#99"}
    now = world.clock.now()
    await world.store.write(links.attach, task_id, other, WHERE, {}, SYNCED, by="mia", now=now)
    assert not await world.store.write(links.keep_created, task_id, ISSUE, WHERE, SYNCED)
    task = await desk.task(task_id)
    assert (task.link, task.external_id, task.creating_at) == (LinkState.LINKED, "99", None)


async def test_an_issue_has_one_task(desk, world):
    await desk.linked()
    second = await desk.add(name="Another")
    assert not await world.store.write(links.keep_created, second, ISSUE, WHERE, SYNCED)
    with pytest.raises(Conflict, match="linked with the task Rotate the keys already"):
        await world.store.write(
            links.attach, second, ISSUE, WHERE, {}, SYNCED, by="mia", now=world.clock.now()
        )
    elsewhere = ISSUE | {"key": "octo-org/other#12", "url": "https://github.example/other/12"}
    assert await world.store.write(links.keep_created, second, elsewhere, WHERE | {"repo": "other"}, SYNCED)


async def test_an_issue_is_free_once_its_task_was_unlinked(desk, world):
    first = await desk.linked()
    both = [ISSUE, ISSUE | {"id": "13"}]
    assert await world.store.read(issue_holders.held, "github", both, WHERE) == {"12": "Rotate the keys"}
    assert await world.store.read(issue_holders.held, "github", both, WHERE, other_than=first) == {}
    await world.store.write(links.unlink, first)
    assert await world.store.read(issue_holders.held, "github", both, WHERE) == {}
    await desk.linked()


@pytest.mark.parametrize(
    ("changes", "where", "is_held"),
    [
        ({}, WHERE, True),
        ({"url": "https://github.example/12/a-title"}, WHERE, True),
        ({"key": "", "url": ""}, WHERE, True),
        ({"key": "", "url": ""}, {"repo": "Hello-World", "owner": "Octo-Org"}, True),
        ({"key": "", "url": ""}, WHERE | {"repo": "other"}, False),
        ({"url": "https://ghe.example/12"}, WHERE, False),
        ({"key": "octo-org/other#12", "url": "https://github.example/other/12"}, WHERE, False),
        ({"key": "12", "url": "https://github.example/other/12"}, WHERE, False),
        ({"id": "13"}, WHERE, False),
    ],
)
async def test_issues_that_are_counted_alike_are_told_apart(desk, world, changes, where, is_held):
    await desk.linked()
    found = await world.store.read(issue_holders.held, "github", [ISSUE | changes], where)
    assert found == ({"12": "Rotate the keys"} if is_held else {})


async def test_an_attached_issue_overwrites_the_task(desk, world):
    task_id = await desk.add(description="Ours")
    values = {"name": "Theirs", "status": "done"}
    now = world.clock.now()
    await world.store.write(links.attach, task_id, ISSUE, WHERE, values, SYNCED, by="mia", now=now)
    task = await desk.task(task_id)
    assert (task.name, task.status, task.description, task.version) == ("Theirs", WorkStatus.DONE, "Ours", 1)
    assert (await world.store.read(instances.get, task_id)).name == "Theirs"


async def test_what_a_sync_pulled_is_kept_with_what_both_sides_say(desk, world):
    task_id = await desk.linked()
    task = await desk.task(task_id)
    synced = {"ours": {"name": "Theirs"}, "theirs": {"name": "Theirs"}}
    issue = ISSUE | {"title": "Theirs"}
    await world.store.write(
        links.keep_sync, task, {"name": "Theirs"}, synced, issue, by="GitHub", now=world.clock.now()
    )
    after = await desk.task(task_id)
    assert (after.name, after.updated_by, after.synced, after.external) == ("Theirs", "GitHub", synced, issue)
    assert after.version == task.version + 1
    assert (await world.store.read(instances.get, task_id)).name == "Theirs"


async def test_what_was_edited_during_a_sync_is_not_overwritten(desk, world):
    task_id = await desk.linked()
    task = await desk.task(task_id)
    await world.store.write(tasks.update, task_id, {"name": "Ours"}, "mia", world.clock.now())
    pulled = {"name": "Theirs", "description": "Theirs"}
    synced = {"ours": dict(pulled), "theirs": dict(pulled)}
    await world.store.write(links.keep_sync, task, pulled, synced, ISSUE, by="GitHub", now=world.clock.now())
    after = await desk.task(task_id)
    assert (after.name, after.description) == ("Ours", "Theirs")
    assert after.synced["ours"] == {"name": "Rotate the keys", "description": "Theirs"}
    assert after.synced["theirs"] == {"name": "Rotate the keys", "description": "Theirs"}


@pytest.mark.parametrize("meanwhile", ["removed", "unlinked", "attached", "synced"])
async def test_a_sync_changes_nothing_of_a_task_that_is_another_by_then(desk, world, meanwhile):
    task_id = await desk.linked()
    task = await desk.task(task_id)
    now = world.clock.now()
    if meanwhile == "removed":
        await world.store.write(tasks.remove, task_id)
    elif meanwhile == "unlinked":
        await world.store.write(links.unlink, task_id)
    elif meanwhile == "attached":
        other = ISSUE | {"id": "99", "key": ""}
        await world.store.write(links.attach, task_id, other, WHERE, {}, SYNCED, by="mia", now=now)
    else:
        synced = {"ours": {"name": "Newer"}, "theirs": {"name": "Newer"}}
        await world.store.write(links.keep_sync, task, {"name": "Newer"}, synced, ISSUE, by="GitHub", now=now)
    before = None if meanwhile == "removed" else await desk.task(task_id)
    late = replace(task, name=before.name if before else task.name)
    await world.store.write(links.keep_sync, late, {"name": "Late"}, SYNCED, ISSUE, by="GitHub", now=now)
    await world.store.write(links.mark_deleted, replace(late, external_id="other"))
    if before is not None:
        assert await desk.task(task_id) == before


async def test_a_deleted_issue_that_is_read_again_is_linked_again(desk, world):
    task_id = await desk.linked()
    task = await desk.task(task_id)
    await world.store.write(links.mark_deleted, task)
    assert (await desk.task(task_id)).link is LinkState.DELETED
    await world.store.write(links.keep_sync, task, {}, SYNCED, ISSUE, by="GitHub", now=world.clock.now())
    assert (await desk.task(task_id)).link is LinkState.LINKED


async def test_a_task_that_wants_a_new_issue_remembers_the_ones_it_had(desk, world):
    task_id = await desk.linked()
    await world.store.write(links.unlink, task_id)
    assert (await desk.task(task_id)).external_id == "12"
    await world.store.write(links.want_new, task_id)
    task = await desk.task(task_id)
    assert (task.link, task.external_id, task.external, task.synced) == (
        LinkState.WANTED,
        "",
        None,
        {"former": ["12"]},
    )
    _, begun = await desk.begin(task_id)
    assert begun.synced == {"since": world.clock.now().isoformat(), "said": SAID, "former": ["12"]}


async def test_a_creation_in_doubt_is_not_forgotten_when_a_new_issue_is_wanted(desk, world):
    task_id = await desk.add()
    _, begun = await desk.begin(task_id)
    await world.store.write(links.unlink, task_id)
    await world.store.write(links.want_new, task_id)
    task = await desk.task(task_id)
    assert (task.link, task.creating_at, task.creating_title) == (
        LinkState.WANTED,
        begun.creating_at,
        "Rotate the keys",
    )
    assert task.synced == {"since": begun.synced["since"], "said": SAID, "former": []}


# callbacks


async def callback_of(world, *names, connection_id=None):
    """Let a callback that names these be accepted and processed; return what came due."""
    callback_id = world.new("cbk")
    new = NewCallback(
        id=callback_id,
        connection_id=connection_id or world.connection_id,
        delivery_id="",
        received_at=world.clock.now(),
        event="issues",
        state=CallbackState.ACCEPTED,
        headers={},
        body=b"{}",
    )
    await world.store.write(callbacks.accept, new)
    done = [ProcessedCallback(callback_id, instances=names)]
    kept, due = await world.store.write(issue_callbacks.processed, done, world.clock.now())
    assert kept == [callback_id]
    assert await world.store.write(issue_callbacks.processed, done, world.clock.now()) == ([], [])
    return due


@pytest.fixture
async def hooked(world):
    """A connection of GitHub that callbacks come for."""
    return await world.add_connection(name="GitHub", app="github")


@pytest.mark.parametrize("name", ["12", "octo-org/hello-world#12", "OCTO-org/Hello-World#12"])
async def test_a_callback_makes_the_task_of_its_issue_due(desk, world, hooked, name):
    task_id = await desk.linked(connection_id=hooked)
    assert await callback_of(world, "7", name, connection_id=hooked) == [task_id]
    row = await world.store.read(instances.get, task_id)
    assert (row.next_at, row.next_trigger) == (world.clock.now(), Trigger.CALLBACK)


@pytest.mark.parametrize(
    "name", ["13", "octo-org/other#12", "hello-world", "#12", "", "octo-org/hello-world#"]
)
async def test_what_a_callback_names_otherwise_is_nobodys(desk, world, hooked, name):
    task_id = await desk.linked(connection_id=hooked)
    assert await callback_of(world, name, connection_id=hooked) == []
    assert (await world.store.read(instances.get, task_id)).next_at is None


async def test_a_key_that_has_no_place_is_completed_by_the_container(desk, world, hooked):
    issue = ISSUE | {"key": "#12"}
    task_id = await desk.linked(issue, {"project": "group/sub/app"}, connection_id=hooked)
    assert await callback_of(world, "group/sub/app#12", connection_id=hooked) == [task_id]
    assert await callback_of(world, "group/app#12", connection_id=hooked) == []


async def test_tasks_of_other_apps_and_unlinked_ones_are_not_meant(desk, world, hooked):
    await desk.linked(app="gitlab", connection_id=hooked)
    unlinked = await desk.linked(connection_id=hooked)
    await world.store.write(links.unlink, unlinked)
    assert await callback_of(world, "12", connection_id=hooked) == []


async def test_a_number_at_another_site_is_another_issue(desk, world, hooked):
    other = await world.add_connection(name="Enterprise", app="github", base_url="https://ghe.example")
    await desk.linked(ISSUE | {"url": "https://ghe.example/12"}, connection_id=other)
    assert await callback_of(world, "12", connection_id=hooked) == []
    mine = await desk.linked(connection_id=hooked)
    assert await callback_of(world, "12", connection_id=hooked) == [mine]


async def test_many_names_are_looked_up_in_steps(desk, world, hooked):
    task_id = await desk.linked(connection_id=hooked)
    names = [str(number) for number in range(1000, 1900)]
    assert await callback_of(world, *names, "12", connection_id=hooked) == [task_id]


async def test_issues_are_looked_for_in_the_indexes_of_their_ids_and_keys(sqlite_world):
    """Every callback asks, and every creation in doubt: neither may read all tasks."""
    connection_id = await sqlite_world.add_connection(name="GitHub", app="github")
    plans = await plans_of_reads(
        sqlite_world,
        (issue_callbacks.tasks_named, (connection_id, ["12", "octo-org/hello-world#12"]), {}),
        (issue_holders.held, ("github", [ISSUE], WHERE), {}),
    )
    steps = [step for _, plan in plans for step in plan]
    assert not any(step.startswith(("SCAN tasks", "SCAN instances")) for step in steps), steps
    assert any("ix_tasks_external (external_id=?)" in step for step in steps), steps
    assert any("ix_tasks_external_key (external_key=?)" in step for step in steps), steps
