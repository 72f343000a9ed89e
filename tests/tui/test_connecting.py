"""Adding connections to apps: choosing, the fields they ask for, what is refused, the browser."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.widgets import Input

from healthdesk.api.connections import UNCHECKED_HINT, Connection, ConnectionCreate
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.authorizing import Authorizing
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.widgets.editors import Cycle, TextFile
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.window_table import WindowTable
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk, builtin_apps

TOKEN = "not-a-real-token"
REFUSED = ApiRefused(
    "GitHub was asked first: GitHub refused the token: Bad credentials. Nothing was saved.",
    status=422,
    slug="trial-refused",
    field="credentials",
    fix="make another token",
    blame="credential",
    kind="authentication",
)
OUTAGE = ApiRefused(
    "GitHub was asked first: GitHub answered 503. That says nothing of the credentials. Nothing was saved.",
    status=409,
    slug="trial-impossible",
    fix=f"Try again later. {UNCHECKED_HINT}",
    blame="them",
    kind="server_error",
)


class SlowDesk(FakeDesk):
    """Asks the app for as long as it is not let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def connection_create(self, new: Any) -> Connection:
        await self.may.wait()
        return await super().connection_create(new)


async def choose(driver: Driver, *words: str) -> None:
    """Choose an app by its name, then a method by as many steps down as words follow."""
    await driver.press("n")
    await driver.write(words[0])
    await driver.press("enter", *words[1:])


async def fill(driver: Driver, name: str, text: str) -> None:
    """Type into a field of the form."""
    for editor in driver.app.screen.query(Input):
        if editor.name == name:
            editor.focus()
            await driver.settle()
            await driver.write(text)
            return
    raise AssertionError(f"no field {name}")


def names(driver: Driver) -> list[str]:
    """Return the names of the fields in the form."""
    form = driver.app.screen
    assert isinstance(form, Form)
    return [str(editor.name) for editor in form.query("Input, Cycle") if editor.display]


def wrong(driver: Driver) -> str:
    """Return what the form says is wrong, however its lines break."""
    return str(driver.app.screen.query_one("#wrong", Lines).content)


def created(desk: FakeDesk) -> ConnectionCreate:
    [new] = desk.called("connection_create")
    assert isinstance(new, ConnectionCreate)
    return new


# Choosing


async def test_all_apps_are_in_sight_at_80_by_24_with_the_whole_summary_of_one():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("n")
        shown = driver.text()
        assert len(builtin_apps()) == 20
        for app in builtin_apps():
            assert app.name in shown
        await driver.write("github")
        told = " ".join(driver.text().split())
        assert "collaborators, branch protection, members of organisations." in told
        assert "Jira Cloud" not in told


async def test_words_in_any_order_narrow_the_list_and_nothing_found_chooses_nothing():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await driver.press("n")
        await driver.write("members gitlab")
        table = driver.app.screen.query_one(WindowTable)
        assert [table.window.id_at(index) for index in range(table.window.length)] == ["gitlab"]
        await driver.write("zzz")
        assert "Nothing is called that" in driver.text()
        await driver.press("enter")
        assert isinstance(driver.app.screen, Chooser)


async def test_escape_goes_back_a_step_to_what_was_chosen():
    async with open_desk(FakeDesk(), area="connections") as driver:
        await choose(driver, "gitlab", "down", "enter")
        assert "New connection · GitLab" in driver.text()
        await driver.press("escape")
        assert driver.app.screen.query_one(WindowTable).cursor_id == "oauth"
        await driver.press("escape")
        assert driver.app.screen.query_one(WindowTable).cursor_id == "gitlab"
        await driver.press("escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)


# What is asked for


async def test_a_form_asks_for_what_the_method_asks_for_and_sends_it():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "jira", "enter")
        assert names(driver) == [
            "api_token/site",
            "api_token/email",
            "api_token/api_token",
            "name",
            "base_url",
            "expires_at",
            "callback_secret",
        ]
        await driver.write("acme")
        await fill(driver, "api_token/email", "ops@acme.io")
        await fill(driver, "api_token/api_token", TOKEN)
        await fill(driver, "expires_at", "2027-03-01")
        assert TOKEN not in driver.text()
        await driver.press("ctrl+s")
    new = created(desk)
    assert (new.app, new.credentials.auth, new.name) == ("jira-cloud", "api_token", None)
    given = {key: secret.get_secret_value() for key, secret in new.credentials.fields.items()}
    assert given == {"site": "acme", "email": "ops@acme.io", "api_token": TOKEN}
    assert new.expires_at is not None
    assert new.expires_at.isoformat() == "2027-03-01T00:00:00+00:00"
    assert new.verification.scheme == "none"
    assert not new.unchecked


async def test_every_app_can_be_asked_about_and_is_not_sent_incomplete():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        for app in builtin_apps():
            await driver.press("n")
            chooser = driver.app.screen
            assert isinstance(chooser, Chooser)
            assert chooser.table.select(app.id)
            asks_method = len(app.auth) > 1 and app.id != "http-endpoint"
            await driver.press("enter", *(["enter"] if asks_method else []))
            form = driver.app.screen
            assert isinstance(form, Form), app.id
            labels = [field.label for field in form.fields]
            method = app.auth[0]
            if app.id != "http-endpoint":
                assert all(each.label in labels for each in (*app.fields, *method.fields)), app.id
                signs = app.callbacks is not None and app.callbacks.scheme not in ("none", "asana")
                assert ("Callback secret" in labels) == signs, app.id
            await driver.press("ctrl+s")
            assert ": is needed" in driver.text(), app.id
            assert form.find_widget(form.query_one(".buttons")).visible_region, "the buttons are in sight"
            await driver.press(*["escape"] * (3 if asks_method else 2))
            assert isinstance(driver.app.screen, ConnectionsScreen), app.id
        assert desk.called("connection_create") == []


async def test_the_field_in_focus_says_what_it_is_and_where_to_find_it_with_what_is_known():
    async with open_desk(FakeDesk(), area="connections", size=(160, 45)) as driver:
        await choose(driver, "okta", "enter")
        assert "The host of the organisation, without -admin." in driver.text()
        await driver.write("acme.okta.com")
        assert "Where to find it" not in driver.text()
        await driver.press("tab")
        assert "https://acme.okta.com/admin/access/api/tokens" in driver.text()
        assert "without -admin" not in driver.text()
        await driver.press("ctrl+y")
        assert driver.app.clipboard == "https://acme.okta.com/admin/access/api/tokens"


async def test_what_does_not_fit_is_said_with_the_example_and_nothing_is_sent():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "aws")
        await fill(driver, "settings/region", "Frankfurt")
        await fill(driver, "expires_at", "soon")
        await driver.press("ctrl+s")
        told = driver.text()
        assert "Region: does not look like one, for example eu-central-1" in told
        assert "Access key ID: is needed, for example AKIA…" in told
        assert "Ends on: is a day, written 2027-01-31" in told
        assert desk.called("connection_create") == []


async def test_a_default_is_filled_in_by_the_desk_and_a_choice_is_a_cycle():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "pagerduty", "down", "down", "enter")
        region = next(cycle for cycle in driver.app.screen.query(Cycle) if cycle.name == "app/region")
        assert region.value == "us"
        region.focus()
        await driver.press("right")
        await fill(driver, "settings/from_email", "desk@acme.io")
        await fill(driver, "app/subdomain", "acme")
        await fill(driver, "app/client_id", "id")
        await fill(driver, "app/client_secret", TOKEN)
        await driver.press("ctrl+s")
    new = created(desk)
    assert new.settings == {"from_email": "desk@acme.io"}
    assert new.credentials.fields["region"].get_secret_value() == "eu"


async def test_a_callback_secret_brings_how_the_app_signs():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "hubspot", "enter")
        await fill(driver, "private_app/token", TOKEN)
        await fill(driver, "callback_secret", "client-s3cret")
        await driver.press("ctrl+s")
    new = created(desk)
    assert new.callback_secret is not None
    assert new.verification.scheme == "hmac"
    assert new.verification.header == "X-HubSpot-Signature-v3"
    assert new.verification.signed == "{method}{url}{body}{timestamp}"


# Texts of several lines

KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n"


async def ask_for_a_key(driver: Driver) -> TextFile:
    await choose(driver, "okta", "down", "enter")
    await fill(driver, "settings/domain", "acme.okta.com")
    await fill(driver, "service_app/client_id", "0oa1")
    await fill(driver, "service_app/key_id", "kid")
    return driver.app.screen.query_one(TextFile)


async def test_a_private_key_is_read_from_a_file_of_this_host(tmp_path: Path):
    desk = FakeDesk()
    (tmp_path / "key.pem").write_text(KEY)
    async with open_desk(desk, area="connections") as driver:
        editor = await ask_for_a_key(driver)
        editor.value = str(tmp_path / "missing.pem")
        await driver.press("ctrl+s")
        assert "is no file on this host" in wrong(driver)
        assert desk.called("connection_create") == []
        editor.value = str(tmp_path / "key.pem")
        await driver.press("ctrl+s")
    assert created(desk).credentials.fields["private_key"].get_secret_value() == KEY


async def test_a_pasted_private_key_is_kept_whole_and_not_shown():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        editor = await ask_for_a_key(driver)
        editor.focus()
        editor.post_message(Paste(KEY))
        await driver.settle()
        assert "3 lines pasted, not shown" in driver.text()
        assert "bm90" not in driver.text()
        await driver.press("ctrl+s")
    assert created(desk).credentials.fields["private_key"].get_secret_value() == KEY


async def choose_credential(driver: Driver, auth: str, name: str = "auth") -> None:
    """Step through the kinds of credentials of an HTTP endpoint to this one."""
    [cycle] = [each for each in driver.app.screen.query(Cycle) if each.name == name]
    cycle.focus()
    while cycle.value != auth:
        await driver.press("right")


async def test_an_http_endpoint_takes_a_client_certificate_from_a_file_and_its_key_pasted(tmp_path: Path):
    desk = FakeDesk()
    certificate = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"
    (tmp_path / "desk.pem").write_text(certificate)
    async with open_desk(desk, area="connections", size=(160, 45)) as driver:
        await choose(driver, "http")
        await fill(driver, "name", "Hospital")
        await fill(driver, "base_url", "https://hie.example.org")
        await choose_credential(driver, "mtls")
        await driver.press("ctrl+s")
        assert "Certificate: is needed" in wrong(driver)
        files = {each.name: each for each in driver.app.screen.query(TextFile)}
        files["certificate"].value = str(tmp_path / "desk.pem")
        files["private_key"].post_message(Paste(KEY))
        await driver.settle()
        await driver.press("ctrl+s")
    given = created(desk).credentials
    assert given.auth == "mtls"
    assert {name: text.get_secret_value() for name, text in given.fields.items()} == {
        "certificate": certificate.strip(),
        "private_key": KEY.strip(),
    }
    assert given.token is None


async def test_an_http_endpoint_takes_oauth_client_credentials():
    desk = FakeDesk()
    async with open_desk(desk, area="connections", size=(160, 45)) as driver:
        await choose(driver, "http")
        await fill(driver, "name", "CRM")
        await fill(driver, "base_url", "https://crm.example")
        await choose_credential(driver, "oauth2")
        await fill(driver, "token_endpoint", "https://login.example/token")
        await fill(driver, "client_id", "desk")
        await fill(driver, "client_secret", TOKEN)
        await choose_credential(driver, "client_secret_post", "client_auth")
        await driver.press("ctrl+s")
    given = created(desk).credentials
    assert {name: text.get_secret_value() for name, text in given.fields.items()} == {
        "token_endpoint": "https://login.example/token",
        "client_id": "desk",
        "client_secret": TOKEN,
        "client_auth": "client_secret_post",
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is empty"), (b"\xff\xfe", "is not UTF-8 text"), (b"x" * 70_000, "is too long")],
)
async def test_what_is_no_key_is_not_sent(tmp_path: Path, content: bytes, why: str):
    desk = FakeDesk()
    (tmp_path / "k").write_bytes(content)
    async with open_desk(desk, area="connections", size=(160, 45)) as driver:
        (await ask_for_a_key(driver)).value = str(tmp_path / "k")
        await driver.press("ctrl+s")
        assert why in wrong(driver)
        assert desk.called("connection_create") == []


# The app is asked first


async def test_a_refusal_says_what_the_app_answered_whose_fault_it_is_and_what_to_do():
    desk = FakeDesk()
    desk.refuse_once["connection_create"] = REFUSED
    async with open_desk(desk, area="connections", size=(160, 45)) as driver:
        await choose(driver, "github", "enter")
        await driver.write(TOKEN)
        await fill(driver, "name", "Ours")
        await driver.press("ctrl+s")
        told = wrong(driver)
        assert "GitHub refused the token: Bad credentials. Nothing was saved." in told
        assert "At fault: the credential" in told
        assert "What to do: Make another token." in told
        assert "Save anyway" not in driver.text()
        focused = driver.app.screen.focused
        assert isinstance(focused, Input)
        assert (focused.name, focused.value) == ("token/token", TOKEN)
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert [new.name for new in desk.called("connection_create")] == ["Ours", "Ours"]


async def test_what_cannot_be_tried_can_be_saved_anyway():
    desk = FakeDesk()
    desk.refuse_once["connection_create"] = OUTAGE
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "github", "enter")
        await driver.write(TOKEN)
        await driver.press("ctrl+s")
        told = driver.text()
        assert "At fault: them" in told
        assert "--unchecked" not in told, "there is a button for it"
        driver.app.screen.query_one("#choice-unchecked").focus()
        await driver.press("enter")
        tried, saved = desk.called("connection_create")
        assert (tried.unchecked, saved.unchecked) == (False, True)
        assert saved.credentials == tried.credentials
        assert isinstance(driver.app.screen, ConnectionsScreen)


async def test_while_the_app_is_asked_the_form_says_so_and_sends_nothing_twice():
    desk = SlowDesk()
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "github", "enter")
        await driver.write(TOKEN)
        await driver.press("ctrl+s", "ctrl+s")
        assert "Trying… GitHub is asked before anything is saved." in driver.text()
        desk.may.set()
        await driver.settle()
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert len(desk.called("connection_create")) == 1
        assert driver.app.screen.query_one(WindowTable).cursor_id == "connection:con_new"


@pytest.mark.parametrize("refused", [False, True])
async def test_a_form_that_is_left_while_the_app_is_asked_tells_what_became_of_it(refused: bool):
    desk = SlowDesk()
    if refused:
        desk.refuse_once["connection_create"] = REFUSED
    async with open_desk(desk, area="connections") as driver:
        await choose(driver, "github", "enter")
        await driver.write(TOKEN)
        await driver.press("ctrl+s", "escape")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert driver.said == []
        desk.may.set()
        await driver.settle()
        expected = "Bad credentials. Nothing was saved." if refused else "CRM: Connected."
        assert expected in driver.said[0]


# In a browser


async def authorize(driver: Driver) -> Authorizing:
    await choose(driver, "github", "down", "enter")
    await driver.write("desk-id")
    await fill(driver, "oauth/client_secret", TOKEN)
    await driver.press("ctrl+s")
    assert isinstance(driver.app.screen, Authorizing)
    return driver.app.screen


async def look(driver: Driver, desk: FakeDesk) -> None:
    """Let the time pass after which the daemon is asked again."""
    desk.clock.release()
    await driver.settle()


async def test_an_app_that_needs_a_browser_is_connected_once_it_was_granted_there():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await authorize(driver)
        [begun] = desk.called("authorization_begin")
        assert (begun.app, begun.auth, begun.connection) == ("github", "oauth", None)
        assert begun.fields["client_secret"].get_secret_value() == TOKEN
        shown = driver.text()
        assert "https://desk.acme.io/v1/oauth/callback" in shown
        assert "Waiting until it is granted · 10:00 left" in shown
        await look(driver, desk)
        assert isinstance(driver.app.screen, Authorizing)
        desk.authorization_status = "granted"
        await look(driver, desk)
        assert isinstance(driver.app.screen, ConnectionsScreen)
    new = created(desk)
    assert (new.authorization, new.credentials.fields) == ("aut_1", {})


async def test_the_address_is_copied_whole_and_stands_on_a_page_of_its_own():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        box = await authorize(driver)
        await driver.press("y")
        assert driver.app.clipboard == box.authorization.url
        assert isinstance(driver.app.screen, CopyPage)
        desk.authorization_status = "granted"
        await look(driver, desk)
        assert isinstance(driver.app.screen, ConnectionsScreen), "granted while the page was up"
        assert created(desk).authorization == "aut_1"


async def test_the_time_that_is_left_is_counted_down():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await authorize(driver)
        desk.clock.time += timedelta(seconds=61)
        await look(driver, desk)
        assert "8:59 left" in driver.text()


@pytest.mark.parametrize(
    ("status", "told"), [("refused", "✗ Refused: GitHub said access_denied."), ("expired", "✗ Expired.")]
)
async def test_what_was_not_granted_says_why_and_can_be_begun_again(status: str, told: str):
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await authorize(driver)
        desk.authorization_status = status
        await look(driver, desk)
        assert told in driver.text()
        assert desk.called("connection_create") == []
        await driver.press("escape", "ctrl+s")
        assert isinstance(driver.app.screen, Authorizing)
        first, again = desk.called("authorization_begin")
        assert again == first, "all that was typed is there again"


async def test_a_daemon_that_does_not_answer_meanwhile_is_asked_again():
    desk = FakeDesk()
    async with open_desk(desk, area="connections") as driver:
        await authorize(driver)
        desk.refuse_once["authorization"] = ApiRefused("the database is busy", status=503, slug="x")
        await look(driver, desk)
        assert "the database is busy; it is asked again." in driver.text()
        desk.authorization_status = "granted"
        await look(driver, desk)
        assert len(desk.called("connection_create")) == 1


async def test_what_was_granted_but_does_not_work_can_be_tried_again_or_saved_anyway():
    desk = FakeDesk()
    desk.refuse_once["connection_create"] = OUTAGE
    async with open_desk(desk, area="connections") as driver:
        await authorize(driver)
        desk.authorization_status = "granted"
        await look(driver, desk)
        assert "GitHub answered 503" in driver.text()
        driver.app.screen.query_one("#choice-unchecked").focus()
        await driver.press("enter")
        tried, saved = desk.called("connection_create")
        assert (tried.authorization, tried.unchecked) == ("aut_1", False)
        assert (saved.authorization, saved.unchecked) == ("aut_1", True)
