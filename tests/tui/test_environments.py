"""Before launch: testing configuration and its test, promotion, the delivery method, keys and secrets."""

from __future__ import annotations

import pytest

from healthdesk.api.delivery import CircuitSettings, ReceiptSettings
from healthdesk.domain.states import CallbackScheme, Environment
from healthdesk.tui.flows.delivery_fields import RECEIPT_SCHEMES
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.widgets.editors import Cycle
from tests.tui.desk import LARGE
from tests.tui.fake_client import builtin_apps
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.fake_endpoint import all_methods
from tests.tui.task_desk import fill, open_window, words, wrong

TO_TESTING = ("shift+tab",)
"""From the table of a tab back to the card of TESTING."""


def window() -> IntegrationScreen:
    return IntegrationScreen("int_crm")


async def test_testing_configuration_makes_the_environment_shows_its_secret_once_and_tests_it():
    desk = DeliveryDesk()
    desk.without(Environment.TESTING)
    async with open_window(desk, window()) as driver:
        assert "Not set up yet." in driver.text()
        await driver.press("E")
        assert "Testing configuration · CRM endpoint · TESTING" in driver.text()
        [cycle] = [each for each in driver.app.screen.query(Cycle) if each.name == "connection_id"]
        assert cycle.value == "new", "what it tries reaches no system of production unless one is chosen"
        cycle.focus()
        await driver.press("right")
        await fill(driver, "path", "/v3/hra")
        await fill(driver, "rate_per_s", "5")
        await driver.press("ctrl+s")
        edit = desk.called("integration_edit")[0].testing
        assert (edit.path, edit.rate_per_s, edit.connection_id) == ("/v3/hra", 5, "con_jira")
        assert desk.called("integration_edit")[0].production is None
        assert "whsec_shown-this-once" in driver.text()
        await driver.press("escape")
        assert "TESTING is saved." in driver.text()
        await driver.press("right", "enter")
        assert [each.environment for each in desk.called("integration_test")][-1] is Environment.TESTING
        assert "The endpoint took the probe: 200 in 41 ms." in driver.text()


async def test_only_what_was_changed_of_an_environment_is_sent():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("e")
        await fill(driver, "name", "CRM")
        await fill(driver, "rate_per_s", "")
        await driver.press("ctrl+s")
        [changes] = desk.called("integration_edit")
        assert changes.model_dump(exclude_unset=True) == {"name": "CRM", "production": {"rate_per_s": None}}


@pytest.mark.parametrize(("steps", "method"), [(3, "GET"), (4, "DELETE")])
async def test_methods_without_a_body_are_offered_with_what_they_need(steps: int, method: str):
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("e")
        [cycle] = [each for each in driver.app.screen.query(Cycle) if each.name == "method"]
        cycle.focus()
        await driver.settle()
        assert "It has no body" not in driver.text()
        await driver.press(*["right"] * steps)
        assert "It has no body: the path has to name what of the record is meant." in driver.text()
        await driver.press("ctrl+s")
        [changes] = desk.called("integration_edit")
        assert changes.model_dump(exclude_unset=True) == {"production": {"method": method}}


async def test_what_is_wrong_with_an_environment_is_said_in_the_form():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("e")
        await fill(driver, "timeout_s", "soon")
        await fill(driver, "path", "v2")
        await driver.press("ctrl+s")
        assert "Timeout, seconds: is a number" in wrong(driver)
        assert "Path: begins with /" in wrong(driver)
        assert desk.called("integration_edit") == []


async def test_a_probe_that_fails_says_whose_fault_and_what_to_do():
    desk = DeliveryDesk()
    desk.probe_ok = False
    async with open_window(desk, window()) as driver:
        await driver.press(*TO_TESTING, "X")
        text = words(driver)
        assert "The endpoint refused the credential (401 Unauthorized)." in text
        assert "Next update the credentials" in text
        assert "no record was made" in text
        assert "healthdesk-probe: true" in text
        await driver.press("escape")
        assert "TESTING of CRM endpoint: the test failed." in driver.said
        await driver.press("shift+tab", "X")
        assert "Test PRODUCTION of CRM endpoint" in words(driver)
        await driver.press("enter")
        assert len(desk.called("integration_test")) == 1, "it starts on Cancel"
        await driver.press("X", "right", "enter")
        assert desk.called("integration_test")[1].confirm == "CRM endpoint"


async def test_promotion_shows_the_difference_and_confirms_what_was_shown():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("U")
        text = words(driver)
        assert "path: + /v3/hra - /v2/hra" in text
        assert 'batch: + {"size": 50}' in text
        assert "- none" in text
        assert "connection stays: each environment keeps its own connection" in text
        await driver.press("enter")
        assert desk.called("integration_promote") == []
        await driver.press("U", "right", "enter")
        assert [each.version for each in desk.called("integration_promote")] == ["v2"]


async def test_a_production_that_is_not_there_asks_for_its_connection():
    desk = DeliveryDesk()
    desk.without(Environment.PRODUCTION)
    desk.creates = True
    async with open_window(desk, window()) as driver:
        await driver.press("U", "enter")
        assert "it is made as TESTING is" in driver.text()
        await driver.press("right", "enter")
        [new] = desk.called("integration_promote")
        assert new.connection_id == "con_jira"


async def test_promotion_without_testing_is_refused_with_what_helps():
    desk = DeliveryDesk()
    desk.without(Environment.TESTING)
    async with open_window(desk, window()) as driver:
        await driver.press("U")
        assert "Promote to production: there is no testing environment; E sets it up" in driver.said


async def test_the_delivery_method_is_changed_and_what_the_form_does_not_ask_stays():
    desk = DeliveryDesk()
    receipt = ReceiptSettings(deadline_s=1234567.5, scheme="github")
    kept = {"receipt": receipt, "circuit": CircuitSettings(open_s=59.5)}
    desk.change(Environment.PRODUCTION, delivery=all_methods().model_copy(update=kept))
    async with open_window(desk, window(), size=LARGE) as driver:
        await driver.press("M")
        await fill(driver, "refused", " fault.text ")
        await fill(driver, "size", "25")
        await fill(driver, "result_error", "message")
        await fill(driver, "receipt_status", "outcome.state")
        await fill(driver, "receipt_delivered", "done, sent")
        await fill(driver, "receipt_statuses", "later")
        await driver.press("ctrl+s")
        assert "after the answers: input should be a valid integer" in wrong(driver)
        await fill(driver, "receipt_statuses", "202")
        await driver.press("ctrl+s")
        [changes] = desk.called("integration_edit")
        method = changes.production.delivery
        assert (method.refused, method.batch.size) == ("fault.text", 25)
        assert (method.batch.results, method.batch.result_error) == ("results", "message")
        assert (method.receipt.status, method.receipt.delivered) == ("outcome.state", ["done", "sent"])
        assert method.receipt.failed == ReceiptSettings().failed
        assert method.mapping == all_methods().mapping
        assert method.receipt.statuses == [202]
        assert (method.receipt.scheme, method.receipt.deadline_s) == ("github", 1234567.5)
        assert method.circuit.open_s == 59.5
        assert {each for each, _ in RECEIPT_SCHEMES} == set(CallbackScheme) - {"none"}
        assert Cycle([("a", "A")], "older", ascii_only=False, name="kept").value == "older"
        assert changes.testing is None


async def test_a_mapping_that_cannot_be_read_is_told_by_its_line():
    desk = DeliveryDesk()
    async with open_window(desk, window(), size=LARGE) as driver:
        await driver.press("M", "tab")
        await driver.write("move a b")
        await driver.press("ctrl+s")
        assert "line 1: a step begins with set, default, rename, format, remove" in wrong(driver)
        assert desk.called("integration_edit") == []


async def test_a_new_key_is_shown_once():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press(*TO_TESTING, "K")
        assert "No key yet" in driver.text()
        await driver.press("ctrl+s")
        assert "hdk_shown-this-once" in driver.text()
        [new] = desk.called("integration_key_create")
        assert new.environment is Environment.TESTING
        await driver.press("escape")
        assert "hdk_shown-this-once" not in driver.text()


async def test_the_secret_that_an_endpoint_made_for_its_receipts_is_kept_and_not_shown_while_typed():
    desk = DeliveryDesk()
    async with open_window(desk, window()) as driver:
        await driver.press("K", "right", "right")
        await fill(driver, "secret", "theirs")
        assert "theirs" not in driver.text()
        await driver.press("ctrl+s")
        [new] = desk.called("integration_receipt_secret_create")
        assert new.secret.get_secret_value() == "theirs"
        assert desk.called("integration_key_create") == []


async def test_an_operation_of_the_app_is_chosen_with_its_inputs():
    desk = DeliveryDesk()
    crm = next(each for each in builtin_apps() if each.delivery)
    desk.changed = {"app": crm.id}
    name, operation = next(iter(crm.delivery.items()))
    async with open_window(desk, window(), size=LARGE) as driver:
        await driver.press("M", "right")
        assert operation.name in driver.text()
        wanted = {}
        for asked in operation.fields:
            if asked.required and not asked.options:
                wanted[asked.key] = "Contact"
                await fill(driver, f"{name}/{asked.key}", "Contact")
        await driver.press("ctrl+s")
        method = desk.called("integration_edit")[0].production.delivery
        assert method.operation == name
        assert wanted.items() <= method.inputs.items()
