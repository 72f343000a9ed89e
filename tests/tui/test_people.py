"""Disconnecting, taking a connection over, and its members."""

from __future__ import annotations

from healthdesk.api.connections import Member
from healthdesk.api.people import ConnectionUses
from healthdesk.domain.states import Role
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.members import MembersScreen
from healthdesk.tui.screens.people import PeopleScreen
from tests.tui.desk import LARGE, open_desk
from tests.tui.fake_accounts import ADMIN, MINE, a_card, a_connection, one_card, two_cards, uses_of_alice
from tests.tui.fake_client import FakeDesk

CARD = ("enter", "shift+tab")


def with_members(desk: FakeDesk, **more: object) -> None:
    one_card(desk)
    desk.cards = [
        a_card(a_connection(MINE, members=[Member(user="bob", grant="manager")], **more), "both"),
    ]


# Disconnect


async def test_disconnect_names_what_stops_and_how_to_repair_it_and_starts_on_cancel():
    desk = FakeDesk()
    two_cards(desk)
    desk.uses = uses_of_alice()
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "D")
        assert isinstance(driver.app.screen, Question)
        text = driver.text()
        for told in (
            "Disconnect Jira Cloud · acme",
            "Its credentials are erased and cannot be brought back",
            "Stops: Rotate root keys, Review vendor list and 10 more",
            "Reconnecting any one of them repairs all the others.",
        ):
            assert told in text, told
        await driver.press("enter")
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert desk.called("connection_disconnect") == []
        await driver.press("D", "right", "enter")
        assert desk.called("connection_disconnect") == [MINE]
        assert "Admin connection · bob" in driver.text(), "the window goes on with what is left"
        assert "My connection" not in driver.text()


async def test_a_window_whose_only_connection_was_disconnected_is_left():
    desk = FakeDesk()
    one_card(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "D", "right", "enter")
        assert desk.called("connection_disconnect") == [MINE]
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert any("is disconnected" in told for told in driver.said)


async def test_disconnect_of_an_admin_connection_names_the_integrations_that_lose_it():
    desk = FakeDesk()
    one_card(desk)
    told = "It is the admin connection of Jira tasks: no task is added to it before another one is chosen."
    desk.uses = ConnectionUses(
        connection_id=MINE, name="Jira", app_name="Jira Cloud", administers=["Jira tasks"], sentences=[told]
    )
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "D")
        assert "It is the admin connection of Jira tasks" in driver.text()
        assert "Nothing else uses it" not in driver.text()


async def test_a_long_disconnect_page_scrolls_and_keeps_its_choices_in_sight():
    desk = FakeDesk()
    one_card(desk)
    desk.uses = ConnectionUses(connection_id=MINE, name="Jira", app_name="Jira Cloud", tasks=40, sentences=[f"Sentence {number}." for number in range(30)])  # fmt: skip
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "D")
        assert "Sentence 0." in driver.text()
        assert "Sentence 29." not in driver.text()
        assert "Cancel     Disconnect" in driver.text()
        await driver.press("pagedown", "pagedown")
        assert "Sentence 29." in driver.text()
        assert "Cancel     Disconnect" in driver.text()


async def test_nothing_uses_it_is_said_too():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("D")
        assert "Nothing else uses it." in driver.text()


# Make me owner


async def test_make_me_owner_asks_for_credentials_and_shows_the_new_owner():
    desk = FakeDesk()
    with_members(desk, owner="bob", app="http-endpoint", app_name="HTTP endpoint", auth="bearer")
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "W")
        assert isinstance(driver.app.screen, Form)
        assert "Make me owner" in driver.text()
        assert "It is bob's." in driver.text()
        await driver.press("tab")
        await driver.write("t0ken-of-alice")
        assert "t0ken" not in driver.text()
        await driver.press("ctrl+s")
        [(connection_id, new)] = desk.called("connection_make_me_owner")
        assert connection_id == MINE
        assert new.credentials.token.get_secret_value() == "t0ken-of-alice"
        assert any("belongs to alice now" in told for told in driver.said)
        assert desk.called("connection_update_credentials") == []


async def test_make_me_owner_is_greyed_with_the_daemons_reason():
    desk = FakeDesk()
    with_members(desk, refused={"make_me_owner": "It is yours already."})
    async with open_desk(desk, area="connections", size=LARGE) as driver:
        await driver.press(*CARD, "W")
        assert any("It is yours already" in told for told in driver.said)
        await driver.press("full_stop")
        assert "It is yours already" in driver.text()


# Members


async def test_members_are_added_changed_and_removed():
    desk = FakeDesk()
    with_members(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "M")
        assert isinstance(driver.app.screen, MembersScreen)
        assert "It is theirs" in driver.text()
        await driver.press("D")
        assert any("alice owns it" in told for told in driver.said)
        await driver.press("j")
        assert "Manages its health, too" in driver.text()
        await driver.press("n")
        await driver.write("carol")
        await driver.press("ctrl+s")
        assert desk.called("connection_member_set") == [(MINE, "carol", "user")]
        assert driver.app.screen.item().user == "carol", "the cursor is on whom was added"
        await driver.press("e", "right", "ctrl+s")
        assert desk.called("connection_member_set")[-1] == (MINE, "carol", "manager")
        await driver.press("D")
        assert "carol may no longer use" in driver.text()
        await driver.press("enter")
        assert desk.called("connection_member_remove") == []
        await driver.press("D", "right", "enter")
        assert desk.called("connection_member_remove") == [(MINE, "carol")]
        assert driver.app.screen.members.table.window.length == 2
        await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionScreen)


async def test_a_user_that_is_not_there_stays_in_the_form_with_the_reason():
    desk = FakeDesk()
    with_members(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "M", "n")
        await driver.write("nobody")
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, Form)
        assert "there is no user nobody" in driver.text()
        assert "nobody" in driver.text()


async def test_who_may_not_name_members_reads_why():
    desk = FakeDesk(role=Role.MEMBER)
    with_members(desk, owner="bob", refused={"members": "Only bob and its managers may; ask bob."})
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "M")
        assert isinstance(driver.app.screen, MembersScreen), "everybody reads who they are"
        await driver.press("j", "n", "e", "D")
        assert desk.called("connection_member_set") == []
        assert any("Only bob and its managers may; ask bob" in told for told in driver.said)


async def test_what_keeps_a_member_from_doing_anything_is_said():
    desk = FakeDesk()
    with_members(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*CARD, "M", "n")
        await driver.write("mallory")
        await driver.press("ctrl+s")
        assert any("mallory has no role on this desk." in told for told in driver.said)
        assert "mallory has no role on this desk." in driver.text()


# People


async def test_a_leavers_connection_is_handed_over_after_naming_what_goes_along():
    desk = FakeDesk()
    two_cards(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("Y")
        assert isinstance(driver.app.screen, PeopleScreen)
        await driver.press("slash", "down")
        await driver.write("bob")
        await driver.press("enter", "enter")
        assert desk.called("people_connections")[-1] == ("bob", None)
        assert "Jira Cloud · acme is bob's." in driver.text()
        await driver.press("W", "tab")
        await driver.write("bob")
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, Question)
        assert "1 connection of bob" in driver.text()
        assert "40 tasks and proof syncs of theirs that work with it" in driver.text()
        assert "They go on with the credentials of bob" in driver.text()
        await driver.press("enter")
        assert desk.called("people_hand_over") == [], "it starts on Cancel"
        assert isinstance(driver.app.screen, Form)
        await driver.press("ctrl+s", "right", "enter")
        assert "bob has them already" in driver.text(), "a refusal stays in the form"
        await driver.press("shift+tab", "tab", "ctrl+u")
        await driver.write("carol")
        await driver.press("ctrl+s", "right", "enter")
        assert desk.called("people_hand_over")[-1] == ("bob", "carol", [ADMIN])
        assert any("carol owns what bob owned" in told for told in driver.said)


async def test_everything_of_somebody_is_handed_over_without_naming_connections():
    desk = FakeDesk()
    two_cards(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("Y", "slash", "down")
        await driver.write("bob")
        await driver.press("enter", "enter", "W", "right", "tab")
        await driver.write("carol")
        await driver.press("ctrl+s")
        [*_, chosen] = desk.called("instances_count")
        assert (chosen.owner, chosen.connection_id) == ("bob", [])
        assert "40 tasks and proof syncs of bob, with whatever connection" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("people_hand_over") == [("bob", "carol", [])]


async def test_only_administrators_hand_over_and_everybody_reads_whose_is_what():
    desk = FakeDesk(role=Role.MANAGER)
    two_cards(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("Y", "W")
        assert isinstance(driver.app.screen, PeopleScreen)
        assert "Hand over: needs the administrator role; ask alice, root" in driver.said[-1]


async def test_what_somebody_without_a_connection_made_is_handed_over_too():
    desk = FakeDesk()
    two_cards(desk)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("Y", "slash", "down")
        await driver.write("zoe")
        await driver.press("enter", "enter")
        assert "zoe owns no connection. backspace shows those of everybody" in driver.text()
        await driver.press("W", "tab")
        await driver.write("carol")
        await driver.press("ctrl+s", "right", "enter")
        assert desk.called("people_hand_over") == [("zoe", "carol", [])]
