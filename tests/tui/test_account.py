"""The window of a connection: cards, tables of tasks and proof syncs, and what keys do where."""

from __future__ import annotations

import pytest

from healthdesk.api.accounts import AccountRow
from healthdesk.api.common import Explanation
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import ConnectionState, Role
from healthdesk.tui.format import Span, Tone
from healthdesk.tui.screens.connection import ConnectionScreen, DisconnectedScreen
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.accounts import instances
from healthdesk.tui.widgets.cards import Card
from tests.tui.desk import LARGE, SMALL, Driver, open_desk
from tests.tui.fake_accounts import (
    ADMIN,
    MINE,
    OTHER,
    REFUSED,
    a_card,
    a_connection,
    a_proof,
    a_task,
    failing,
    one_card,
    proof_card,
    some_proof,
    two_cards,
)
from tests.tui.fake_client import FakeDesk

NEXT = "right_square_bracket"


def made(prepare: object, **kwargs: object) -> FakeDesk:
    desk = FakeDesk(**kwargs)
    prepare(desk)
    return desk


def names(driver: Driver) -> list[str]:
    screen = driver.app.screen
    table = screen.lists["tasks-region" if screen.tab == "Tasks" else "proof-region"].table
    return [table.window.at(at).name for at in range(table.window.length)]


def focused(driver: Driver) -> str:
    widget = driver.app.screen.focused
    return widget.key if isinstance(widget, Card) else widget.id


# What is shown


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_two_cards_stand_beside_each_other_over_the_tasks(size: tuple[int, int]):
    async with open_desk(made(two_cards), area="connections", size=size) as driver:
        await driver.press("enter")
        rows = driver.text().splitlines()
        assert any("Admin connection · bob" in row and "My connection · alice" in row for row in rows)
        assert any("● Connected" in row and "✗ Connection failure" in row for row in rows)
        assert any("Connected on 3 May" in row and "9 Jul" in row for row in rows)
        assert any("22 Nov 02:05" in row and "21 Nov 02:05" in row for row in rows if "Last healthy" in row)
        assert any("22 Nov 02:05" in row and "22 Nov 14:02" in row for row in rows if "Last checked" in row)
        text = driver.text()
        assert "✗ Connection failure: Jira Cloud refused the token (401 Unauthorized)." in text
        assert "last good 21 Nov 02:05 → first bad 22 Nov 02:05 · same account, same site" in text
        assert "▪ 11 tasks of alice are blocked; they are synced again when this is repaired." in text
        assert "All 40  ✓ 36 succeeded  ✗ 4 failed  ▪ 1 blocked   b [all] failed blocked" in text
        [header] = [row for row in rows if "Task name" in row]
        assert header.split() == ["Task", "name", "Template", "Status", "Error", "message", "Last", "checked"]
        [first] = [row for row in rows if "Rotate root keys" in row]
        assert first.startswith(" ✗")
        assert "Quarterly k" in first
        assert "Sync failed" in first
        assert first.rstrip().endswith("2 h")
        assert all(len(row) == size[0] for row in rows)


async def test_cards_are_stacked_where_it_is_narrow():
    async with open_desk(made(two_cards), area="connections", size=(60, 34)) as driver:
        await driver.press("enter")
        rows = driver.text().splitlines()
        assert not any("Admin connection" in row and "My connection" in row for row in rows)
        assert all(len(row) == 60 for row in rows)


async def test_one_card_where_the_admin_uses_the_same_credentials():
    async with open_desk(made(one_card), area="connections") as driver:
        await driver.press("enter")
        text = driver.text()
        assert "Admin connection · alice" in text
        assert "My connection" not in text
        assert "bob (manager), carol" in text


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_proof_has_a_card_with_owner_and_members_over_its_columns(size: tuple[int, int]):
    async with open_desk(made(proof_card), area="connections", size=size) as driver:
        await driver.press("enter")
        rows = driver.text().splitlines()
        text = driver.text()
        assert "◷ Connected · 6 days" in text
        for told in ("Last healthy", "Last checked", "28 Nov 14:05", "alice"):
            assert told in text, told
        assert "bob (manager), carol" in text
        [header] = [row for row in rows if "Proof sync name" in row]
        assert header.split() == [
            "Proof",
            "sync",
            "name",
            "Status",
            "Error",
            "message",
            "Label",
            "Last",
            "checked",
        ]
        assert "All 4  ✓ 3 succeeded  ✗ 1 failed" in text
        assert "Access reviews" in text
        assert "GitHub has no repository acme/project-alpha" in text


async def test_both_kinds_have_a_tab_and_what_was_there_before_stays():
    desk = made(one_card)
    desk.instances = [*desk.instances, *some_proof()]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        tabs = next(row for row in driver.text().splitlines() if "Heartbeats" in row)
        assert tabs.split() == [
            "Tasks",
            "40",
            "Proof",
            "syncs",
            "4",
            "Heartbeats",
            "Evidence",
            "Changes",
            "Details",
        ]
        await driver.press(NEXT)
        assert "Collaborators of ac" in driver.text()
        assert focused(driver) == "proof"
        await driver.press(NEXT)
        assert "401 Unauthorized" in driver.text()
        await driver.press(NEXT, NEXT)
        assert desk.called("connection_transitions") == [MINE]
        await driver.press(NEXT)
        assert "(con_mine)" in driver.text()
        await driver.press("left_square_bracket")
        assert "Checking again" in driver.text()


async def test_only_what_is_in_sight_is_read():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert desk.called("connection_heartbeats") == []
        assert desk.called("connection_transitions") == []
        [chosen] = desk.called("instances_list")
        assert (chosen.kind, chosen.integration_id) == (InstanceKind.TASK, ["int_jira"])


async def test_a_long_list_is_read_page_by_page():
    desk = made(one_card)
    desk.instances = [a_task(number) for number in range(1, 351)]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert len(desk.called("instances_list")) == 1
        assert len(names(driver)) == 100
        await driver.press("G", "G", "G", "G")
        assert len(desk.called("instances_list")) == 4
        assert driver.app.screen.item().name == "Patch bastion 350"


async def test_a_connection_without_tasks_looks_as_before():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("enter")
        assert "Task name" not in driver.text()
        assert "bearer ••••9f3a" in driver.text()
        await driver.press("b")
        assert any("are filtered" in told for told in driver.said)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_connected_beside_failed_tasks_is_explained(size: tuple[int, int]):
    desk = made(one_card)
    desk.explained = Explanation(
        sentence="the connection works, 4 of 40 tasks fail by themselves", next_action="Read their errors."
    )
    async with open_desk(desk, area="connections", size=size) as driver:
        await driver.press("enter")
        assert "● Connected: the connection works, 4 of 40 tasks fail by themselves" in driver.text()
        assert ("Read their errors." in driver.text()) == (size == LARGE)


# The filter


async def test_one_key_shows_the_failed_the_blocked_and_all_again():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "b")
        assert "b all [failed] blocked" in driver.text()
        assert len(names(driver)) == 4
        await driver.press("b")
        assert names(driver) == ["Review vendor list"]
        await driver.press("b")
        assert len(names(driver)) == 40
        await driver.press("b", "backspace")
        assert len(names(driver)) == 40
        asked = [(chosen.state, chosen.blocked) for chosen in desk.called("instances_list")]
        every, bad, blocked = ([], None), (["failed_or_blocked"], None), ([], True)
        assert asked == [every, bad, blocked, every, bad, every]


async def test_words_narrow_the_rows_together_with_the_quick_filter_and_are_cleared_with_it():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "slash")
        assert "Find · Tasks" in driver.text()
        await driver.write("EW")
        await driver.press("enter")
        assert names(driver) == ["Review vendor list", "Renew certificates"]
        assert "/ “EW”" in driver.text()
        await driver.press("b")
        assert names(driver) == ["Review vendor list", "Renew certificates"]
        await driver.press("b")
        assert names(driver) == ["Review vendor list"]
        await driver.press("slash", "escape")
        assert names(driver) == ["Review vendor list"], "leaving the question changes nothing"
        await driver.press("slash")
        await driver.write("x")
        await driver.press("enter")
        assert "None with “x” in its name is blocked. backspace shows all again" in driver.text()
        await driver.press("backspace")
        assert len(names(driver)) == 40
        assert "“x" not in driver.text()
        await driver.press("backspace")
        assert "no filter is set" in driver.said[-1]
        asked = [(chosen.text, chosen.state, chosen.blocked) for chosen in desk.called("instances_list")]
        assert asked == [
            (None, [], None), ("EW", [], None), ("EW", ["failed_or_blocked"], None), ("EW", [], True), ("x", [], True), (None, [], None)
        ]  # fmt: skip


async def test_words_narrow_proof_syncs_too_and_the_other_tabs_say_that_they_are_not_filtered():
    desk = made(proof_card)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "slash")
        await driver.write("repo-3")
        await driver.press("enter")
        assert names(driver) == ["Collaborators of acme/repo-3"]
        await driver.press("right_square_bracket", "slash")
        assert "the tabs with tasks and proof syncs are filtered" in driver.said[-1]


async def test_an_empty_filter_says_how_to_leave_it_and_no_rows_say_what_makes_some():
    desk = made(one_card)
    desk.instances = [a_task(1)]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "b")
        assert "None is failed. backspace shows all again" in driver.text()
        await driver.press("s")
        assert any("there is nothing under the cursor" in told for told in driver.said)
    desk = made(one_card)
    desk.no_rows = True
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert "No tasks yet." in driver.text()


# What keys do


async def test_tab_goes_round_the_cards_and_the_table_and_keys_act_on_what_has_the_focus():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert focused(driver) == "tasks"
        await driver.press("s")
        assert desk.called("instance_sync") == ["tsk_00000000000000000000000001"]
        await driver.press("shift+tab")
        assert focused(driver) == MINE
        await driver.press("c")
        assert desk.called("connection_check") == [MINE]
        await driver.press("shift+tab")
        assert focused(driver) == ADMIN
        await driver.press("c")
        assert desk.called("connection_check") == [MINE]
        assert any("Only bob, whose it is, and its managers may; ask bob" in told for told in driver.said)
        await driver.press("tab", "tab", "tab")
        assert focused(driver) == ADMIN, "from the table it goes round"
        await driver.press("down")
        assert focused(driver) == "tasks"
        await driver.press("c")
        assert desk.called("connection_check") == [MINE, MINE], "of the row under the cursor"


async def test_the_admin_card_offers_no_disconnect_and_names_whom_to_ask():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "shift+tab", "shift+tab", "D")
        assert any("it is the admin connection" in told and "ask bob" in told for told in driver.said)
        assert desk.called("connection_uses") == []
        await driver.press("tab", "D")
        assert desk.called("connection_uses") == [MINE]


async def test_the_tabs_are_about_the_card_that_had_the_focus_last():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", NEXT)
        assert desk.called("connection_heartbeats") == [MINE]
        await driver.press("shift+tab", "shift+tab")
        assert desk.called("connection_heartbeats") == [MINE, ADMIN]
        await driver.press(NEXT, NEXT, NEXT)
        assert "(con_admin)" in driver.text()


TASK_MENU = (
    "Sync now",
    "Open",
    "Attach an existing issue",
    "Create a new issue",
    "Unlink",
    "Reconnect",
)
PROOF_MENU = ("View", "Change connection", "Sync now", "Delete proof sync", "Settings")
CARD_MENU = (
    "Update credentials",
    "Check now",
    "Disconnect",
    "Make me owner",
    "Members",
    "Edit connection",
)


@pytest.mark.parametrize(
    ("prepare", "keys", "labels"),
    [
        (two_cards, ["enter"], TASK_MENU),
        (proof_card, ["enter"], PROOF_MENU),
        (two_cards, ["enter", "shift+tab"], CARD_MENU),
    ],
)
async def test_actions_menu_holds_each_action_of_what_has_the_focus(prepare, keys, labels):
    async with open_desk(made(prepare), area="connections", size=LARGE) as driver:
        await driver.press(*keys, "full_stop")
        text = driver.text()
        for label in labels:
            assert f" {label} " in text, label


async def test_what_the_daemon_refuses_on_a_row_is_greyed_with_its_reason():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "j", "j", "s")
        assert any("its connection fails: repair that first" in told for told in driver.said)
        assert desk.called("instance_sync") == []
        await driver.press("full_stop")
        assert "its connection fails: repair that first" in driver.text()


async def test_a_row_whose_connection_was_disconnected_says_so():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", *"jjjj", "c")
        assert any("its connection was disconnected" in told for told in driver.said)


async def test_a_member_with_the_manager_grant_manages_the_health():
    desk = made(two_cards, role=Role.MEMBER)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "shift+tab", "c", "u")
        assert desk.called("connection_check") == [MINE], "the daemon refuses nothing of it"
        assert isinstance(driver.app.screen, Form)


async def test_the_whole_error_is_one_key_away_and_nothing_of_it_is_markup():
    async with open_desk(made(two_cards), area="connections") as driver:
        await driver.press("enter")
        assert "the workflow needs the field" in driver.text()
        await driver.press("E")
        assert isinstance(driver.app.screen, ErrorPage)
        text = driver.text()
        assert "Fill it in on ACME-1, then sync again." in text
        assert "Answered   400" in text
        assert "At fault   configuration or mapping" in text
        assert "What to do Mend the issue at the app, then Sync now." in text
        await driver.press("y")
        assert isinstance(driver.app.screen, CopyPage)
        assert "ACME-1" in driver.app.clipboard
        await driver.press("escape", "escape", "j", "E")
        assert "Evil [/bold]" in driver.text()
        await driver.press("escape", "j", "E")
        assert any("it has no error message" in told for told in driver.said)


# Connections of others


async def test_connections_of_others_are_named_and_opened():
    desk = made(two_cards)
    desk.others = [
        a_card(a_connection("con_dave", owner="dave"), "other"),
        a_card(failing(OTHER, owner="carol"), "other"),
    ]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert "Connections of others: ✗ carol, ● dave  w" in driver.text()
        await driver.press("w", "j", "enter")
        screen = driver.app.screen
        assert isinstance(screen, ConnectionScreen)
        assert screen.key == OTHER
        assert [card.connection.id for card in screen.detail.cards] == [ADMIN, OTHER]
        assert "Connection · carol" in driver.text()
        assert "● alice" in driver.text() or "✗ alice" in driver.text()


async def test_a_deleted_connection_leaves_the_window_with_what_is_left():
    desk = made(two_cards)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "shift+tab")
        desk.cards = desk.cards[:1]
        await driver.press("r")
        assert "Admin connection · bob" in driver.text()
        assert "My connection" not in driver.text()
        assert driver.app.screen.chosen == ADMIN
        assert driver.app.screen.connection.refused == REFUSED


async def test_a_proof_sync_is_found_by_the_connections_of_the_account():
    desk = made(proof_card)
    desk.instances = [a_proof(1)]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        [chosen] = desk.called("instances_list")
        assert (chosen.kind, chosen.connection_id, chosen.integration_id) == (InstanceKind.PROOF, [MINE], [])


# Connected accounts


def a_row(**more: object) -> AccountRow:
    fields = {
        "kind": "connection",
        "id": MINE,
        "app": "Jira Cloud",
        "account": "acme",
        "state": ConnectionState.CONNECTED,
        "state_word": "Connected",
        "unit": "tasks",
    }
    return AccountRow(**(fields | more))


@pytest.mark.parametrize(
    ("more", "told", "tone"),
    [
        ({"failed": 12, "blocked": 11, "total": 40, "state": ConnectionState.FAILING}, "✗ 12 / 40", Tone.BAD),
        ({"total": 17}, "✓ 17", Tone.GOOD),
        ({"total": 6, "state": ConnectionState.SUSPECT}, "– 6", Tone.DIM),
        ({}, "–", Tone.DIM),
        ({"kind": "integration", "unit": "records", "failed": 131, "total": 4000}, "✗ 131 rec", Tone.BAD),
        ({"kind": "integration", "unit": "tasks", "failed": 3, "total": 3}, "✗ 3 / 3", Tone.BAD),
    ],
)
def test_instance_health_of_a_row(more, told, tone):
    assert instances(a_row(**more)) == Span(told, tone)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_connected_accounts_show_status_and_instance_health(size: tuple[int, int]):
    desk = made(two_cards)
    failing_row = {"failed": 12, "blocked": 11, "total": 40, "state": ConnectionState.FAILING, "state_word": "Connection failure"}  # fmt: skip
    desk.account_rows = [
        a_row(**failing_row),
        a_row(id="con_2", app="Asana", account="Acme workspace", total=17),
    ]
    async with open_desk(desk, area="connections", size=size) as driver:
        rows = driver.text().splitlines()
        jira = next(row for row in rows if row.startswith(" ✗ Jira Cloud"))
        assert "Connection failure" in jira
        assert "✗ 12 / 40" in jira
        assert any("Asana" in row and "✓ 17" in row for row in rows)
        await driver.press("enter")
        assert driver.app.screen.own
        assert "My connection · alice" in driver.text()


async def test_an_integration_without_any_connection_shows_what_waits_for_one():
    desk = FakeDesk()
    desk.instances = [a_task(1, connection_id=None), a_task(2, connection_id=None)]
    needs = Explanation(sentence="Jira tasks has no admin connection any more.", next_action="Edit it.")
    desk.account_rows = [
        a_row(kind="integration", id="int_jira", state=ConnectionState.UNKNOWN, state_word="Disconnected", total=2, failed=2, explanation=needs),
    ]  # fmt: skip
    async with open_desk(desk, area="connections") as driver:
        assert "Disconnected" in driver.text()
        await driver.press("c")
        assert any("its connection was disconnected" in told for told in driver.said)
        await driver.press("enter")
        assert isinstance(driver.app.screen, DisconnectedScreen)
        text = driver.text()
        assert "○ Disconnected: Jira tasks has no admin connection any more." in text
        assert "Patch bastion 1" in text
        assert "Heartbeats" not in text
        [chosen] = desk.called("instances_list")
        assert chosen.integration_id == ["int_jira"]
        await driver.press("M", "shift+tab", "D")
        assert desk.called("connection_uses") == []
