"""Send sample data: which sources, which environment, what is skipped and why, production's question, the job."""

from __future__ import annotations

import pytest

from healthdesk.domain.states import Environment, IntegrationState
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.samples import SampleDialog
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui import fake_delivery
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.task_desk import NEXT_TAB, open_window, words


def window() -> IntegrationScreen:
    return IntegrationScreen("int_crm")


async def test_all_sources_go_to_testing_first_and_the_skipped_one_is_named_with_the_reason():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("t")
        text = words(driver)
        assert "Environment ← TESTING →" in text
        assert "Heart health 3 low, moderate, high" in text
        assert "Diabetes risk 0 skipped: not enabled for CRM endpoint" in text
        assert "4 samples of all sources, 1 skipped, to TESTING" in text
        assert "question answers and calculated outputs may" in text
        assert "not match real submissions." in text
        await driver.press("enter")
        [sent] = desk.called("sample_send")
        assert (sent.environment, sent.sources, sent.confirm) == (Environment.TESTING, [], "")
        assert isinstance(driver.app.screen, JobScreen)


async def test_a_longer_warning_and_many_sources_leave_the_buttons_in_sight(monkeypatch: pytest.MonkeyPatch):
    unmarked = " Nothing at Salesforce marks them: a field that the mapping sets to {sample} can."
    monkeypatch.setattr(fake_delivery, "WARNING", fake_delivery.WARNING + unmarked)
    desk = DeliveryDesk()
    desk.sources = [desk.sources[0].model_copy(update={"id": f"s{n}", "key": f"k{n}"}) for n in range(40)]
    async with open_window(desk, window()) as driver:
        await driver.press("t")
        assert "sets to {sample} can." in words(driver)
        assert "Cancel Send sample data" in words(driver)


async def test_only_what_is_picked_is_sent():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("t", "space")
        assert "3 samples of 1 source, to TESTING" in words(driver)
        await driver.press("enter")
        assert desk.called("sample_send")[0].sources == ["heart-health"]


async def test_production_asks_once_more_and_starts_on_cancel():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("t", "right")
        assert "4 samples of all sources, 1 skipped, to Production" in words(driver)
        await driver.press("enter")
        assert "4 samples go to PRODUCTION: https://crm.acme.io/v2/hra" in words(driver)
        await driver.press("enter")
        assert desk.called("sample_send") == []
        await driver.press("t", "right", "enter", "right", "enter")
        [sent] = desk.called("sample_send")
        assert (sent.environment, sent.confirm) == (Environment.PRODUCTION, "CRM endpoint")


async def test_nothing_is_sent_where_all_are_skipped_and_it_says_why():
    desk = DeliveryDesk()
    desk.change(Environment.TESTING, state=IntegrationState.PAUSED)
    async with open_window(desk, window()) as driver:
        await driver.press("t")
        assert "Nothing is sent: testing is paused." in words(driver)
        await driver.press("enter")
        assert isinstance(driver.app.screen, SampleDialog)
        assert desk.called("sample_send") == []


async def test_the_source_under_the_cursor_is_picked_already():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press(NEXT_TAB)
        assert driver.app.screen.query_one("#integration-sources", WindowTable).select("src_sleep")
        await driver.settle()
        await driver.press("t", "enter")
        assert desk.called("sample_send")[0].sources == ["sleep"]


async def test_an_environment_that_cannot_be_planned_says_why_and_sends_nothing():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("t")
        desk.refuse_once["sample_plan"] = ApiRefused("the desk is read only", status=503, slug="read-only")
        await driver.press("right", "enter")
        assert "the desk is read only." in words(driver)
        assert isinstance(driver.app.screen, SampleDialog)
        await driver.press("escape")
        assert desk.called("sample_send") == []


@pytest.mark.parametrize("missing", list(Environment))
async def test_an_environment_that_is_not_set_up_is_not_offered(missing: Environment):
    desk = DeliveryDesk()
    desk.without(missing)
    async with open_window(desk, window()) as driver:
        await driver.press("t", "right")
        dialog = driver.app.screen
        assert isinstance(dialog, SampleDialog)
        assert [value for value, _ in dialog.environment.options] == [
            each.value for each in Environment if each is not missing
        ]
        assert len(desk.called("sample_plan")) == 1


async def test_the_log_sends_samples_through_the_integration_of_its_filter():
    desk = DeliveryDesk()
    async with open_desk(desk, area="log") as driver:
        await driver.press("t")
        assert "no integration is chosen; / has one under To" in " ".join(driver.said)
        driver.app.show_log({"integration": "int_crm"}, {"integration": "CRM endpoint"})
        await driver.settle()
        await driver.press("t", "enter")
        assert desk.called("sample_send")[0].integration_id == "int_crm"


async def test_the_key_works_in_area_one():
    desk = DeliveryDesk()

    async def send(driver: Driver) -> None:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("t", "enter")

    async with open_desk(desk, area="connections") as driver:
        await send(driver)
        assert desk.called("sample_send")[0].integration_id == "int_crm"
        assert isinstance(driver.app.screen, JobScreen)
        await driver.press("l")
        assert desk.called("records_list")[-1][0].job_id == "job_00000000000000000000000001"
