"""The ledger of a period: states with reasons, whether they balance, and the way to the records."""

from __future__ import annotations

from datetime import timedelta

from healthdesk.domain.states import Environment, ErrorKind, RecordState
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.log import LogScreen
from tests.tui.desk import LARGE, open_desk
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.fake_endpoint import a_ledger
from tests.tui.fake_health import NOW
from tests.tui.task_desk import open_window, words


async def test_every_state_has_its_reason_and_samples_are_apart():
    async with open_window(DeliveryDesk(), LedgerScreen()) as driver:
        text = words(driver)
        assert "✓ Balanced. 4,131 records accepted since 15 Nov 14:05 UTC, 4 of them samples." in text
        assert "✗ CRM endpoint Production Failed missing field 127" in text
        assert "✓ ~ CRM endpoint TESTING Delivered – 4" in text


async def test_a_ledger_that_does_not_balance_says_by_how_much():
    desk = DeliveryDesk()
    desk.told_ledger = a_ledger(balanced=False)
    async with open_window(desk, LedgerScreen(), size=LARGE) as driver:
        assert "✗ Not balanced: 4,137 accepted, 4,131 counted." in driver.text()
        assert "4,124 ✗ of 4,130 accepted" in words(driver)


async def test_enter_shows_the_records_of_a_line_in_the_log():
    desk = DeliveryDesk()
    async with open_window(desk, LedgerScreen()) as driver:
        await driver.press("enter")
        assert isinstance(driver.app.screen, LogScreen)
        asked = desk.called("records_list")[-1][0]
        assert (asked.integration_id, asked.environment) == ("int_crm", Environment.PRODUCTION)
        assert asked.states == [RecordState.FAILED]
        assert asked.error_kinds == [ErrorKind.MISSING_FIELD]
        assert asked.sample is False
        assert asked.arrived_from == NOW - timedelta(days=7)


async def test_the_period_and_the_environment_are_chosen():
    desk = DeliveryDesk()
    async with open_window(desk, LedgerScreen()) as driver:
        assert desk.called("ledger")[-1].arrived_from == NOW - timedelta(days=7)
        await driver.press("slash", "down")
        assert desk.called("ledger")[-1].arrived_from == NOW - timedelta(days=1)
        await driver.press("right", "right", "down")
        assert desk.called("ledger")[-1].environment is Environment.PRODUCTION
        await driver.press("left", "down")
        assert desk.called("ledger")[-1].integration_id == "int_crm"


async def test_of_all_times_the_totals_are_shown():
    desk = DeliveryDesk()
    desk.told_ledger = a_ledger().model_copy(update={"lines": [], "arrived_from": None})
    async with open_window(desk, LedgerScreen()) as driver:
        await driver.press("slash", "up", "up")
        assert desk.called("ledger")[-1].arrived_from is None
        assert "✗ CRM endpoint Production Failed – 131" in words(driver)


async def test_the_window_of_an_integration_opens_its_own_and_area_one_that_of_all():
    desk = DeliveryDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("b")
        assert desk.called("ledger")[-1].integration_id is None
        await driver.press("escape")
        await driver.app.push_screen(IntegrationScreen("int_crm"))
        await driver.settle()
        await driver.press("b")
        assert desk.called("ledger")[-1].integration_id == "int_crm"
        assert "To CRM endpoint" in driver.text()
