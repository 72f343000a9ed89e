"""Forms: enter goes on and saves at the end, and a refusal costs nobody what they typed."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.alerts import AlertsScreen
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.widgets.editors import Cycle
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk

UNKNOWN_SERVICE = ApiRefused(
    "foo:// is no service that Apprise knows",
    status=400,
    slug="channel",
    field="url",
    fix="did you mean food://?",
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
        assert focused(driver) == "url"
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, AlertsScreen)
        assert desk.called("channel_create") == [("ops", secret), ("ops", secret)]


async def new_endpoint(driver: Driver) -> None:
    """Ask for a new connection to an HTTP endpoint."""
    await driver.press("n")
    await driver.write("http")
    await driver.press("enter")


def focused(driver: Driver) -> str:
    """Return the name of the field that has the focus; what is typed goes there."""
    editor = driver.app.screen.focused
    assert isinstance(editor, Input | Cycle)
    return editor.name or ""


AT_FAULT = {
    "base_url": "base_url",
    "credentials.token": "token",
    "heartbeat.path": "path",
    "verification.scheme": "scheme",
    "credentials.password": "name",  # asked for with another kind of credential
    "": "name",
}


async def test_a_refused_form_begins_at_the_field_at_fault():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await new_endpoint(driver)
        await driver.write("CRM")
        await driver.press("tab")
        await driver.write("https://crm.example")
        await driver.press("tab", "tab")
        await driver.write("secret")
        for at_fault, expected in AT_FAULT.items():
            desk.refuse_once["connection_create"] = ApiRefused(
                "Not so.", status=400, slug="malformed", field=at_fault
            )
            await driver.press("ctrl+s")
            form = driver.app.screen
            assert isinstance(form, Form)
            assert form.refusal == "Not so."
            assert focused(driver) == expected
            assert form.find_widget(form.focused).visible_region, "it is in sight"
            marked = [editor.name for editor in form.query(".-invalid")]
            assert marked == ([expected] if expected in at_fault else [])


async def test_a_refused_connection_keeps_its_choices_and_can_be_left():
    desk = FakeDesk()
    refused = ApiRefused("there is a connection CRM already", status=409, slug="conflict")
    desk.refuse_once["connection_create"] = refused
    async with open_desk(desk, area="connections") as driver:
        await new_endpoint(driver)
        await driver.write("CRM")
        await driver.press("tab")
        await driver.write("https://crm.example")
        await driver.press("tab", "left", "ctrl+s")
        told = driver.text()
        assert "there is a connection CRM already." in told
        assert "← none →" in told
        assert "https://crm.example" in told
        await driver.press("escape")
        assert isinstance(driver.app.screen, Chooser), "a step back"
        await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert len(desk.called("connection_create")) == 1


async def test_what_the_daemon_would_not_even_read_is_said_in_the_form():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await new_endpoint(driver)
        await driver.write("C" * 300)
        await driver.press("tab")
        await driver.write("https://crm.example")
        await driver.press("tab", "left", "ctrl+s")
        assert isinstance(driver.app.screen, Form)
        assert "name: string should have at most" in driver.text()
        assert focused(driver) == "name"
        assert not any("Internal error" in told for told in driver.said)


async def test_notifications_are_asked_for_again_when_the_channel_is_refused():
    desk = FakeDesk()
    desk.rules = []
    desk.refuse_once["channel_create"] = UNKNOWN_SERVICE
    async with open_desk(desk, area="connections") as driver:
        assert driver.app.screen.query_one(WindowTable).select("integration:int_crm")
        await driver.settle()
        await driver.press("N", "tab", "tab", "right", "tab")
        await driver.write("ops")
        await driver.press("tab")
        await driver.write("foo://host")
        await driver.press("ctrl+s")
        assert "Did you mean food://?" in driver.text()
        assert desk.called("rule_create") == []
        await driver.press("ctrl+s")
        assert len(desk.called("rule_create")) == 1
