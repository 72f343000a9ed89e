"""The window of a delivery integration: environments, tabs, and its Actions menu under the documented names."""

from __future__ import annotations

import pytest

from healthdesk.domain.states import CircuitState, Environment, HoldReason, IntegrationState, Role
from healthdesk.tui.actions import actions_of
from healthdesk.tui.delivery_actions import ROW
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.menu import ActionsMenu
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.fake_endpoint import all_methods, an_open_circuit
from tests.tui.fake_jobs import JOB_ID, a_job
from tests.tui.task_desk import NEXT_TAB, fill, open_window, words

DOCUMENTED = ["Testing configuration", "Send sample data", "Add Notifications", "View Logs"]
ACTED = (("C", "Circuit"), ("M", "Delivery method"), ("K", "Keys and secrets"), ("e", "Edit integration"))
"""Actions of one environment: in area 1 they ask of which."""
TO_TESTING = ("shift+tab",)
"""From the table of a tab back to the card of TESTING."""


def window() -> IntegrationScreen:
    return IntegrationScreen("int_crm")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_both_environments_stand_side_by_side_and_testing_is_marked(size: tuple[int, int]):
    async with open_window(DeliveryDesk(), window(), size=size) as driver:
        text = driver.text()
        title = next(row for row in text.splitlines() if "Production" in row)
        assert "TESTING" in title
        endpoint = next(row for row in text.splitlines() if "POST https://crm.acme.io/v2/hra" in row)
        assert "POST https://test.crm.acme.io/v2/hra" in endpoint
        assert "✗ 131" in text
        assert "422 risk_level" in text
        assert "Silent: Sleep." in text
        assert "Sources ⚠ 2/3" in text, "also without colours"


async def test_the_documented_actions_come_first_in_the_menu_of_the_window_and_of_area_one():
    async with open_desk(DeliveryDesk(), area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        for key in ("full_stop", "enter"):
            if key == "enter":
                await driver.press("escape", "enter", "full_stop")
            else:
                await driver.press(key)
            menu = driver.app.screen
            assert isinstance(menu, ActionsMenu)
            offered = [entry.label for entry in menu.entries if not entry.reason]
            assert offered[1:5] == DOCUMENTED


async def test_what_members_may_not_do_is_greyed_with_the_reason():
    desk = DeliveryDesk(role=Role.MEMBER)
    async with open_window(desk, window()) as driver:
        await driver.press("full_stop")
        menu = driver.app.screen
        assert isinstance(menu, ActionsMenu)
        reasons = {entry.label: entry.reason for entry in menu.entries}
        for label in ("Testing configuration", "Send sample data", "Promote to production", "Circuit"):
            assert reasons[label] == "needs the manager role; ask alice, root", label
        assert not reasons["View Logs"]
        await driver.press("escape", "t")
        assert "Send sample data: needs the manager role; ask alice, root" in driver.said
        assert desk.called("sample_plan") == []


async def test_each_tab_opens_what_it_lists():
    async with open_window(DeliveryDesk(), window()) as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, ProblemScreen)
        await driver.press("escape", NEXT_TAB, "enter")
        assert isinstance(driver.app.screen, SourceScreen)
        await driver.press("escape", "l")
        assert isinstance(driver.app.screen, LogScreen)


async def test_keys_act_on_the_environment_whose_card_had_the_focus():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("p")
        assert "Pause Production" in driver.text()
        await driver.press("escape", *TO_TESTING)
        assert "▸ TESTING" in driver.text()
        await driver.press("p")
        assert "Pause TESTING" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("integration_pause") == [("int_crm", Environment.TESTING)]
        assert "Paused: TESTING" in driver.text()
        await driver.press("p")
        assert desk.called("integration_resume") == [("int_crm", Environment.TESTING)]
        await driver.press("o")
        assert isinstance(driver.app.screen, ConnectionScreen)
        assert driver.app.screen.key == "con_test"


async def test_an_open_circuit_is_the_verdict_and_is_probed_or_closed():
    desk = DeliveryDesk()
    desk.change(Environment.PRODUCTION, circuit=an_open_circuit(), hold_reason=HoldReason.CIRCUIT)
    async with open_window(desk, window()) as driver:
        assert "Circuit of Production is open since 13:53" in driver.text()
        assert "9 of 10 attempts were answered 503." in driver.text()
        await driver.press("C")
        assert "Held  3 records" in driver.text()
        await driver.press("escape", "enter")
        assert isinstance(driver.app.screen, ProblemScreen)
        shown = words(driver)
        assert "Circuit of Production State ✗ Circuit open 13:53 · probe 14:0" in shown
        assert "Why 9 of 10 attempts were answered 503." in shown
        assert "Held 3 records wait: its circuit is open" in shown
        await driver.press("escape", "C", "right", "enter")
        assert [(each.environment, each.do) for each in desk.called("integration_circuit")] == [
            (Environment.PRODUCTION, "probe")
        ]


async def test_a_closed_circuit_can_only_be_opened_and_starts_on_cancel():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("C")
        assert "Open it" in driver.text()
        assert "Close it" not in driver.text()
        await driver.press("enter")
        assert desk.called("integration_circuit") == []
        await driver.press("C", "right", "enter")
        assert desk.called("integration_circuit")[0].do == "open"


async def test_the_delivery_tab_shows_mapping_order_and_receipts_of_the_chosen_environment():
    desk = DeliveryDesk()
    desk.change(Environment.TESTING, delivery=all_methods())
    async with open_window(desk, window(), size=LARGE) as driver:
        await driver.press(NEXT_TAB, NEXT_TAB)
        assert "as it was posted, byte for byte" in driver.text()
        await driver.press(*TO_TESTING)
        text = driver.text()
        assert "Delivery of TESTING" in text
        assert "1 rename score -> result.score" in text
        assert "up to 50 in one request" in text
        assert "by participant.id; when one failed the later ones wait" in text
        assert "after 202 within 15m (standard_webhooks), else failed" in text


async def test_a_source_is_enabled_and_its_silence_set():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("O")
        assert "there is no source under the cursor; the Sources tab has them" in " ".join(driver.said)
        await driver.press(NEXT_TAB)
        table = driver.app.screen.query_one("#integration-sources", WindowTable)
        assert table.select("src_diabetes-risk")
        await driver.settle()
        await driver.press(*TO_TESTING, "O")
        [(source, choice)] = desk.called("source_enable")
        assert (source, choice.integration_id, choice.enabled) == ("src_diabetes-risk", "int_crm", True)
        await driver.press("h", "right")
        await fill(driver, "after_s", "2h")
        await driver.press("ctrl+s")
        [(source, silence)] = desk.called("source_silence")
        assert (source, silence.after_s, silence.environment) == (
            "src_diabetes-risk",
            7200,
            Environment.TESTING,
        )


async def test_disabling_a_source_says_what_follows_and_starts_on_cancel():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press(NEXT_TAB, "O")
        assert "Its records are refused from now on." in driver.text()
        await driver.press("enter")
        assert desk.called("source_enable") == []


async def test_area_one_acts_on_an_integration_without_opening_it():
    desk = DeliveryDesk()
    desk.change(Environment.TESTING, state=IntegrationState.PAUSED)
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("X", "right", "enter")
        assert [each.environment for each in desk.called("integration_test")] == [Environment.TESTING]
        await driver.press("escape", "U", "escape")
        assert desk.called("integration_promotion") == ["int_crm"]
        for key, title in ACTED:
            await driver.press(key)
            assert f"{title} · CRM endpoint" in driver.text()
            await driver.press("right", "enter")
            assert f"{title} · CRM endpoint · Production" in driver.text()
            await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        await driver.press("g", "U")
        assert "Promote to production: this is a connection" in " ".join(driver.said)


def test_the_menu_of_its_row_offers_what_the_menu_of_its_window_offers():
    row, there = ({each.label for each in actions_of(name) if each.item} for name in (ROW, "integration"))
    assert there - row == {"Enable or disable", "Silence"}
    assert row - there == {"Check now", "Update credentials"}


async def test_a_job_of_the_integration_is_a_line_that_is_paused_from_here_and_others_are_not_shown():
    desk = DeliveryDesk()
    desk.jobs = [
        a_job(id="job_01JD0000000000000000000002", integration_id="int_other"),
        a_job(),
    ]
    async with open_window(desk, window()) as driver:
        assert "84/131" in driver.text()
        assert "more" not in driver.text()
        await driver.press("shift+tab", "p")
        assert desk.called("job_pause") == [JOB_ID]
        await driver.press("enter")
        assert isinstance(driver.app.screen, JobScreen)
        assert driver.app.screen.key == JOB_ID


@pytest.mark.parametrize("state", [CircuitState.PROBING, CircuitState.RAMPING])
async def test_a_circuit_that_comes_back_is_told_on_the_card(state: CircuitState):
    desk = DeliveryDesk()
    desk.change(
        Environment.PRODUCTION, circuit=an_open_circuit().model_copy(update={"state": state, "step": 2})
    )
    async with open_window(desk, window()) as driver:
        told = "probed with one record" if state is CircuitState.PROBING else "ramps back, step 2"
        assert f"Circuit {told}" in driver.text()
