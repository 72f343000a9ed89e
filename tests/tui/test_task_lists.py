"""Lists of tasks, templates, labels and integrations, and what is added there."""

from __future__ import annotations

import pytest
from textual.app import SystemCommand

from healthdesk.api.apps import AppField
from healthdesk.domain.instance_states import FieldDirection, LabelKind, WorkStatus
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.app_integration import AppIntegrationScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.integrations import IntegrationsScreen
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.screens.labels import LabelsScreen
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.tasks import TasksScreen
from healthdesk.tui.screens.template import TemplateScreen
from healthdesk.tui.screens.templates import TemplatesScreen
from healthdesk.tui.widgets.editors import Cycle
from tests.tui.desk import LARGE, SMALL, Driver, open_desk
from tests.tui.fake_proof import ProofDesk
from tests.tui.fake_tasks import SETTINGS, TasksDesk, an_integration, own_connection
from tests.tui.task_desk import fill, open_window, words

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])


async def set_to(driver: Driver, name: str, value: str) -> None:
    """Choose an option of a field of the form."""
    editor = next(each for each in driver.app.screen.query(Cycle) if each.name == name)
    editor.focus()
    for _ in editor.options:
        if editor.value == value:
            return
        await driver.press("right")
    raise AssertionError(f"{name} cannot be {value}")


# Reached


@pytest.mark.parametrize(
    ("key", "screen"),
    [("T", TasksScreen), ("R", TemplatesScreen), ("L", LabelsScreen), ("i", IntegrationsScreen)],
)
@SIZES
async def test_each_list_is_a_key_away_from_connections(key: str, screen: type, size: tuple[int, int]):
    async with open_desk(TasksDesk(), area="connections", size=size) as driver:
        await driver.press(key)
        assert isinstance(driver.app.screen, screen)
        assert f"Connections › {screen.TITLE}" in driver.line(0)
        await driver.press("escape")
        assert not isinstance(driver.app.screen, screen)


async def test_the_palette_has_the_lists_everywhere():
    async with open_desk(TasksDesk(), area="log") as driver:
        commands = list(driver.app.get_system_commands(driver.app.screen))
        found = {command.title: command for command in commands if isinstance(command, SystemCommand)}
        assert {"Tasks", "Templates", "Labels and controls", "Integrations", "Expiry calendar"} <= set(found)
        found["Templates"].callback()
        await driver.settle()
        assert isinstance(driver.app.screen, TemplatesScreen)


# Tasks


@SIZES
async def test_tasks_show_status_issue_and_integration(size: tuple[int, int]):
    async with open_window(TasksDesk(), TasksScreen(), size=size) as driver:
        shown = driver.text()
        for told in (
            "Review vendor list",
            "In progress",
            "OPS-1",
            "Sync failed",
            "Unlinked",
            "Call the auditor",
        ):
            assert told in shown
        assert "\x1b" not in shown


async def test_the_daemon_narrows_tasks_by_words_and_status_and_they_are_kept():
    desk = TasksDesk()
    async with open_window(desk, TasksScreen()) as driver:
        await driver.press("slash", "down", "right", "right", "right", "down")
        await driver.write("rotate")
        await driver.press("enter")
        assert desk.called("tasks_list")[-1] == {"status": WorkStatus.NOT_STARTED, "text": "rotate"}
        await driver.press("enter")
        assert "Nothing is like that." in driver.text()
        assert desk.kept["tui.filter.tasks"]["text"] == "rotate"
        await driver.press("backspace")
        assert desk.called("tasks_list")[-1] == {}
        assert "Rotate root keys" in driver.text()


async def test_enter_opens_the_task_and_its_name_is_where_you_are():
    async with open_window(TasksDesk(), TasksScreen()) as driver:
        await driver.press("j", "enter")
        assert isinstance(driver.app.screen, TaskScreen)
        assert "Tasks › Rotate root keys" in driver.line(0)


async def test_a_task_without_an_integration_cannot_be_synced():
    desk = TasksDesk()
    async with open_window(desk, TasksScreen()) as driver:
        await driver.press("j", "j", "j", "s")
        assert "it has no integration" in driver.said[-1]
    assert not desk.called("instance_sync")


async def test_a_new_task_of_this_desk_only():
    desk = TasksDesk()
    async with open_window(desk, TasksScreen()) as driver:
        await driver.press("n", "j", "enter")
        await fill(driver, "name", "Ask the auditor")
        await fill(driver, "due", "2027-02-01")
        await driver.press("ctrl+s")
        [new] = desk.called("task_create")
        assert (new.name, new.due, new.integration_id) == ("Ask the auditor", "2027-02-01", None)
        assert driver.said[-1] == "Ask the auditor is added."
        assert driver.app.screen.item().name == "Ask the auditor"


async def test_a_new_task_asks_for_what_the_app_wants_beside():
    desk = TasksDesk()
    desk.own = desk.own[:1]
    asked = [AppField(key="team", label="Team"), AppField(key="filled", label="Filled")]
    desk.choices = desk.choices.model_copy(update={"fields": asked})
    desk.integrations = [an_integration(tasks=SETTINGS.model_copy(update={"values": {"filled": "x"}}))]
    async with open_window(desk, TasksScreen()) as driver:
        await driver.press("n", "enter")
        assert isinstance(driver.app.screen, Form)
        assert [field.label for field in driver.app.screen.fields][-1] == "Team"
        await fill(driver, "name", "Rotate")
        await fill(driver, "extra/team", "Blue")
        await driver.press("ctrl+s")
        [new] = desk.called("task_create")
        assert (new.integration_id, new.connection_id, new.fields) == ("int_jira", None, {"team": "Blue"})


# Templates


@SIZES
async def test_a_template_shows_schedule_next_and_the_tasks_made_from_it(size: tuple[int, int]):
    async with open_window(TasksDesk(), TemplateScreen("tpl_1"), size=size) as driver:
        shown = words(driver)
        for told in (
            "0 9 1 */3 * Europe/Berlin",
            "next 1 Jan 2027",
            "Review vendor list",
            "Rotate root keys",
        ):
            assert told in shown
        assert "Archive logs" not in shown
        await driver.press("enter")
        assert isinstance(driver.app.screen, TaskScreen)


async def test_a_template_that_failed_says_why_in_the_list():
    async with open_window(TasksDesk(), TemplatesScreen()) as driver:
        await driver.press("j")
        assert "Jira Cloud refused the token (401)." in words(driver)


async def test_a_new_template_with_a_schedule():
    desk = TasksDesk()
    async with open_window(desk, TemplatesScreen()) as driver:
        await driver.press("n", "j", "enter")
        await fill(driver, "name", "Weekly")
        await set_to(driver, "repeats", "cron")
        await fill(driver, "cron", "0 9 * * 1")
        await fill(driver, "zone", "Europe/Berlin")
        await fill(driver, "task_name", "Review {date}")
        await fill(driver, "due_in_days", "3")
        await driver.press("ctrl+s")
        [new] = desk.called("template_create")
        assert new.schedule.model_dump() == {"every_s": None, "cron": "0 9 * * 1", "zone": "Europe/Berlin"}
        assert (new.task.name, new.task.due_in_days) == ("Review {date}", 3)


async def test_a_schedule_can_be_taken_away():
    desk = TasksDesk()
    async with open_window(desk, TemplateScreen("tpl_1")) as driver:
        await driver.press("e")
        await set_to(driver, "repeats", "hand")
        await driver.press("ctrl+s")
        [(_, changes)] = desk.called("template_edit")
        assert changes.model_dump(exclude_unset=True) == {"without_schedule": True}


async def test_a_task_is_created_now_after_a_question():
    desk = TasksDesk()
    async with open_window(desk, TemplateScreen("tpl_1")) as driver:
        await driver.press("I", "enter")
        assert not desk.called("template_create_task")
        await driver.press("I", "right", "enter")
        assert desk.called("template_create_task") == ["tpl_1"]


# Labels and proof syncs


async def test_a_new_control_begins_with_you_as_its_member():
    desk = TasksDesk()
    async with open_window(desk, LabelsScreen()) as driver:
        await driver.press("n")
        await fill(driver, "name", "AC-9")
        await fill(driver, "members", "alice, bob bob")
        await driver.press("ctrl+s")
        [new] = desk.called("label_create")
        assert (new.kind, new.name, new.members) == (LabelKind.CONTROL, "AC-9", ["alice", "bob"])


async def test_members_are_changed_and_nothing_else():
    desk = TasksDesk()
    async with open_window(desk, LabelsScreen()) as driver:
        await driver.press("e")
        await fill(driver, "members", "alice carol")
        await driver.press("ctrl+s")
        [(_, changes)] = desk.called("label_edit")
        assert changes.model_dump(exclude_unset=True) == {"members": ["alice", "carol"]}


async def test_those_who_are_no_members_of_a_label_are_told():
    async with open_window(TasksDesk(), LabelScreen("lbl_2")) as driver:
        assert "You are no member" in words(driver)


async def test_a_proof_sync_is_added_under_the_label_at_hand():
    desk = ProofDesk()
    async with open_window(desk, LabelsScreen()) as driver:
        await driver.press("j", "P", "enter", "enter", "j", "enter")
        await fill(driver, "fields/owner", "acme")
        await fill(driver, "fields/repo", "core")
        await driver.press("ctrl+s")
        [new] = desk.called("proof_sync_create")
        assert (new.integration_id, new.dataset) == ("int_proof", "repository_collaborators")
        assert (new.label_id, new.connection_id, new.name) == ("lbl_2", "con_git2", None)
        assert new.fields["owner"] == "acme"
        assert new.every_s is None


async def test_proof_needs_a_label_first():
    desk = ProofDesk()
    desk.labels = []
    async with open_desk(desk, area="connections") as driver:
        await driver.press("P")
        assert "There is no label or control yet. `L` in Connections, then `n` adds one." in driver.said[-1]


# Integrations and the mapping


async def test_integrations_open_in_the_window_of_their_kind():
    async with open_window(TasksDesk(), IntegrationsScreen()) as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, AppIntegrationScreen)
        await driver.press("escape", "G", "enter")
        assert isinstance(driver.app.screen, IntegrationScreen)


@SIZES
async def test_the_mapping_is_shown_with_the_names_of_their_statuses(size: tuple[int, int]):
    async with open_window(TasksDesk(), AppIntegrationScreen("int_jira"), size=size) as driver:
        lines = [" ".join(each.split()) for each in driver.app.screen.copy_text().splitlines()]
        for told in ("Project OPS", "Assignee not at all", "Not started → To Do", "Done → Done", "In Review → In progress"):  # fmt: skip
            assert told in lines


async def test_an_integration_without_its_admin_connection_says_what_helps():
    desk = TasksDesk()
    desk.integrations = [an_integration(connection_id=None, connection_name="", admin="")]
    async with open_window(desk, AppIntegrationScreen("int_jira")) as driver:
        assert "Its admin connection was disconnected" in words(driver)
        await driver.press("F")
        assert "needs an admin connection. `e` gives it one." in driver.said[-1]


async def test_the_mapping_is_changed_field_by_field_and_status_by_status():
    desk = TasksDesk()
    async with open_window(desk, AppIntegrationScreen("int_jira")) as driver:
        await driver.press("F", "ctrl+s")
        assert driver.said[-1] == "Nothing was changed."
        await driver.press("F")
        await set_to(driver, "direction/due", "pull")
        await set_to(driver, "ours/in_progress", "4")
        await set_to(driver, "theirs/4", "done")
        await fill(driver, "people", "alice = alice@acme.io; bob = Bob B.")
        await driver.press("ctrl+s")
        [(_, changes)] = desk.called("integration_edit")
        tasks = changes.tasks
        assert tasks.directions["due"] is FieldDirection.PULL
        assert tasks.directions["assignee"] is FieldDirection.OFF
        assert tasks.statuses[WorkStatus.IN_PROGRESS] == "4"
        assert tasks.their_statuses["4"] is WorkStatus.DONE
        assert tasks.people == {"alice": "alice@acme.io", "bob": "Bob B."}
        assert tasks.container == SETTINGS.container
        assert changes.model_fields_set >= {"tasks"}


async def test_people_that_are_not_written_as_pairs_are_refused_in_the_form():
    desk = TasksDesk()
    async with open_window(desk, AppIntegrationScreen("int_jira")) as driver:
        await driver.press("F")
        await fill(driver, "people", "alice; bob = Bob")
        await driver.press("ctrl+s")
        assert "People: is written alice = alice@acme.io; bob = Bob B." in words(driver)
    assert not desk.called("integration_edit")


async def test_a_new_task_integration_asks_the_app_before_the_mapping():
    desk = TasksDesk()
    desk.own = [own_connection("con_admin")]
    async with open_window(desk, IntegrationsScreen()) as driver:
        await driver.press("n", "right", "enter", "enter")
        await fill(driver, "name", "Jira ops")
        await fill(driver, "container/project", "OPS")
        await fill(driver, "container/issue_type", "Task")
        await driver.press("ctrl+s")
        assert desk.called("integration_choices")[-1] == (
            "con_admin",
            {"project": "OPS", "issue_type": "Task"},
        )
        assert "Jira ops · fields and statuses" in driver.text()
        await set_to(driver, "ours/done", "4")
        await driver.press("ctrl+s")
        [new] = desk.called("integration_create")
        assert (new.kind, new.name, new.connection_id) == (IntegrationKind.TASKS, "Jira ops", "con_admin")
        assert new.tasks.container == {"project": "OPS", "issue_type": "Task"}
        assert new.tasks.statuses[WorkStatus.DONE] == "4"
        assert new.tasks.every_s == 3600


async def test_a_place_that_the_app_does_not_have_is_said_in_the_form():
    desk = TasksDesk()
    desk.own = [own_connection("con_admin")]
    desk.refuse_once["integration_choices"] = ApiRefused(
        "Jira Cloud has no project NOPE", status=422, slug="trial-refused", field="container.project"
    )
    async with open_window(desk, IntegrationsScreen()) as driver:
        await driver.press("n", "right", "enter", "enter")
        await fill(driver, "name", "Jira ops")
        await fill(driver, "container/project", "NOPE")
        await fill(driver, "container/issue_type", "Task")
        await driver.press("ctrl+s")
        assert "Jira Cloud has no project NOPE" in words(driver)
        assert driver.app.focused is not None
        assert driver.app.focused.name == "container/project"


async def test_a_new_proof_integration():
    desk = TasksDesk()
    async with open_window(desk, IntegrationsScreen()) as driver:
        await driver.press("n", "right", "right", "enter")
        await driver.write("github")
        await driver.press("enter")
        await fill(driver, "every_s", "12h")
        await driver.press("ctrl+s")
        [new] = desk.called("integration_create")
        assert (new.kind, new.app, new.proof.every_s) == (IntegrationKind.PROOF, "github", 43_200)
