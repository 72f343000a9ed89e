"""The window of a connection, a check of it, and the expiry calendar."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.api.common import Explanation
from healthdesk.api.connections import IdentityChange
from healthdesk.domain.states import ConnectionState, Role
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.expiries import ExpiriesScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.heartbeat import HeartbeatScreen
from healthdesk.tui.screens.menu import ActionsMenu
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_health import ADDRESS, NOW, a_ping

NEXT, BEFORE = "right_square_bracket", "left_square_bracket"
PINGED = {"heartbeat": None, "judged_by_deliveries": False}


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_head_and_card_tell_from_good_to_bad_whose_fault_and_what_helps(size: tuple[int, int]):
    async with open_desk(FakeDesk(), area="connections", size=size) as driver:
        await driver.press("enter")
        text = driver.text()
        assert "✗ Connection failure: The endpoint refused the token (401 Unauthorized)." in text
        assert "last good 21 Nov 02:05 → first bad 22 Nov 02:05 · same account, same site" in text
        assert "u  The credential: enter new credentials" in text
        for told in (
            "ops@acme.io",
            "acme.example",
            "bearer ••••9f3a",
            "Last healthy",
            "Next check   15:02",
            "alice + 1",
        ):
            assert told in text
        assert all(len(row) == size[0] for row in text.splitlines())


async def test_connected_on_is_told_only_when_it_ever_connected():
    desk = FakeDesk()
    desk.changed = {"connected_on": None, "state": ConnectionState.UNKNOWN, "state_word": "Not checked yet"}
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter")
        assert "Last healthy" in driver.text()
        assert "Connected on" not in driver.text()
        await driver.press(*[NEXT] * 3)
        assert "Connected on" not in driver.text()


async def test_card_tells_of_expiry_scopes_and_credentials_that_can_be_put_back():
    desk = FakeDesk()
    desk.changed = {
        "scopes": [f"scope-{number}" for number in range(30)],
        "expires_at": NOW + timedelta(days=6),
        "expires_from": "learnt",
        "expires_in": "6 days",
        "previous_hint": "••••0ld9",
        "previous_until": NOW + timedelta(minutes=40),
    }
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter")
        text = driver.text()
        assert "◷ Connected · 6 days" in text
        assert "30 scopes" in text
        assert "28 Nov 14:05 · 6 days (learnt)" in text
        assert "••••0ld9 can be put back until 14:45  B" in text
        await driver.press(*[NEXT] * 3)
        assert "scope-0, scope-1" in driver.text()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_evidence_shows_both_checks_and_what_differs(size: tuple[int, int]):
    async with open_desk(FakeDesk(), area="connections", size=size) as driver:
        await driver.press("enter", NEXT)
        rows = driver.text().splitlines()
        assert any("content-type" in row and "application/json → text/html" in row for row in rows)
        beside = any("Last good" in row and "First bad" in row for row in rows)
        assert beside == (size == LARGE)
        if beside:
            assert any(
                "Asked" in row and row.count("GET https://acme.example/rest/api/3/myself") == 2
                for row in rows
            )
            assert any('"accountId": "583231"' in row for row in rows)
        await driver.press("G")
        assert any(
            "<html>[/bar] Client must be authenticated□[31m</html>" in row
            for row in driver.text().splitlines()
        )


async def test_tabs_go_round_and_changes_are_told():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", BEFORE)
        assert "Callback URL http" in driver.text()
        await driver.press(BEFORE)
        assert desk.called("connection_transitions") == ["con_jira"]
        assert "22 Nov 02:05 Checking again     Connection failure The endpoint" in driver.text()
        await driver.press("enter")
        assert any("the Heartbeats tab has them" in told for told in driver.said)
        await driver.press(NEXT, NEXT)
        assert "401 Unauthorized Connection failure" in driver.text()


async def test_enter_opens_a_check_whole_and_nothing_of_it_is_markup():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "j", "enter")
        assert isinstance(driver.app.screen, HeartbeatScreen)
        assert desk.called("connection_heartbeat") == [("con_jira", "hbt_1")]
        text = driver.text()
        assert "✗ 401 in 41 ms · The endpoint refused the token" in text
        assert "GET https://acme.example/rest/api/3/myself" in text
        assert "<html>[/bar] Client must be authenticated□[31m</html>" in text
        assert "content-type: text/html; charset=utf-8" in text
        await driver.press("y")
        assert isinstance(driver.app.screen, CopyPage)
        assert "GET https://acme.example/rest/api/3/myself" in driver.text()
        await driver.press("escape", "escape")
        assert isinstance(driver.app.screen, ConnectionScreen)


async def test_a_changed_identity_is_accepted_once_it_was_read():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter", "A")
        assert any("are those it was connected with" in told for told in driver.said)
        sentence = "The account was ops@acme.io and is evil now."
        desk.changed = {
            "drift": [IdentityChange(what="account", before="ops@acme.io", after="evil", sentence=sentence)],
            "explanation": Explanation(sentence=sentence, next_action="Update the credentials.", key="u"),
        }
        await driver.press("r")
        assert f"⚠ Connected: {sentence}" in driver.text()
        assert "u  Update the credentials.  A accepts it" in driver.text()
        await driver.press("A")
        assert sentence in driver.text()
        await driver.press("escape")
        assert desk.called("connection_accept_drift") == []
        await driver.press("A", "right", "enter")
        assert desk.called("connection_accept_drift") == ["con_git"]


async def test_push_heartbeat_is_set_by_interval_and_its_address_shown_once():
    desk = FakeDesk()
    desk.changed = PINGED
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter", "h")
        assert isinstance(driver.app.screen, Form)
        await driver.press("tab", "ctrl+u")
        await driver.write("soon")
        await driver.press("ctrl+s")
        assert "Every: is a length of time such as 90s" in driver.text()
        await driver.press("ctrl+u")
        await driver.write("15m")
        await driver.press("ctrl+s")
        connection_id, wanted = desk.called("connection_ping_set")[0]
        assert connection_id == "con_git"
        assert (wanted.schedule.every_s, wanted.grace_s, wanted.new_address) == (900, 300, False)
        assert ADDRESS in driver.text()
        await driver.press("y")
        assert driver.app.clipboard == ADDRESS
        await driver.press("escape", "enter")
        assert "every 15m, 5m grace · none came yet · late at 15:10" in driver.text()
        assert ADDRESS not in driver.text()


async def test_push_heartbeat_by_cron_keeps_what_was_set():
    desk = FakeDesk()
    desk.changed = PINGED
    desk.ping = a_ping(schedule={"cron": "0 3 * * *", "zone": "Europe/Berlin"})
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter", "h", "ctrl+s")
        wanted = desk.called("connection_ping_set")[0][1]
        assert (wanted.schedule.cron, wanted.schedule.zone, wanted.schedule.every_s) == (
            "0 3 * * *",
            "Europe/Berlin",
            None,
        )
        assert ADDRESS not in driver.text()


async def test_new_address_and_removal_say_what_is_lost_first():
    desk = FakeDesk()
    desk.changed, desk.ping = PINGED, a_ping("con_git")
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter", "H")
        assert "••••dF1g is refused from then on" in driver.text()
        await driver.press("escape")
        assert desk.called("connection_ping_set") == []
        await driver.press("H", "right", "enter")
        assert desk.called("connection_ping_set")[0][1].new_address
        assert ADDRESS in driver.text()
        await driver.press("enter", "Z", "right", "enter")
        assert desk.called("connection_ping_remove") == ["con_git"]


async def test_actions_that_do_not_apply_say_why():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("enter")
        for key, reason in (
            ("h", "it is called: its own heartbeat decides its health"),
            ("H", "it has no push heartbeat"),
            ("Z", "it has no push heartbeat"),
            ("A", "are those it was connected with"),
        ):
            await driver.press(key)
            assert any(reason in told for told in driver.said), key
        await driver.press("full_stop")
        assert isinstance(driver.app.screen, ActionsMenu)
        assert "Accept changed identity" in driver.text()


async def test_what_pings_is_not_offered_a_check():
    desk = FakeDesk()
    desk.changed, desk.ping = PINGED, a_ping()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "j", "enter", "c")
        assert any("its pings decide its health" in told for told in driver.said)
        assert desk.called("connection_check") == []


async def test_expiry_is_entered_as_a_day():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("enter", "X")
        await driver.write("next week")
        await driver.press("ctrl+s")
        assert desk.called("connection_edit") == []
        await driver.press("ctrl+u")
        await driver.write("2027-01-31")
        await driver.press("ctrl+s")
        connection_id, changes = desk.called("connection_edit")[0]
        assert connection_id == "con_jira"
        assert changes.model_fields_set == {"expires_at"}
        assert changes.expires_at.isoformat() == "2027-01-31T00:00:00+00:00"


# The calendar


async def test_calendar_opens_by_its_key_with_the_soonest_first():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("x")
        assert isinstance(driver.app.screen, ExpiriesScreen)
        rows = [
            row for row in driver.text().splitlines() if " the app " in row[50:] or " an operator " in row
        ]
        assert [row[1:11].strip() for row in rows] == ["✗ expired", "◷ 6 days", "◷ 20 days", "· 148 days"]
        assert "The credential of GitLab ended 20 Nov 14:05, as the app says." in driver.text()
        await driver.press("j")
        assert "The credential of Okta ends 28 Nov 14:05" in driver.text()
        await driver.press("u")
        assert isinstance(driver.app.screen, Form)
        await driver.press("escape", "enter")
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert driver.app.screen.key == "con_okta"
        await driver.press("escape", "escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)


async def test_calendar_is_in_the_palette_everywhere():
    async with open_desk(FakeDesk(), area="log") as driver:
        commands = {command.title: command for command in driver.app.get_system_commands(driver.app.screen)}
        commands["Expiry calendar"].callback()
        await driver.settle()
        assert isinstance(driver.app.screen, ExpiriesScreen)
    async with open_desk(FakeDesk(), area="connections") as driver:
        titles = [command.title for command in driver.app.get_system_commands(driver.app.screen)]
        assert titles.count("Expiry calendar") == 1


async def test_empty_calendar_says_how_an_end_is_entered():
    desk = FakeDesk()
    desk.expiries = []
    async with open_desk(desk, area="connections") as driver:
        await driver.press("x")
        assert "No credential is known to end." in driver.text()
        await driver.press("u")
        assert any("there is nothing under the cursor" in told for told in driver.said)


async def test_the_calendar_greys_with_the_daemons_reason_and_not_by_role():
    desk = FakeDesk(role=Role.MEMBER)
    why = "This needs the manager grant on the connection. Ask bob."
    first, *rest = (await desk.connections_expiring()).items
    first.refused = {"update_credentials": why, "edit": why}
    desk.expiries = [first, *rest]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("x", "u", "X")
        assert isinstance(driver.app.screen, ExpiriesScreen)
        assert "Enter expiry: This needs the manager grant on the connection. Ask bob" in driver.said[-1]
        await driver.press("j", "u")
        assert isinstance(driver.app.screen, Form), "a member with the grant on this one renews it"
