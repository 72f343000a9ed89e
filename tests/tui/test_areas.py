"""The other areas, forms, the menu, help, palette."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from textual.command import CommandPalette

from healthdesk.domain.states import Environment, ProblemState, Role
from healthdesk.tui.actions import AREAS
from healthdesk.tui.format import Span
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.menu import ActionsMenu
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.widgets.lines import Explanation
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_client import FakeDesk


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_keys_one_to_six_open_the_areas(size: tuple[int, int]):
    async with open_desk(FakeDesk(), size=size) as driver:
        for number, name in enumerate(AREAS, start=1):
            await driver.press(str(number))
            assert driver.app.current_mode == name
            assert "1 connection failing, 131 records failed" in driver.line(0)
            assert "alice (admin)" in driver.line(0)
            assert all(len(line) == size[0] for line in driver.text().splitlines())


async def test_an_area_keeps_its_window_and_its_own_key_goes_back_to_the_list():
    async with open_desk(FakeDesk()) as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, RecordScreen)
        await driver.press("2", "3")
        assert isinstance(driver.app.screen, RecordScreen)
        await driver.press("3")
        assert isinstance(driver.app.screen, LogScreen)


async def test_connections_are_shown_with_what_helps():
    async with open_desk(FakeDesk(), area="connections") as driver:
        assert re.search(r"✗ HTTP endpoint +Jira", driver.text())
        assert "Jira Cloud refused the token (401). Since 02:05." in driver.text()
        await driver.press("j")
        assert "✗ 131 rec" in driver.text()
        assert "131 failed, 2 retrying, 3 held" in driver.text()


async def test_enter_opens_the_connection_or_the_integration():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert "Connection failure: The endpoint refused the token" in driver.text()
        assert "401 Unauthorized" in driver.text()
        assert "••••9f3a" in driver.text()
        await driver.press("escape", "j", "enter")
        assert isinstance(driver.app.screen, IntegrationScreen)
        assert "POST https://crm.acme.io/v2/hra" in driver.text()
        assert "131 records failed" in driver.text()
        await driver.press("enter")
        assert isinstance(driver.app.screen, ProblemScreen)


@pytest.mark.parametrize("keys", [("j", "o"), ("j", "enter", "o")])
async def test_an_integration_opens_the_connection_it_delivers_on(keys: tuple[str, ...]):
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press(*keys)
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert driver.app.screen.key == "con_crm"
        await driver.press("escape")
        assert isinstance(driver.app.screen, IntegrationScreen if "enter" in keys else ConnectionsScreen)


async def test_an_integration_with_two_connections_asks_which_to_open(monkeypatch: pytest.MonkeyPatch):
    desk = FakeDesk()
    made = desk._integration()
    made.environments[1].connection_id, made.environments[1].connection_name = "con_test", "CRM test"
    monkeypatch.setattr(desk, "_integration", lambda: made)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "o")
        assert "CRM test (testing)" in driver.text()
        await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        await driver.press("o", "right", "right", "enter")
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert driver.app.screen.key == "con_test"


async def test_check_now_tells_the_answer():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("c")
        assert desk.called("connection_check") == ["con_jira"]
        assert any("Jira: Connection failure." in told for told in driver.said)
        await driver.press("j", "D")
        assert any("this is an integration" in told for told in driver.said)


async def test_credentials_are_masked_while_typed_and_only_what_belongs_is_sent():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        assert isinstance(driver.app.screen, Form)
        await driver.press("tab")
        await driver.write("s3cret-token")
        assert "s3cret" not in driver.text()
        await driver.press("ctrl+s")
        connection_id, update = desk.called("connection_update_credentials")[0]
        assert connection_id == "con_jira"
        assert update.credentials.token.get_secret_value() == "s3cret-token"
        assert update.credentials.model_fields_set == {"auth", "token"}
        assert "s3cret" not in repr(desk.calls)


async def test_a_form_says_what_is_missing_and_sends_nothing():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("n", *"http", "enter", "ctrl+s")
        assert "Name: is needed" in driver.text()
        await driver.write("CRM")
        await driver.press("tab")
        await driver.write("crm.example")
        await driver.press("tab", "tab")
        await driver.write("t0ken-of-crm")
        await driver.press("ctrl+s")
        assert "Base URL: begins with https:// or http://" in driver.text()
        assert desk.called("connection_create") == []
        await driver.press("home")
        await driver.write("https://")
        await driver.press("ctrl+s")
        new = desk.called("connection_create")[0]
        assert new.base_url == "https://crm.example"
        assert new.heartbeat.path == "/health"
        assert new.credentials.token.get_secret_value() == "t0ken-of-crm"


async def test_an_edit_sends_only_what_changed():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e", "end")
        await driver.write(" two")
        await driver.press("ctrl+s")
        _, changes = desk.called("connection_edit")[0]
        assert changes.model_fields_set == {"name"}
        assert changes.name == "Jira two"


async def test_disconnect_names_what_is_lost_and_starts_on_cancel():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("D")
        assert "Its credentials are erased" in driver.text()
        await driver.press("enter")
        assert desk.called("connection_disconnect") == []
        await driver.press("D", "right", "enter")
        assert desk.called("connection_disconnect") == ["con_jira"]


async def test_connection_that_an_integration_delivers_on_is_not_disconnected_and_names_it():
    desk = FakeDesk()
    desk.account_rows = [(await desk.accounts())[0].model_copy(update={"id": "con_crm"})]
    async with open_desk(desk, area="connections") as driver:
        await driver.press("D")
        assert "delivers through" in " ".join(driver.said)
        assert "Its credentials are erased" not in driver.text()
        assert desk.called("connection_disconnect") == []


async def test_pause_asks_for_the_environment_and_resume_does_not():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "p", "right", "enter")
        assert desk.called("integration_pause")[0][1].value == "production"
        await driver.press("p")
        assert desk.called("integration_resume")[0][1].value == "production"


async def test_the_records_of_an_integration_are_one_key_away():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("j", "l")
        assert isinstance(driver.app.screen, LogScreen)
        assert desk.called("records_list")[-1][0].integration_id == "int_crm"
        assert "To CRM endpoint" in driver.text()


async def test_problems_are_taken_muted_and_resolved():
    desk = FakeDesk()
    async with open_desk(desk, area="problems") as driver:
        assert "ack bob" in driver.text()
        await driver.press("a")
        assert desk.called("problem_ack") == ["prb_1"]
        await driver.press("a")
        assert len(desk.called("problem_ack")) == 1
        await driver.press("m")
        assert desk.called("problem_mute") == [("prb_1", 86_400)]
        assert "muted" in driver.text()
        await driver.press("m")
        assert desk.called("problem_mute")[-1] == ("prb_1", 0)
        assert driver.said[-1] == "Muted no more; taken by somebody, it alerts of its recovery only."
        await driver.press("R", "right", "enter")
        assert desk.problem_states["prb_1"] is ProblemState.RESOLVED
        assert "CRM endpoint      422" not in driver.text()


async def test_a_problem_shows_its_evidence_and_resends_what_it_holds_up():
    desk = FakeDesk()
    async with open_desk(desk, area="problems") as driver:
        await driver.press("enter")
        assert re.search(r"Last good +✓ 200", driver.text())
        assert re.search(r"First bad +✗ 422", driver.text())
        assert "opened to on-call mail: sent" in driver.text()
        await driver.press("S", "right", "enter")
        chosen = desk.called("job_create")[0][0]
        assert chosen.problem_id == "prb_1"
        await driver.press("enter")
        assert isinstance(driver.app.screen, RecordScreen)


async def test_callbacks_say_why_they_were_rejected():
    desk = FakeDesk()
    async with open_desk(desk, area="callbacks") as driver:
        assert "Rejected: the signature does not match" in driver.text()
        await driver.press("P")
        assert desk.called("callback_reprocess") == []
        await driver.press("j", "enter")
        assert '"type": "••••"' in driver.text()


async def test_values_of_a_callback_are_shown_once_revealed_and_stay_so_in_its_window():
    desk = FakeDesk()
    async with open_desk(desk, area="callbacks") as driver:
        await driver.press("j", "enter")
        assert '"type": "••••"' in driver.text()
        await driver.press("v")
        assert desk.called("callback_reveal") == ["cbk_2"]
        assert '"type": "contact.updated"' in driver.text()
        await driver.press("r", "v")
        assert '"type": "contact.updated"' in driver.text()
        assert desk.called("callback_reveal") == ["cbk_2"]


async def test_a_channel_is_tested_and_the_result_shown():
    desk = FakeDesk()
    desk.test_ok = False
    async with open_desk(desk, area="alerts") as driver:
        await driver.press("j", "t")
        assert desk.called("channel_test") == ["chn_2"]
        assert "✗ It failed. The server refused the message." in driver.text()


async def test_a_channel_is_added_by_its_url_which_is_never_shown():
    desk = FakeDesk()
    async with open_desk(desk, area="alerts") as driver:
        await driver.press("n")
        await driver.write("ops")
        await driver.press("tab")
        await driver.write("json://user:pass@host")
        assert "pass@host" not in driver.text()
        await driver.press("ctrl+s")
        assert desk.called("channel_create") == [("ops", "json://user:pass@host")]
        assert "ops" in driver.text()


async def test_the_key_that_helps_works_on_the_integration_too():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("c")
        assert desk.called("connection_check") == ["con_crm"]


async def test_add_notifications_sends_an_integrations_problems_to_a_channel():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        table = driver.app.screen.query_one(WindowTable)
        assert table.select("integration:int_crm")
        await driver.settle()
        await driver.press("N")
        assert re.search(r"on-call mail +← no →", driver.text())
        assert re.search(r"ops chat +← yes →", driver.text())
        assert "apprise url" not in driver.text()
        await driver.press("right", "ctrl+s")
        assert desk.called("rule_edit") == [("rul_1", ["chn_2", "chn_1"])]
        assert desk.rules[0].environments == [Environment.PRODUCTION]
        assert desk.called("channel_create") == []
        assert "go to 2 channels only. TESTING is silent." in " ".join(driver.said)


async def test_problems_of_testing_are_told_only_where_that_is_ticked():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("N", "tab", "tab", "tab", "right", "ctrl+s")
        assert desk.rules[0].environments == list(Environment)
        await driver.press("N")
        assert "← go there too →" in driver.text()


async def test_an_integration_without_a_channel_is_not_saved():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("N", "tab", "right", "ctrl+s")
        assert "choose a channel, or make a new one" in driver.text()
        assert desk.called("rule_edit") == []


async def test_add_notifications_makes_the_first_rule_with_a_new_channel():
    desk = FakeDesk()
    desk.rules = []
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("N", "tab", "tab", "right", "tab")
        await driver.write("ops")
        await driver.press("tab")
        await driver.write("json://host")
        await driver.press("ctrl+s")
        assert desk.called("channel_create") == [("ops", "json://host")]
        [(integration, channels)] = desk.called("rule_create")
        assert integration == "int_crm"
        assert channels == [desk.channels[-1].id]


async def test_an_explanation_too_long_for_its_lines_takes_more_and_keeps_them():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        pane = driver.app.screen.query_one(Explanation)
        before = pane.size.height
        pane.explain([(Span("word " * 40),), (Span("the end"),)])
        await driver.settle()
        assert pane.size.height == before + 2
        await driver.press("j")
        assert pane.size.height == before + 2


async def test_an_explanation_that_is_longer_still_is_cut_before_what_helps():
    desk = FakeDesk()
    first = (await desk.accounts())[0]
    assert first.explanation is not None
    long = first.explanation.model_copy(update={"sentence": "word " * 200})
    desk.account_rows = [first.model_copy(update={"explanation": long})]
    async with open_desk(desk, area="connections") as driver:
        assert driver.text().count("word") == 3 * 15
        assert "word…" in driver.text()
        assert "u  The credential: update the credentials" in driver.text()
        assert driver.app.screen.query_one(Explanation).size.height == Explanation.MOST


async def test_the_help_keeps_its_columns():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("question_mark", "G")
        [areas] = [row for row in driver.text().splitlines() if "Connections, Problems, Log" in row]
        [rest] = [row for row in driver.text().splitlines() if row.strip(" │▅▂▁").startswith("Activity")]
        assert rest.index("Activity") == areas.index("Connections,")


async def test_a_paused_integration_says_so_though_its_connection_fails():
    desk = FakeDesk()
    rows = await desk.accounts()
    row = next(row for row in rows if row.kind == "integration")
    failing = rows[0].model_copy(
        update={"kind": "integration", "id": row.id, "app": "CRM endpoint", "paused": True}
    )
    desk.account_rows = [failing]
    async with open_desk(desk, area="connections") as driver:
        assert "Connection failure" in driver.text()
        assert "Paused. Jira" in driver.text()
    async with open_desk(desk, area="connections", size=(160, 45)) as driver:
        assert "Connection failure · paused" in driver.text()


async def test_alerts_below_say_whether_they_arrived():
    async with open_desk(FakeDesk(), area="alerts") as driver:
        await driver.press("tab")
        assert "Retrying after 2 tries · timed out" in driver.text()
        await driver.press("t")
        assert any("choose a channel first" in told for told in driver.said)
        await driver.press("enter")
        assert "healthdesk problems show prb_1" in driver.text()


async def test_activity_says_who_did_what():
    desk = FakeDesk()
    async with open_desk(desk, area="activity") as driver:
        told = " ".join(driver.text().split())
        assert "alice resent marked 131 records resent 131," in told
        assert "bob revealed record rec_0" in told
        assert "alice edited connection Evil" in told
        assert "resent 131, filter states failed" in told, "the one under the cursor is told whole"
        await driver.press("slash", "down", "enter")
        assert desk.called("activity_list")[-1] == "alice"
        assert "bob" not in driver.text()


async def test_the_actions_menu_greys_with_the_reason_and_does_what_is_chosen():
    desk = FakeDesk(role=Role.MEMBER)
    async with open_desk(desk, area="problems") as driver:
        await driver.press("full_stop")
        assert isinstance(driver.app.screen, ActionsMenu)
        assert "needs the manager role" in driver.text()
        await driver.press("a")
        assert desk.called("problem_ack") == []
        await driver.press("enter")
        assert isinstance(driver.app.screen, ProblemScreen)


async def test_help_and_palette_are_made_of_the_registry():
    async with open_desk(FakeDesk(), size=LARGE) as driver:
        await driver.press("question_mark")
        assert "Resend All" in driver.text()
        await driver.press("G")
        assert "Awaiting receipt" in driver.text()
        await driver.press("escape", "ctrl+p")
        assert isinstance(driver.app.screen, CommandPalette)
        titles = [command.title for command in driver.app.get_system_commands(driver.app.screen_stack[0])]
        assert "Resend All" in titles
        assert "Problems" in titles


async def test_glyphs_are_letters_where_the_locale_is_not_utf8():
    async with open_desk(FakeDesk(), ascii_only=True, area="connections") as driver:
        for key in "123456":
            await driver.press(key)
            assert driver.text().isascii()
            await driver.press("enter")
            assert driver.text().isascii()
            await driver.press("escape")


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-dark"])
async def test_without_colour_the_cursor_is_still_seen(theme: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_desk(FakeDesk(), theme=theme) as driver:
        strips = driver.app.screen._compositor.render_strips()
        styles = [segment.style for segment in strips[5] if segment.style and segment.text.strip()]
        others = [segment.style for segment in strips[6] if segment.style and "Nov" in segment.text]
        assert all(style.reverse for style in styles)
        assert not any(style.reverse for style in others)
        for style in others:
            assert style.color is None or style.color.is_default or style.color != style.bgcolor


async def test_one_row_is_not_called_rows():
    desk = FakeDesk()
    desk.account_rows = (await desk.accounts())[:1]
    async with open_desk(desk, area="connections") as driver:
        assert driver.line(2).rstrip().endswith(" 1 row")


async def test_a_row_greys_with_the_daemons_reason_and_lets_a_member_with_the_grant_mend_it():
    desk = FakeDesk(role=Role.MEMBER)
    why = "This needs the manager grant on the connection. Ask bob."
    first, second, *rest = await desk.accounts()
    refused = dict.fromkeys(("check", "update_credentials", "put_back", "edit", "disconnect"), why)
    soon = desk.clock.now() + timedelta(minutes=30)
    rows = [
        first.model_copy(update={"refused": {"edit": "It is not yours. Ask bob."}, "previous_until": soon}),
        second.model_copy(update={"refused": refused}),
        rest[0].model_copy(update={"refused": refused, "previous_until": soon}),
    ]
    desk.account_rows = rows
    async with open_desk(desk, area="connections") as driver:
        await driver.press("c")
        assert desk.called("connection_check") == [first.id], "whatever the desk role"
        await driver.press("e")
        assert "Edit connection: It is not yours. Ask bob" in driver.said[-1]
        await driver.press("B")
        assert isinstance(driver.app.screen, Form)
        await driver.press("escape", "j", "c", "u")
        assert "Update credentials: This needs the manager grant" in driver.said[-1]
        await driver.press("j")
        for key in ("c", "u", "B", "e", "D"):
            await driver.press(key)
            assert "This needs the manager grant on the connection. Ask bob" in driver.said[-1], key
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert desk.called("connection_check") == [first.id]
