"""A daemon that is killed in the middle of a task's creation or sync, of proof or of a disconnection goes on by itself.

Each issue is there once, each status is right, and every run that was cut off says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from healthdesk.api.instances import InstanceFilter, Reconnect
from healthdesk.api.proof import ProofSyncCreate
from healthdesk.api.tasks import Schedule, TaskCreate, TaskEdit, TemplateCreate, TemplateTask
from healthdesk.client.client import Client
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState, RunOutcome, WorkStatus
from healthdesk.errors import HealthdeskError
from tests.connectors.apps.fake import Fault
from tests.harness.desk import Desk
from tests.harness.postgres import running_postgres
from tests.harness.serving import until
from tests.harness.work import (
    Cut,
    GithubNow,
    JiraNow,
    connect,
    integrate_proof,
    integrate_tasks,
    outcomes,
    passes,
    succeeded,
)

ISSUES, ISSUE = "/issues$", "/issues/[0-9]+$"
CREATED, FOUND, PUSHED = RunOutcome.CREATED, RunOutcome.FOUND, RunOutcome.PUSHED
UNCHANGED, INTERRUPTED, FAILED = RunOutcome.UNCHANGED, RunOutcome.INTERRUPTED, RunOutcome.FAILED
COLLECTED = RunOutcome.COLLECTED
AN_HOUR_S = 3600.0


@contextlib.asynccontextmanager
async def started(folder: Path, database_url: str = "", dies_after: str = "") -> AsyncIterator[Desk]:
    desk = Desk(folder / "desk", database_url, dies_after=dies_after)
    try:
        await desk.start()
        yield desk
    finally:
        desk.end()


@pytest.fixture
async def github():
    async with GithubNow() as app:
        yield app


async def add(client: Client, integration_id: str, *names: str) -> list[str]:
    """Add tasks; their issues are created by themselves."""
    made = [await client.task_create(TaskCreate(name=each, integration_id=integration_id)) for each in names]
    return [each.id for each in made]


async def nothing_under_way(client: Client, *ids: str) -> None:
    """Fail where a run says that it is under way, or is cut off without telling why."""
    for each in ids:
        for run in (await client.instance_runs(each, limit=500)).items:
            assert run.outcome is not RunOutcome.RUNNING
            assert run.finished_at is not None
            if run.outcome is INTERRUPTED:
                assert run.error == "The daemon stopped while this was under way."


async def test_creations_that_were_under_way_made_one_issue_each(tmp_path, github):
    async with started(tmp_path) as desk:
        github.kill = desk.kill
        cut = asyncio.create_task(
            github.killed_at(
                Cut("POST", ISSUES, "Not heard", heard=False),
                Cut("POST", ISSUES, "Not answered"),
                Cut("GET", ISSUE),
            )
        )
        async with desk.client() as client:
            tasks = await integrate_tasks(client, github, await connect(client, github))
            lost, made, kept = ids = await add(client, tasks, "Not heard", "Not answered", "Not read")
        await cut
        await desk.start()
        async with desk.client() as client:
            await succeeded(client, made, kept)
            waits = await until(lambda: tried(client, lost))
            assert waits.state is InstanceState.CREATION_FAILED
            assert waits.link is LinkState.CREATING
            assert "does not list the issue" in waits.error
            assert github.titles == ["Not answered", "Not read"]
            await passes(desk, 130)
            await succeeded(client, *ids)
            assert await outcomes(client, lost) == [INTERRUPTED, FAILED, CREATED]
            assert await outcomes(client, made) == [INTERRUPTED, FOUND]
            assert await outcomes(client, kept) == [INTERRUPTED, UNCHANGED]
            assert github.titles == ["Not answered", "Not heard", "Not read"]
            await nothing_under_way(client, *ids)
            totals = await client.instances_count()
            assert (totals.total, totals.succeeded, totals.failed) == (3, 3, 0)
            assert (await client.problems_list()).items == []


async def tried(client: Client, instance_id: str):
    found = await client.instance(instance_id)
    return found if found.last_checked is not None and not found.running else None


async def test_one_creation_that_dies_at_every_commit_makes_one_issue(tmp_path, github):
    async with started(tmp_path, dies_after="healthdesk.store.links:begin_creation") as desk:
        async with desk.client() as client:
            tasks = await integrate_tasks(client, github, await connect(client, github))
            with contextlib.suppress(HealthdeskError):
                await add(client, tasks, "Rotate the keys")
        await desk.died()
        assert github.titles == [], "nothing is asked before the intent is committed"
        desk.dies_after = "healthdesk.store.links:keep_created"
        await desk.start()
        await desk.died()
        assert github.titles == ["Rotate the keys"]
        desk.dies_after = "healthdesk.store.instance_settle:settle"
        await desk.start()
        await desk.died()
        desk.dies_after = ""
        await desk.start()
        async with desk.client() as client:
            (task,) = (await client.tasks_list()).items
            await succeeded(client, task.id)
            assert github.titles == ["Rotate the keys"]
            assert (await outcomes(client, task.id))[0] is INTERRUPTED
            await nothing_under_way(client, task.id)
            (problem_free,) = (await client.instances_list()).items
            assert (problem_free.link, problem_free.error) == (LinkState.LINKED, "")


async def test_syncs_that_were_under_way_lose_no_change_of_either_side(tmp_path, github):
    async with started(tmp_path) as desk:
        github.kill = desk.kill
        async with desk.client() as client:
            tasks = await integrate_tasks(client, github, await connect(client, github))
            unheard, heard, closed, pulled = ids = await add(
                client, tasks, "Unheard", "Heard", "Closed", "Read"
            )
            await succeeded(client, *ids)
            numbers = {issue["title"]: number for number, issue in github.issues.items()}
            github.issues[numbers["Read"]]["title"] = "Changed there"
            cut = asyncio.create_task(
                github.killed_at(
                    Cut("PATCH", ISSUE, "Unheard again", heard=False),
                    Cut("PATCH", ISSUE, "Heard again"),
                    Cut("PATCH", ISSUE, "closed"),
                    Cut("GET", f"/{numbers['Read']}$"),
                )
            )
            await client.task_edit(unheard, TaskEdit(name="Unheard again"))
            await client.task_edit(heard, TaskEdit(name="Heard again"))
            await client.task_edit(closed, TaskEdit(status=WorkStatus.DONE))
            await client.task_edit(pulled, TaskEdit(description="Changed here"))
        await cut
        await desk.start()
        async with desk.client() as client:
            await until(lambda: recovered(client, *ids))
            await succeeded(client, *ids)
            assert github.titles == ["Changed there", "Closed", "Heard again", "Unheard again"]
            assert github.issues[numbers["Closed"]]["state"] == "closed"
            assert github.issues[numbers["Read"]]["body"] == "Changed here"
            names = {each.id: each for each in (await client.tasks_list()).items}
            assert names[unheard].name == "Unheard again"
            assert names[heard].name == "Heard again"
            assert names[closed].status is WorkStatus.DONE
            assert (names[pulled].name, names[pulled].description) == ("Changed there", "Changed here")
            assert await outcomes(client, unheard) == [CREATED, INTERRUPTED, PUSHED]
            assert await outcomes(client, heard) == [CREATED, INTERRUPTED, UNCHANGED]
            assert await outcomes(client, closed) == [CREATED, INTERRUPTED, UNCHANGED]
            assert (await outcomes(client, pulled))[-1] is RunOutcome.MERGED
            await nothing_under_way(client, *ids)


async def recovered(client: Client, *ids: str) -> bool:
    """Tell whether each was run since the daemon was started again."""
    runs = [(await client.instance_runs(each, limit=1)).items[0] for each in ids]
    return all(run.trigger.value == "recovery" for run in runs)


async def test_a_transition_that_was_heard_and_a_creation_that_was_not_answered_in_jira(tmp_path):
    async with JiraNow() as jira, started(tmp_path) as desk:
        jira.kill = desk.kill
        async with desk.client() as client:
            tasks = await integrate_tasks(client, jira, await connect(client, jira))
            (moved,) = await add(client, tasks, "Moved")
            await succeeded(client, moved)
            cut = asyncio.create_task(
                jira.killed_at(Cut("POST", "/transitions$"), Cut("POST", "/issue$", "Made"))
            )
            await client.task_edit(moved, TaskEdit(status=WorkStatus.DONE))
            (made,) = await add(client, tasks, "Made")
        await cut
        await desk.start()
        async with desk.client() as client:
            await until(lambda: recovered(client, moved, made))
            await succeeded(client, moved, made)
            titles = sorted(issue["fields"]["summary"] for issue in jira.issues.values())
            assert titles == ["Made", "Moved"]
            assert (await client.task(moved)).status is WorkStatus.DONE
            assert await outcomes(client, moved) == [CREATED, INTERRUPTED, UNCHANGED]
            assert await outcomes(client, made) == [INTERRUPTED, FOUND]
            await nothing_under_way(client, moved, made)


async def test_proof_that_was_being_collected_is_collected_once(tmp_path, github):
    async with started(tmp_path, dies_after="healthdesk.store.proof:keep") as desk:
        github.kill = desk.kill
        async with desk.client() as client:
            connection_id = await connect(client, github)
            integration_id, label_id = await integrate_proof(client, github)
            wanted = ProofSyncCreate(
                integration_id=integration_id,
                connection_id=connection_id,
                dataset="repository_collaborators",
                fields=dict(github.datasets["repository_collaborators"]),
                label_id=label_id,
            )
            with contextlib.suppress(HealthdeskError):
                await client.proof_sync_create(wanted)
        await desk.died()
        desk.dies_after = ""
        second_page = asyncio.create_task(github.killed_at(Cut("GET", "/collaborators$", skip=1)))
        await desk.start()
        await second_page
        await desk.start()
        async with desk.client() as client:
            (proof,) = (await client.instances_list()).items
            await succeeded(client, proof.id)
            assert await outcomes(client, proof.id) == [INTERRUPTED, INTERRUPTED, COLLECTED]
            await nothing_under_way(client, proof.id)
            kept = await client.proof_sync(proof.id)
            assert kept.last_run_id is not None
            contents = await client.proof_contents(proof.id, kept.last_run_id)
            assert (kept.rows, contents.total) == (230, 230)
            cut_off = [
                run for run in (await client.instance_runs(proof.id)).items if run.outcome is INTERRUPTED
            ]
            assert all(run.content_hash == "" and run.rows is None for run in cut_off)


async def test_a_template_that_was_creating_its_task_makes_one_with_one_issue(tmp_path, github):
    async with started(tmp_path, dies_after="healthdesk.store.templates:created") as desk:
        github.kill = desk.kill
        async with desk.client() as client:
            tasks = await integrate_tasks(client, github, await connect(client, github))
            template = await client.template_create(
                TemplateCreate(
                    name="Weekly",
                    task=TemplateTask(name="Look at the logs"),
                    schedule=Schedule(every_s=7 * 86400),
                    integration_id=tasks,
                )
            )
            await passes(desk, 7 * 86400, "templates")
        await desk.died()
        desk.dies_after = ""
        creation = asyncio.create_task(github.killed_at(Cut("POST", ISSUES)))
        await desk.start()
        await creation
        await desk.start()
        async with desk.client() as client:
            (task,) = (await client.tasks_list()).items
            await succeeded(client, task.id)
            assert (task.template_id, task.name) == (template.id, "Look at the logs")
            assert github.titles == ["Look at the logs"]
            assert await outcomes(client, task.id) == [INTERRUPTED, FOUND]
            after = await client.template(template.id)
            assert (after.tasks, after.error) == (1, "")
            assert after.next_at is not None
            assert template.next_at is not None
            assert after.next_at > after.last_at


async def test_instances_that_were_being_blocked_or_released_are_when_the_daemon_is_back(tmp_path, github):
    async with started(tmp_path) as desk:
        async with desk.client() as client:
            connection_id = await connect(client, github)
            tasks = await integrate_tasks(client, github, connection_id)
            ids = await add(client, tasks, "One", "Two", "Three")
            await succeeded(client, *ids)
        desk.kill()
        desk.dies_after = "healthdesk.store.instance_blocking:block_some"
        github.fault = Fault.WRONG_CREDENTIALS
        await desk.start()
        async with desk.client() as client:
            with contextlib.suppress(HealthdeskError):
                await client.connection_check(connection_id)
        await desk.died()
        desk.dies_after = "healthdesk.store.instance_blocking:release_some"
        await desk.start()
        async with desk.client() as client:
            await until(lambda: blocked(client, 3))
            (problem,) = (await client.problems_list()).items
            assert problem.connection_id == connection_id
            github.fault = Fault.NONE
            # They were created at once: any of them may be the first there.
            one = next(issue for issue in github.issues.values() if issue["title"] == "One")
            one["title"] = "One more"
            with contextlib.suppress(HealthdeskError):
                await client.connection_check(connection_id)
        await desk.died()
        desk.dies_after = ""
        await desk.start()
        async with desk.client() as client:
            await until(lambda: blocked(client, 0))
            await until(lambda: recovered(client, *ids))
            await succeeded(client, *ids)
            assert sorted(each.name for each in (await client.tasks_list()).items) == [
                "One more",
                "Three",
                "Two",
            ]
            assert (await client.problems_list()).items == []
            assert github.titles == ["One more", "Three", "Two"]


async def blocked(client: Client, number: int) -> bool:
    return (await client.instances_count()).blocked == number


async def test_a_disconnection_that_was_under_way_is_whole_or_nothing(tmp_path, github):
    async with started(tmp_path) as desk:
        github.kill = desk.kill
        async with desk.client() as client:
            connection_id = await connect(client, github)
            tasks = await integrate_tasks(client, github, connection_id)
            (task,) = await add(client, tasks, "Rotate the keys")
            await succeeded(client, task)
        desk.kill()
        desk.dies_after = "healthdesk.store.disconnecting:disconnect"
        await desk.start()
        async with desk.client() as client:
            with contextlib.suppress(HealthdeskError):
                await client.connection_disconnect(connection_id)
        await desk.died()
        desk.dies_after = ""
        await desk.start()
        async with desk.client() as client:
            await client.instance_sync(task)
            (still,) = await succeeded(client, task)
            assert still.connection_id == connection_id
            # now while a change is on its way to the issue
            cut = asyncio.create_task(github.killed_at(Cut("PATCH", ISSUE), Cut("PATCH", "/never$")))
            await client.task_edit(task, TaskEdit(name="Rotate all keys"))
            await until(lambda: running(client, task))
            await client.connection_disconnect(connection_id)
        desk.kill()
        cut.cancel()
        await desk.start()
        async with desk.client() as client:
            parted = await client.instance(task)
            assert (parted.connection_id, parted.running, parted.next_at) == (None, False, None)
            assert parted.state is InstanceState.SUCCEEDED
            assert parted.link is LinkState.LINKED
            await nothing_under_way(client, task)
            assert (await outcomes(client, task))[-1] is INTERRUPTED
            again = await connect(client, github, "Ops again")
            await client.instance_reconnect(task, Reconnect(connection_id=again))
            await until(lambda: recovered(client, task))
            await succeeded(client, task)
            assert github.titles == ["Rotate all keys"]


async def running(client: Client, instance_id: str) -> bool:
    return (await client.instance_runs(instance_id, limit=1)).items[0].outcome is RunOutcome.RUNNING


@pytest.mark.xdist_group("kill9-postgresql")
async def test_another_daemon_on_postgresql_takes_over_what_was_under_way(tmp_path, github):
    # Not under pytest's own folder: PostgreSQL runs as another user there when the tests are root.
    with (
        tempfile.TemporaryDirectory(prefix="healthdesk-pg-") as folder,
        running_postgres(Path(folder)) as url,
    ):
        async with started(tmp_path, url) as desk:
            github.kill = desk.kill
            async with desk.client() as client:
                connection_id = await connect(client, github)
                tasks = await integrate_tasks(client, github, connection_id)
                integration_id, label_id = await integrate_proof(client, github)
                (edited,) = await add(client, tasks, "Edited")
                await succeeded(client, edited)
                cut = asyncio.create_task(
                    github.killed_at(
                        Cut("POST", ISSUES, "Not answered"),
                        Cut("PATCH", ISSUE, "Edited again"),
                        Cut("GET", "/collaborators$", skip=1),
                    )
                )
                (made,) = await add(client, tasks, "Not answered")
                await client.task_edit(edited, TaskEdit(name="Edited again"))
                wanted = ProofSyncCreate(
                    integration_id=integration_id,
                    connection_id=connection_id,
                    dataset="repository_collaborators",
                    fields=dict(github.datasets["repository_collaborators"]),
                    label_id=label_id,
                    unchecked=True,
                )
                with contextlib.suppress(HealthdeskError):
                    await client.proof_sync_create(wanted)
            await cut
            # The lease of the one that was killed holds, it may live.
            await passes(desk, -AN_HOUR_S, "daemons")
            desk.settings["HEALTHDESK_STORAGE__DATA_DIR"] = str(tmp_path / "on another machine")
            await desk.start()
            async with desk.client() as client:
                assert (await client.instance(made)).running
                await passes(desk, AN_HOUR_S + 60, "daemons")
                (proof,) = (await client.instances_list(InstanceFilter(kind=InstanceKind.PROOF))).items
                ids = (made, edited, proof.id)
                await until(lambda: recovered(client, *ids))
                await succeeded(client, *ids)
                assert Counter(github.titles) == {"Not answered": 1, "Edited again": 1}
                assert await outcomes(client, made) == [INTERRUPTED, FOUND]
                assert await outcomes(client, edited) == [CREATED, INTERRUPTED, UNCHANGED]
                assert await outcomes(client, proof.id) == [INTERRUPTED, COLLECTED]
                await nothing_under_way(client, *ids)
