"""Replacing credentials, putting the old ones back, and editing connections to apps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input

from healthdesk.api.accounts import AccountRow
from healthdesk.api.connections import (
    UNCHECKED_HINT,
    CallbackVerification,
    Connection,
    CredentialsUpdated,
    IdentityChange,
    Rerun,
)
from healthdesk.domain.states import ConnectionState
from healthdesk.errors import ApiRefused
from healthdesk.tui.actions import action_of
from healthdesk.tui.screens.authorizing import Authorizing
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.widgets.editors import Cycle
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_log import NOW

TOKEN = "not-a-real-token"
CHANGED = ApiRefused(
    "These credentials work, but they are not those of Ours. Nothing was changed.",
    status=409,
    slug="identity-changed",
    fix="to use them all the same: --yes",
    changes=[
        {"what": "account", "before": "octocat (583231)", "after": "hubot (480938)", "sentence": "Another."},
        {
            "what": "scopes",
            "before": "repo, read:org",
            "after": "read:org",
            "sentence": "It may not do: repo.",
        },
    ],
)
OUTAGE = ApiRefused(
    "GitHub was asked first: GitHub answered 503. Nothing was saved.",
    status=409,
    slug="trial-impossible",
    fix=f"Try again later. {UNCHECKED_HINT}",
    blame="them",
    kind="server_error",
)


class AppDesk(FakeDesk):
    """Its only connection is one to an app; `shape` is what is different about it."""

    def __init__(self, app: str = "github", app_name: str = "GitHub", **shape: Any) -> None:
        super().__init__()
        self.shape = {
            "app": app,
            "app_name": app_name,
            "name": "Ours",
            "auth": "token",
            "base_url": "https://api.github.com",
            "heartbeat": None,
            **shape,
        }
        self.account_rows = [
            AccountRow(
                kind="connection",
                id="con_1",
                app=app_name,
                account="octocat",
                state=ConnectionState.CONNECTED,
                state_word="Connected",
                previous_until=shape.get("previous_until"),
            )
        ]

    def _connection(self, connection_id: str) -> Connection:
        return super()._connection(connection_id).model_copy(update=self.shape)

    async def connection_put_back(self, connection_id: str, choice: Any) -> CredentialsUpdated:
        await super().connection_put_back(connection_id, choice)
        return CredentialsUpdated(**self._connection(connection_id).model_dump())


async def type_into(driver: Driver, name: str, text: str) -> None:
    """Replace what is in a field of the form."""
    editor = next(editor for editor in driver.app.screen.query(Input) if editor.name == name)
    editor.focus()
    editor.value = ""
    await driver.settle()
    await driver.write(text)


def cycle(driver: Driver, name: str) -> Cycle:
    return next(each for each in driver.app.screen.query(Cycle) if each.name == name)


def sent(desk: FakeDesk) -> list[Any]:
    return [update for _, update in desk.called("connection_update_credentials")]


# New credentials


async def test_only_the_fields_of_the_method_in_use_are_asked_for_and_sent():
    desk = AppDesk()
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        assert "Personal access token" in driver.text()
        assert "Client secret" not in driver.text()
        await type_into(driver, "token/token", TOKEN)
        await type_into(driver, "expires_at", "2027-03-01")
        await driver.press("ctrl+s")
    [update] = sent(desk)
    assert update.credentials.auth == "token"
    assert {key: each.get_secret_value() for key, each in update.credentials.fields.items()} == {
        "token": TOKEN
    }
    assert update.expires_at.isoformat() == "2027-03-01T00:00:00+00:00"
    assert (update.accept_changes, update.unchecked) == (False, False)


async def test_other_credentials_are_shown_beside_the_old_and_cancel_changes_nothing():
    desk = AppDesk()
    desk.refuse_once["connection_update_credentials"] = CHANGED
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "token/token", TOKEN)
        await driver.press("ctrl+s")
        assert isinstance(driver.app.screen, Question)
        side_by_side = next(item for item in driver.text().splitlines() if "hubot" in item)
        assert side_by_side.index("octocat (583231)") < side_by_side.index("hubot (480938)")
        assert "It may not do: repo." in driver.text()
        await driver.press("enter")
        form = driver.app.screen
        assert isinstance(form, Form)
        assert "Nothing was changed: the old credentials stay in use." in driver.text()
        assert form.values["token/token"] == TOKEN
        assert len(sent(desk)) == 1


async def test_other_credentials_that_are_meant_are_put_in_use():
    desk = AppDesk()
    desk.refuse_once["connection_update_credentials"] = CHANGED
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "token/token", TOKEN)
        await driver.press("ctrl+s", "right", "enter")
        assert isinstance(driver.app.screen, ConnectionsScreen)
    first, again = sent(desk)
    assert (first.accept_changes, again.accept_changes) == (False, True)
    assert again.credentials == first.credentials


async def test_what_cannot_be_tried_can_be_put_in_use_anyway():
    desk = AppDesk()
    desk.refuse_once["connection_update_credentials"] = OUTAGE
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "token/token", TOKEN)
        await driver.press("ctrl+s")
        driver.app.screen.query_one("#choice-unchecked").focus()
        await driver.press("enter")
    assert [update.unchecked for update in sent(desk)] == [False, True]


async def test_records_that_failed_because_of_the_old_ones_are_resent_by_a_key():
    desk = AppDesk()
    desk.updated = {
        "rerun": Rerun(
            failed=12, problem_ids=["prb_2"], sentence="12 records failed because of the credentials before."
        ),
        "previous_until": NOW + timedelta(hours=1),
        "changes": [
            IdentityChange(what="scopes", before="a", after="a, b", sentence="The credential may also do b.")
        ],
    }
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "token/token", TOKEN)
        await driver.press("ctrl+s")
        told = driver.text()
        assert "12 records failed because of the credentials before." in told
        assert "The credential may also do b." in told
        assert "can be put back until" in told
        await driver.press("S")
        [(chosen, _, _)] = desk.called("job_plan")
        assert chosen.problem_id == "prb_2"
        assert isinstance(driver.app.screen, Question)
        await driver.press("right", "enter")
        assert len(desk.called("job_create")) == 1


async def test_closing_the_offer_resends_nothing():
    desk = AppDesk()
    desk.updated = {"rerun": Rerun(failed=12, problem_ids=["prb_2"], sentence="12 records failed.")}
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "token/token", TOKEN)
        await driver.press("ctrl+s", "enter")
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert desk.called("job_plan") == []


async def test_a_browser_can_grant_new_credentials_with_the_client_the_connection_has():
    desk = AppDesk(auth="oauth")
    desk.refuse_once["connection_update_credentials"] = CHANGED
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u", "ctrl+s")
        assert isinstance(driver.app.screen, Authorizing)
        [begun] = desk.called("authorization_begin")
        assert (begun.connection, begun.auth, begun.fields, begun.settings) == ("con_1", "oauth", {}, {})
        desk.authorization_status = "granted"
        desk.clock.release()
        await driver.settle()
        assert isinstance(driver.app.screen, Question), "what was granted is another account's"
        await driver.press("right", "enter")
    assert [(update.authorization, update.accept_changes) for update in sent(desk)] == [
        ("aut_1", False),
        ("aut_1", True),
    ]


async def test_a_half_filled_client_is_not_sent():
    desk = AppDesk(auth="oauth")
    async with open_desk(desk, area="connections") as driver:
        await driver.press("u")
        await type_into(driver, "oauth/client_id", "other")
        await driver.press("ctrl+s")
        assert "Client secret: is needed" in driver.text()
        assert desk.called("authorization_begin") == []


async def test_a_connection_whose_connector_is_gone_says_so():
    desk = AppDesk(app="gone", app_name="Gone")
    async with open_desk(desk, area="connections") as driver:
        for pressed in ("u", "e"):
            await driver.press(pressed)
            assert "the desk has no connector of Gone any more" in driver.said[0]
            assert isinstance(driver.app.screen, ConnectionsScreen)


# Putting back


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (None, "there are none: they are kept for an hour after an update"),
        (NOW - timedelta(minutes=1), "the hour after the update is over"),
    ],
)
async def test_putting_back_is_greyed_with_the_reason_in_the_list_and_in_the_window(until: Any, why: str):
    async with open_desk(AppDesk(previous_until=until), area="connections") as driver:
        for there in (ConnectionsScreen, ConnectionScreen):
            screen: Any = driver.app.screen
            assert isinstance(screen, there)
            action = action_of(screen.CONTEXT, "put_back")
            assert action is not None
            assert why in screen.why_not(action)
            await driver.press("B")
            assert why in driver.said[-1]
            await driver.press("enter")


async def test_the_previous_credentials_are_put_back_after_a_question_that_starts_on_cancel():
    desk = AppDesk(previous_until=NOW + timedelta(minutes=30), previous_hint="••••1234")
    async with open_desk(desk, area="connections") as driver:
        await driver.press("B")
        assert "••••1234" in driver.text()
        await driver.press("enter")
        assert desk.called("connection_put_back") == []
        await driver.press("B", "right", "enter")
        [(connection_id, choice)] = desk.called("connection_put_back")
        assert (connection_id, choice.unchecked) == ("con_1", False)
        assert "Ours: Connected." in driver.said[0]


async def test_previous_credentials_that_cannot_be_tried_can_be_put_back_anyway():
    desk = AppDesk(previous_until=NOW + timedelta(minutes=30))
    desk.refuse_once["connection_put_back"] = OUTAGE
    async with open_desk(desk, area="connections") as driver:
        await driver.press("B", "right", "enter")
        assert "At fault: them" in driver.text()
        driver.app.screen.query_one("#choice-unchecked").focus()
        await driver.press("enter")
        assert [choice.unchecked for _, choice in desk.called("connection_put_back")] == [False, True]


# Editing


async def edited(desk: FakeDesk, driver: Driver, **changes: str) -> Any:
    """Edit the connection, and return what was sent, or None."""
    await driver.press("e")
    for name, text in changes.items():
        await type_into(driver, name.replace("__", "/"), text)
    await driver.press("ctrl+s")
    found = desk.called("connection_edit")
    return found[-1][1].model_dump(exclude_unset=True) if found else None


async def test_an_edit_sends_what_was_changed_and_nothing_else():
    desk = AppDesk(
        "okta",
        "Okta",
        auth="api_token",
        base_url="https://acme.okta.com",
        settings={"domain": "acme.okta.com"},
    )
    async with open_desk(desk, area="connections") as driver:
        assert await edited(desk, driver) is None
        assert "Nothing was changed." in driver.said[0]
        assert await edited(desk, driver, settings__domain="acme2.okta.com") == {
            "settings": {"domain": "acme2.okta.com"}
        }
        changes = await edited(desk, driver, base_url="https://okta.proxy.acme.io", name="Theirs")
        assert changes == {"name": "Theirs", "base_url": "https://okta.proxy.acme.io"}


async def test_an_end_that_was_entered_can_be_changed_and_taken_away_and_one_that_was_learnt_is_not_shown():
    end = NOW + timedelta(days=30)
    desk = AppDesk(expires_at=end, expires_from="entered")
    async with open_desk(desk, area="connections") as driver:
        assert await edited(desk, driver, name="New") == {"name": "New"}
        assert await edited(desk, driver, expires_at="") == {"expires_at": None}
        changed = await edited(desk, driver, expires_at="2027-03-01")
        assert changed["expires_at"].isoformat() == "2027-03-01T00:00:00+00:00"
    desk = AppDesk(expires_at=end, expires_from="learnt")
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e")
        assert str(end.year) + "-" not in driver.text().replace("2027-01-31", "")


async def test_a_callback_secret_is_replaced_with_an_overlap_that_is_chosen():
    desk = AppDesk(callback_secret_hint="••••abcd", verification=CallbackVerification(scheme="github"))
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e")
        await type_into(driver, "callback_secret", "n3w-secret")
        cycle(driver, "callback_secret_overlap_s").action_step(1)
        await driver.press("ctrl+s")
        [(_, changes)] = desk.called("connection_edit")
        assert changes.callback_secret.get_secret_value() == "n3w-secret"
        assert changes.callback_secret_overlap_s == 3600
        assert changes.verification is None, "what was set by hand stays"


@pytest.mark.parametrize(("app", "name", "awaits"), [("asana", "Asana", True), ("github", "GitHub", False)])
async def test_only_asana_can_be_awaited_for_a_handshake(app: str, name: str, awaits: bool):
    desk = AppDesk(app, name)
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e")
        assert ("Await a handshake" in driver.text()) == awaits
        if awaits:
            cycle(driver, "await_handshake").action_step(1)
            await driver.press("ctrl+s")
            [(_, changes)] = desk.called("connection_edit")
            assert changes.await_handshake
            assert changes.verification.scheme == "asana"


@pytest.mark.parametrize("app", ["aws", "monday"])
async def test_apps_without_signed_callbacks_ask_for_no_secret(app: str):
    desk = AppDesk(app, app, auth="", settings={"region": "eu-central-1"})
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e")
        assert isinstance(driver.app.screen, Form)
        assert "Callback" not in driver.text().split("Edit connection")[1]
