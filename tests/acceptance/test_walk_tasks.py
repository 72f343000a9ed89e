"""The first document, walked: task integrations, at the screen and by commands, against a daemon and apps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from healthdesk.api.people import HandOver
from healthdesk.api.tasks import TaskEdit, TemplateCreate, TemplateTask
from healthdesk.domain.instance_states import InstanceState, LinkState, WorkStatus
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.template import TemplateScreen
from tests.acceptance.walking import HUBOT, OCTOCAT, Site, Walk, given, lines_with, until, walking
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud


@pytest.fixture
async def github() -> AsyncIterator[Site]:
    async with Site() as app:
        yield app


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with walking(tmp_path) as desk:
        yield desk


async def test_the_list_shows_status_and_instance_health(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    await walk.task("Rotate root keys", issues)
    deleted = await walk.task("Review vendor list", issues)
    del github.issues[max(github.issues)]
    await walk.settled(deleted.id)

    async with walk.screen() as operator:
        await operator.sees("✗ 1 / 2")
        (row,) = lines_with(operator.text(), "GitHub", "✗ 1 / 2")
        assert "octocat" in row
        assert "● Connected" in row or "Connected" in row
    listed = await walk.cli("connections list")
    assert "✗ 1 / 2" in listed.out


async def test_a_broken_connection_is_marked_and_blocks_its_tasks(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    task = await walk.task("Rotate root keys", issues)
    number, login, scopes = github.tokens.pop(OCTOCAT["token"])

    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("c")
        await operator.sees("Connection failure")
        await operator.sees("✗ 1 / 1")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.sees("Connection failure: ")
        await operator.sees("1 task of root is blocked")

        async def blocked() -> bool:
            return (await walk.client.instance(task.id)).blocked

        await until(blocked)
        assert (await walk.client.instance(task.id)).state is InstanceState.SUCCEEDED, (
            "the cause, not a symptom"
        )

        github.tokens["a-new-token"] = (number, login, scopes)
        await operator.pilot.press("u")
        await operator.sees("Update credentials")
        await operator.enter("token/token", "a-new-token")
        await operator.pilot.press("ctrl+s")
        await operator.is_on(ConnectionScreen)
        await operator.sees("● Connected")

        async def released() -> bool:
            return not (await walk.client.instance(task.id)).blocked

        await until(released)
        await operator.pilot.press("c")
        await operator.sees("● Connected")
    problems = await walk.cli("problems list --state resolved")
    assert "refused" in problems.out
    assert "Connected" in (await walk.cli(f"connections check {connection.id}")).out


async def test_one_connection_is_seen_by_the_admin_who_made_the_tasks(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    await walk.task("Rotate root keys", issues)
    account = await walk.client.account(connection.id)
    assert [card.role for card in account.cards] == ["both"]
    async with walk.screen() as operator:
        await operator.sees("octocat")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.sees("Connections › GitHub · octocat")
        await operator.sees("Admin and my connection · root")
        assert "─ My connection" not in operator.text()
    assert "octocat" in (await walk.cli(f"connections show {connection.id}")).out


async def test_two_connections_are_seen_otherwise_and_the_admins_offers_no_disconnect(
    walk: Walk, github: Site
) -> None:
    admin = await walk.connect(github, OCTOCAT, "Admin of issues")
    issues = await walk.task_integration(github, admin.id)
    mine = await walk.connect(github, HUBOT, "Mine")
    await walk.client.people_hand_over("root", HandOver(to="bob", connection_ids=[admin.id]))
    await walk.task("Rotate root keys", issues, connection_id=mine.id)

    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.sees("Admin connection · bob")
        await operator.sees("My connection · root")
        text = operator.text()
        for word in ("Connected on", "Last healthy", "Last checked", "Connected"):
            assert text.count(word) >= 2, word
        await operator.focus_card("Admin connection")
        await operator.pilot.press("D")
        await operator.is_told("Disconnect: it is the admin connection")
        assert not isinstance(operator.app.screen, Question)
    account = json.loads((await walk.cli(f"connections show {mine.id} --json")).out)
    assert account["owner"] == "root"
    view = await walk.client.account(mine.id)
    assert [card.title for card in view.cards] == ["Admin connection", "My connection"]
    assert "bob" in view.cards[0].ask
    assert view.cards[1].connected_on is not None


async def test_the_table_of_tasks_has_every_column_and_total(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    template = await walk.client.template_create(
        TemplateCreate(
            name="Quarterly keys", task=TemplateTask(name="Rotate root keys"), integration_id=issues
        )
    )
    made = await walk.client.template_create_task(template.id)
    await walk.settled(made.id)

    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("Quarterly keys")
        text = operator.text()
        for column in ("Task name", "Template", "Status", "Error message", "Last checked"):
            assert column in text
        await operator.sees("All 1  ✓ 1 succeeded  ✗ 0 failed")
        await operator.focus_rows()
        await operator.pilot.press("enter")
        await operator.is_on(TaskScreen)
        await operator.sees("octo-org/hello-world#1347")
        await operator.pilot.press("T")
        await operator.is_on(TemplateScreen)
        await operator.sees("Quarterly keys")
    listed = await walk.cli("instances list")
    assert "Quarterly keys" in listed.out
    assert "Succeeded" in listed.out
    assert "octo-org/hello-world#1347" in (await walk.cli(f"tasks show {made.id}")).out
    assert "Rotate root keys" in (await walk.cli(f"templates show {template.id}")).out


async def test_a_task_that_was_not_created_says_why_and_is_created_by_sync_now(
    walk: Walk, github: Site
) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    github.refuses = True
    task = await walk.task("Rotate root keys", issues)

    async with walk.screen() as operator:
        await operator.sees("✗ 1 / 1")
        await operator.pilot.press("enter")
        await operator.sees("Creation failed")
        await operator.focus_rows()
        await operator.pilot.press("E")
        await operator.sees("Issues has been disabled in this repository.")
        await operator.pilot.press("escape")
        github.refuses = False
        await operator.focus_rows()
        await operator.pilot.press("s")
        await operator.sees("✓ Rotate root keys")
        await operator.sees("All 1  ✓ 1 succeeded  ✗ 0 failed")
    assert len(github.issues) == 1
    shown = await walk.cli(f"instances show {task.id}")
    assert "Succeeded" in shown.out
    assert "Succeeded" in (await walk.cli(f"instances sync {task.id}")).out
    assert len(github.issues) == 1


async def test_a_deleted_issue_is_sync_failed_and_another_one_is_attached(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    task = await walk.task("Rotate root keys", issues)
    github.issues.clear()
    await walk.settled(task.id)
    github.issues[2001] = {
        "id": 1, "number": 2001, "state": "open", "title": "Rotate all root keys", "body": "With two people.",
        "html_url": "https://github.com/octo-org/hello-world/issues/2001", "updated_at": "2026-03-02T09:30:00Z",
    }  # fmt: skip

    async with walk.screen() as operator:
        await operator.sees("✗ 1 / 1")
        (row,) = lines_with(operator.text(), "✗ 1 / 1")
        assert "Connected" in row
        await operator.pilot.press("enter")
        await operator.sees("Sync failed")
        await operator.focus_rows()
        await operator.sees("deleted")
        assert "● Connected" in operator.text()
        await operator.pilot.press("enter")
        await operator.is_on(TaskScreen)
        await operator.pilot.press("D")
        await operator.is_on(Question)
        await operator.pilot.press("right", "enter")
        await operator.is_on(TaskScreen)
        await operator.sees("Unlinked")
        await operator.pilot.press("i")
        await operator.sees("Attach an existing issue")
        await operator.pilot.press(*"https://github.com/octo-org/hello-world/issues/2001", "enter")
        await operator.sees("Rotate all root keys")
        await operator.pilot.press("enter")
        await operator.sees("Review and confirm")
        await operator.sees("With two people.")
        await operator.press_button("Confirm")
        await operator.is_on(TaskScreen)
        await operator.sees("octo-org/hello-world#2001")
    after = await walk.client.task(task.id)
    assert (after.name, after.description) == ("Rotate all root keys", "With two people.")
    assert after.instance is not None
    assert after.instance.state is InstanceState.SUCCEEDED
    assert len(github.issues) == 1, "nothing was created"

    await walk.cli(f"instances unlink {task.id} --yes")
    found = await walk.cli(f"instances find {task.id} 2001")
    assert "Rotate all root keys" in found.out
    await walk.cli(f"instances attach {task.id} 2001 --yes")
    assert "octo-org/hello-world#2001" in (await walk.cli(f"instances show {task.id}")).out


async def test_a_deleted_issue_is_created_anew_only_when_asked(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    tasks = [await walk.task(name, issues) for name in ("Rotate root keys", "Review vendor list")]
    github.issues.clear()
    for task in tasks:
        for _ in range(2):
            await walk.settled(task.id)
    assert not github.issues, "never silently"

    async with walk.screen() as operator:
        await operator.sees("✗ 2 / 2")
        await operator.pilot.press("enter")
        await operator.sees("Sync failed")
        await operator.focus_rows()
        await operator.pilot.press("I")
        await operator.is_on(Question)
        await operator.pilot.press("right", "enter")
        await operator.sees("✓ 1 succeeded")
    assert len(github.issues) == 1
    left = [each for each in tasks if (await walk.client.instance(each.id)).link is LinkState.DELETED]
    await walk.cli(f"instances create-issue {left[0].id}")

    async def both() -> bool:
        return len(github.issues) == 2

    await until(both)


async def test_done_is_refused_by_a_workflow_until_it_is_corrected_there(walk: Walk) -> None:
    async with FakeJiraCloud() as jira:
        connection = await walk.connect(jira)
        issues = await walk.task_integration(jira, connection.id)
        task = await walk.task("Rotate root keys", issues)
        jira.screen = {"resolution": {"required": True, "name": "Resolution", "hasDefaultValue": False}}
        await walk.cli(f"tasks edit {task.id} --status done")
        await walk.settled(task.id)

        async with walk.screen() as operator:
            await operator.sees("✗ 1 / 1")
            await operator.pilot.press("enter")
            await operator.sees("Sync failed")
            await operator.focus_rows()
            await operator.sees("Jira Cloud wants Resolution filled before OPS-1 becomes Done")
            jira.screen = {}
            await operator.pilot.press("s")
            await operator.sees("✓ 1 succeeded")
        (issue,) = jira.issues.values()
        assert issue["fields"]["status"] == "10001"
        assert (await walk.client.task(task.id)).status is WorkStatus.DONE


async def test_a_disconnect_stops_all_tasks_and_one_reconnect_repairs_them(walk: Walk, github: Site) -> None:
    admin = await walk.connect(github, OCTOCAT, "Admin of issues")
    issues = await walk.task_integration(github, admin.id)
    mine = await walk.connect(github, HUBOT, "Mine")
    await walk.client.people_hand_over("root", HandOver(to="bob", connection_ids=[admin.id]))
    tasks = [
        await walk.task(name, issues, connection_id=mine.id)
        for name in ("Rotate root keys", "Review vendor list", "Patch the bastion")
    ]

    async with walk.screen() as operator:
        await operator.sees("✓ 3")
        await operator.pilot.press("enter")
        await operator.sees("My connection · root")
        await operator.focus_card("My connection")
        await operator.pilot.press("D")
        await operator.sees("configuration is lost")
        await operator.sees("Rotate root keys")
        await operator.press_button("Disconnect")

        async def lost() -> bool:
            return all([(await walk.client.instance(task.id)).connection_id is None for task in tasks])

        await until(lost)
    assert not any(HUBOT["token"] in text for text in (walk.desk.log,))

    again = await walk.connect(github, HUBOT, "Mine again")
    repaired = await walk.cli(f"instances reconnect {tasks[0].id} --connection {again.id}")
    assert "3" in repaired.out
    for task in tasks:
        instance = await walk.settled(task.id)
        assert (instance.connection_id, instance.state) == (again.id, InstanceState.SUCCEEDED)
    await walk.client.task_edit(tasks[2].id, TaskEdit(description="With a reboot."))
    await walk.settled(tasks[2].id)
    assert len(github.issues) == 3
    assert "With a reboot." in [each["body"] for each in github.issues.values()]


async def test_the_actions_menu_has_the_documented_names(walk: Walk, github: Site) -> None:
    connection = await walk.connect(github, OCTOCAT)
    issues = await walk.task_integration(github, connection.id)
    await walk.task("Rotate root keys", issues)
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("Rotate root keys")
        await operator.focus_card("Admin and my connection")
        await operator.pilot.press("full_stop")
        for name in ("Update credentials", "Check now", "Disconnect", "Make me owner"):
            await operator.sees(name)
        await operator.pilot.press("escape")
        await operator.is_on(ConnectionScreen)
        await operator.focus_rows()
        await operator.pilot.press("full_stop")
        for name in (
            "Sync now",
            "Open",
            "Attach an existing issue",
            "Create a new issue",
            "Unlink",
            "Reconnect",
        ):
            await operator.sees(name)
        await operator.pilot.press("escape", "escape")
        await operator.is_on(ConnectionsScreen)
    assert given(github, OCTOCAT).auth == "token"
