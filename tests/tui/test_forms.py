"""Forms: enter goes on and saves at the end, and a refusal costs nobody what they typed."""

from __future__ import annotations

import pytest

from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.alerts import AlertsScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import open_desk
from tests.tui.fake_client import FakeDesk

UNKNOWN_SERVICE = ApiRefused(
    "foo:// is no service that Apprise knows", status=400, slug="malformed", fix="did you mean food://?"
)


async def test_enter_goes_through_the_fields_and_saves_after_the_last():
    desk = FakeDesk()
    async with open_desk(desk, area="alerts") as driver:
        await driver.press("n")
        await driver.write("ops")
        await driver.press("enter")
        assert isinstance(driver.app.screen, Form)
        await driver.write("json://host")
        await driver.press("enter")
        assert desk.called("channel_create") == [("ops", "json://host")]


async def test_enter_goes_on_from_a_choice_too_and_passes_what_does_not_apply():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u", "left")
        assert "← none →" in driver.text()
        assert "Token" not in driver.text()
        await driver.press("enter")
        [(_, update)] = desk.called("connection_update_credentials")
        assert update.credentials.auth == "none"


@pytest.mark.parametrize("secret", ["foo://secret-part"])
async def test_a_refused_form_is_there_again_with_the_reason_and_what_was_typed(secret: str):
    desk = FakeDesk()
    desk.refuse_once["channel_create"] = UNKNOWN_SERVICE
    async with open_desk(desk, area="alerts") as driver:
        await driver.press("n")
        await driver.write("ops")
        await driver.press("tab")
        await driver.write(secret)
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, Form)
        told = driver.text()
        assert "foo:// is no service that Apprise knows. Did you mean food://?" in told
        assert "ops" in told
        assert "secret-part" not in told
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, AlertsScreen)
        assert desk.called("channel_create") == [("ops", secret), ("ops", secret)]


async def test_a_refused_connection_keeps_its_choices_and_can_be_left():
    desk = FakeDesk()
    refused = ApiRefused("there is a connection CRM already", status=409, slug="conflict")
    desk.refuse_once["connection_create"] = refused
    async with open_desk(desk, area="connections") as driver:
        await driver.press("n")
        await driver.write("CRM")
        await driver.press("tab")
        await driver.write("https://crm.example")
        await driver.press("tab", "left", "ctrl+s")
        told = driver.text()
        assert "there is a connection CRM already." in told
        assert "← none →" in told
        assert "https://crm.example" in told
        await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert len(desk.called("connection_create")) == 1


async def test_what_the_daemon_would_not_even_read_is_said_in_the_form():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("n")
        await driver.write("C" * 300)
        await driver.press("tab")
        await driver.write("https://crm.example")
        await driver.press("tab", "left", "ctrl+s")
        assert isinstance(driver.app.screen, Form)
        assert "name: string should have at most" in driver.text()
        assert not any("Internal error" in told for told in driver.said)


async def test_notifications_are_asked_for_again_when_the_channel_is_refused():
    desk = FakeDesk()
    desk.rules = []
    desk.refuse_once["channel_create"] = UNKNOWN_SERVICE
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("N", "tab")
        await driver.write("ops")
        await driver.press("tab")
        await driver.write("foo://host")
        await driver.press("ctrl+s")
        assert "Did you mean food://?" in driver.text()
        assert desk.called("rule_create") == []
        await driver.press("ctrl+s")
        assert len(desk.called("rule_create")) == 1
