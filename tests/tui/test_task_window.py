"""The window of a task: its issue, what failed, its runs, and every action under its documented name."""

from __future__ import annotations

import pytest

from healthdesk.domain.instance_states import WorkStatus
from healthdesk.domain.states import Role
from healthdesk.errors import ApiRefused
from healthdesk.tui.format import plain
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.review import Review
from healthdesk.tui.screens.run import RunPage
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.template import TemplateScreen
from healthdesk.tui.widgets.editors import LongText
from tests.tui.desk import LARGE, SMALL, Driver
from tests.tui.fake_tasks import EVIL, FAILED, LINKED, LOST, PLAIN, UNLINKED, URL, WORKFLOW, TasksDesk
from tests.tui.task_desk import NEXT_TAB, fill, open_window, words

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])
DOCUMENTED = (
    "Sync now",
    "Open the issue",
    "Attach an existing issue",
    "Create a new issue",
    "Unlink",
    "Reconnect",
)


@SIZES
async def test_a_linked_task_shows_its_issue_with_address_and_status(size: tuple[int, int]):
    async with open_window(TasksDesk(), TaskScreen(LINKED), size=size) as driver:
        shown = words(driver)
        for told in ("Review vendor list", "In progress", "2026-11-30", "Quarterly keys", "Integrations"):
            assert told in shown
        for told in (
            "OPS-1",
            f"{URL}1",
            "In Review",
            "✓ Succeeded",
            "checked 2 h ago",
            "22 Nov 2026 12:05:00",
        ):
            assert told in shown


@SIZES
async def test_a_failed_task_explains_itself_beside_a_connection_that_works(size: tuple[int, int]):
    async with open_window(TasksDesk(), TaskScreen(FAILED), size=size) as driver:
        shown = words(driver)
        assert "✗ Sync failed" in shown
        assert "The connection works (Connected); the workflow of OPS-2 does not let it be Done." in shown
        assert "Close the sub-tasks of OPS-2, then Sync now." in shown


async def test_the_whole_error_is_shown_on_demand():
    async with open_window(TasksDesk(), TaskScreen(FAILED)) as driver:
        await driver.press("E")
        assert isinstance(driver.app.screen, ErrorPage)
        assert WORKFLOW in plain(driver.app.screen.lines)


async def test_a_task_of_others_cannot_write_to_the_terminal():
    async with open_window(TasksDesk(), TaskScreen(EVIL)) as driver:
        shown = driver.text()
        assert "[/red] Field 'Team' is required." in shown
        assert "\x1b" not in shown
        await driver.press("e")
        assert isinstance(driver.app.screen, Form)
        assert "\x1b" not in driver.app.screen.query_one(LongText).value


async def test_the_menu_has_every_action_under_its_documented_name():
    async with open_window(TasksDesk(), TaskScreen(LINKED), size=LARGE) as driver:
        await driver.press("full_stop")
        for label in DOCUMENTED:
            assert label in driver.text()


async def test_an_action_that_the_daemon_refuses_says_why():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("i")
        assert driver.said == ["Attach an existing issue: unlink it first"]
        assert isinstance(driver.app.screen, TaskScreen)
    assert not desk.called("instance_find")


async def test_the_address_of_the_issue_is_copied_and_stands_alone_on_a_page():
    async with open_window(TasksDesk(), TaskScreen(LINKED)) as driver:
        await driver.press("o")
        assert isinstance(driver.app.screen, CopyPage)
        assert driver.app.screen.text == f"{URL}1"
        assert driver.app.clipboard == f"{URL}1"


async def test_enter_opens_the_template():
    async with open_window(TasksDesk(), TaskScreen(LINKED)) as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, TemplateScreen)
        assert "Templates › Quarterly keys" in driver.line(0)


async def test_sync_now_tells_what_became_of_it():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(FAILED)) as driver:
        await driver.press("s")
        assert desk.called("instance_sync") == [FAILED]
        assert driver.said[-1].startswith("Rotate root keys: Sync failed. Jira Cloud refused")


# Runs


@SIZES
async def test_runs_show_what_they_changed_and_what_a_conflict_lost(size: tuple[int, int]):
    async with open_window(TasksDesk(), TaskScreen(FAILED), size=size) as driver:
        await driver.press(NEXT_TAB)
        for word in ("Failed", "Conflict", "Unchanged", "Pushed", "Created", "by hand · bob"):
            assert word in driver.text()
        await driver.press("j")
        assert "in_progress → done from the issue · conflict, lost: not_started" in words(driver)
        await driver.press("enter")
        assert isinstance(driver.app.screen, RunPage)
        for told in ("before in_progress", "after done", "lost not_started", "Rotate root keys"):
            assert told in words(driver)


async def test_a_task_without_an_integration_asks_for_no_runs():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(PLAIN)) as driver:
        await driver.press(NEXT_TAB)
        assert "It has not run yet." in driver.text()


# Unlink, create, reconnect


async def test_unlink_starts_on_cancel():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("D")
        assert isinstance(driver.app.screen, Question)
        assert "both stay as they are" in words(driver)
        await driver.press("enter")
        assert not desk.called("instance_unlink")
        await driver.press("D", "right", "enter")
        assert desk.called("instance_unlink") == [LINKED]


async def test_an_unlinked_task_offers_a_new_issue():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        assert "I creates a new one" in words(driver)
        await driver.press("I", "right", "enter")
        assert desk.called("instance_create_issue") == [UNLINKED]


async def test_reconnecting_one_tells_how_many_work_again():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LOST)) as driver:
        assert "K reconnects it" in words(driver)
        await driver.press("K", "j", "enter")
        [(task_id, choice)] = desk.called("instance_reconnect")
        assert (task_id, choice.connection_id) == (LOST, "con_second")
        assert driver.said[-1] == "11 tasks of alice work again; they are synced now."


async def test_reconnecting_without_a_connection_says_what_adds_one():
    desk = TasksDesk()
    desk.own = []
    async with open_window(desk, TaskScreen(LOST)) as driver:
        await driver.press("K")
        assert "There is no connection of Jira Cloud that you may use." in driver.said[-1]
        assert "`n` in Connections adds one" in driver.said[-1]


# Attach


async def find(driver: Driver, text: str = "logs") -> None:
    await driver.press("i")
    await driver.write(text)
    await driver.press("enter")


@SIZES
async def test_review_shows_both_sides_and_starts_on_cancel(size: tuple[int, int]):
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(UNLINKED), size=size) as driver:
        await find(driver)
        assert isinstance(driver.app.screen, Chooser)
        await driver.press("enter")
        assert isinstance(driver.app.screen, Review)
        shown = words(driver)
        assert "Archive logs will be overwritten by OPS-7: the third-party task wins." in shown
        assert "The task now As in OPS-7" in shown
        assert "Archive logs → Archive old logs" in shown
        assert "[/bar] Keep them ten years." in shown
        await driver.press("enter")
        assert not desk.called("instance_attach")


async def test_confirm_attaches_what_was_reviewed():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        await find(driver, "OPS-7")
        await driver.press("enter", "right", "enter")
        [(task_id, wanted)] = desk.called("instance_find")
        assert (task_id, wanted.text) == (UNLINKED, "OPS-7")
        [(task_id, sent)] = desk.called("instance_attach")
        assert task_id == UNLINKED
        assert (sent.id, sent.key, sent.container, sent.reviewed) == (
            "1007",
            "OPS-7",
            {"project": "OPS"},
            "d1g3st",
        )
        assert driver.said[-1] == "Archive logs is attached to OPS-7."


async def test_what_changed_since_the_review_is_reviewed_again():
    desk = TasksDesk()
    desk.refuse_once["instance_attach"] = ApiRefused(
        "the issue changed meanwhile.", status=409, slug="conflict"
    )
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        await find(driver)
        await driver.press("enter", "right", "enter")
        assert isinstance(driver.app.screen, Review)
        assert "the issue changed meanwhile. This is how it is now." in driver.said[-1]
        assert len(desk.called("instance_review")) == 2
        await driver.press("right", "enter")
        assert len(desk.called("instance_attach")) == 2
        assert isinstance(driver.app.screen, TaskScreen)


async def test_an_issue_that_is_attached_already_cannot_be_chosen():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        await find(driver)
        await driver.press("j")
        assert "Attached to Rotate root keys already." in driver.text()
        await driver.press("enter")
        assert driver.said[-1] == "It is attached to Rotate root keys already."
    assert not desk.called("instance_review")


async def test_nothing_found_is_said_in_the_form_and_costs_no_words():
    desk = TasksDesk()
    desk.found = []
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        await find(driver, "nothing")
        assert isinstance(driver.app.screen, Form)
        assert "Jira Cloud has nothing like “nothing”" in words(driver)
        assert driver.app.screen.values == {"text": "nothing"}


async def test_esc_leads_back_from_review_to_results_to_search():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(UNLINKED)) as driver:
        await find(driver)
        await driver.press("enter", "escape")
        assert isinstance(driver.app.screen, Chooser)
        await driver.press("escape")
        assert isinstance(driver.app.screen, Form)
        assert driver.app.screen.values == {"text": "logs"}
        await driver.press("escape")
        assert isinstance(driver.app.screen, TaskScreen)


# Choose an integration


async def test_a_task_without_an_integration_gets_one_with_an_issue_that_exists():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(PLAIN)) as driver:
        await driver.press("L", "enter", "j", "enter")
        await driver.press("right", "enter")
        await driver.write("logs")
        await driver.press("enter", "enter", "right", "enter")
        [(task_id, sent)] = desk.called("instance_attach")
        assert (task_id, sent.integration_id, sent.connection_id) == (PLAIN, "int_jira", "con_second")


async def test_a_task_without_an_integration_gets_one_with_a_new_issue():
    desk = TasksDesk()
    desk.own = desk.own[:1]
    async with open_window(desk, TaskScreen(PLAIN)) as driver:
        await driver.press("L", "enter", "right", "right", "enter")
        [(task_id, sent)] = desk.called("task_edit")
        assert task_id == PLAIN
        assert (sent.integration_id, sent.connection_id, sent.version) == ("int_jira", None, 3)


# Edit and remove


async def test_only_what_was_changed_is_sent_with_the_version_that_was_read():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("e")
        await fill(driver, "due", "2026-12-24")
        await driver.press("ctrl+s")
        [(_, sent)] = desk.called("task_edit")
        assert sent.model_dump(exclude_unset=True) == {"due": "2026-12-24", "version": 3}


async def test_status_and_description_are_edited_in_place():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("e")
        form = driver.app.screen
        form.query_one(LongText).text = "One line.\nAnother."
        form.query_one("Cycle").focus()
        await driver.press("right", "ctrl+s")
        [(_, sent)] = desk.called("task_edit")
        assert sent.description == "One line.\nAnother."
        assert sent.status is WorkStatus.DONE


async def test_nothing_changed_sends_nothing():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(EVIL)) as driver:
        await driver.press("e", "ctrl+s")
        assert driver.said[-1] == "Nothing was changed."
    assert not desk.called("task_edit")


async def test_a_day_that_is_none_is_refused_in_the_form():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("e")
        await fill(driver, "due", "tomorrow")
        await driver.press("ctrl+s")
        assert "Due date: is a day, written 2027-01-31" in words(driver)
    assert not desk.called("task_edit")


async def test_members_edit_what_they_made_or_what_is_theirs_and_nothing_else():
    desk = TasksDesk(role=Role.MEMBER)
    why = "A member may do that with tasks of their own. Ask bob."
    told = {"refused": dict.fromkeys(("edit", "remove", "integrate"), why)}
    desk.tasks = [each.model_copy(update=told if each.id == PLAIN else {}) for each in desk.tasks]
    async with open_window(desk, TaskScreen(PLAIN)) as driver:
        for key in ("e", "Z", "L"):
            await driver.press(key)
            assert why.rstrip(".") in driver.said[-1]
            assert isinstance(driver.app.screen, TaskScreen)
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("e")
        assert isinstance(driver.app.screen, Form)


async def test_removing_starts_on_cancel_and_closes_the_window():
    desk = TasksDesk()
    async with open_window(desk, TaskScreen(LINKED)) as driver:
        await driver.press("Z")
        assert "OPS-1 in Jira Cloud stays as it is." in words(driver)
        await driver.press("right", "enter")
        assert desk.called("task_remove") == [LINKED]
        assert not isinstance(driver.app.screen, TaskScreen)
