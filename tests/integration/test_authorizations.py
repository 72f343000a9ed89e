"""An operator begins an authorization, a browser brings it back once, and it becomes a connection."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from tests.integration.authorizing_desk import FIELDS, AuthApp, asked, install
from tests.integration.http_desk import Answer, HttpDesk, http_desk

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeClock

PUBLIC = "https://desk.example.com"
REDIRECT = f"{PUBLIC}/v1/oauth/callback"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock, SERVER__PUBLIC_URL=PUBLIC) as made:
        install(made, tmp_path)
        yield made


@pytest.fixture
async def app() -> AsyncIterator[AuthApp]:
    async with AuthApp() as running:
        yield running


async def begin(desk: HttpDesk, app: AuthApp, **more: Any) -> dict[str, Any]:
    begun: dict[str, Any] = await desk.ok("POST", "/v1/authorizations", asked(app, **more))
    return begun


def query_of(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


async def back(desk: HttpDesk, begun: dict[str, Any], **query: str) -> Answer:
    """Come back as the browser does."""
    return await desk.ask(
        "GET", "/v1/oauth/callback", params={"state": query_of(begun["url"])["state"], **query}
    )


async def status(desk: HttpDesk, begun: dict[str, Any]) -> str:
    shown = await desk.ok("GET", f"/v1/authorizations/{begun['id']}")
    return str(shown["status"])


async def test_the_url_leads_to_the_app_and_says_where_to_come_back(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    assert begun["url"].startswith(f"{app.url}/authorize?")
    assert (begun["status"], begun["app_name"], begun["redirect_url"]) == ("pending", "Auth & App", REDIRECT)
    query = query_of(begun["url"])
    assert (query["client_id"], query["redirect_uri"], query["scope"]) == ("desk", REDIRECT, "read")
    assert query["code_challenge_method"] == "S256"
    assert "secret" not in begun["url"]
    assert len(query["state"]) >= 43


async def test_a_code_that_comes_back_becomes_a_connection_that_renews_itself(
    desk: HttpDesk, app: AuthApp, clock: FakeClock
) -> None:
    begun = await begin(desk, app)
    page = await back(desk, begun, code="the-code")
    assert page.status == 200
    assert "You can close this window" in page.body.decode()
    form = app.forms[0]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
    assert query_of(begun["url"])["code_challenge"] == challenge.rstrip(b"=").decode()
    assert (form["code"], form["redirect_uri"]) == ("the-code", REDIRECT)
    assert await status(desk, begun) == "granted"
    new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
    made = await desk.ok("POST", "/v1/connections", new)
    assert (made["state"], made["auth"], made["account"]) == ("connected", "browser", "Ada")
    assert await status(desk, begun) == "used"
    again = await desk.call("POST", "/v1/connections", new)
    assert again.status == 409
    clock.advance(3600)
    checked = await desk.ok("POST", f"/v1/connections/{made['id']}/check")
    assert checked["state"] == "connected"
    assert app.forms[-1]["refresh_token"] == "not-a-real-refresh-1"
    clock.advance(3600)
    assert (await desk.ok("POST", f"/v1/connections/{made['id']}/check"))["state"] == "connected"
    assert app.number == 3


async def test_new_credentials_can_be_an_authorization(desk: HttpDesk, app: AuthApp) -> None:
    first = await begin(desk, app)
    await back(desk, first, code="one")
    made = await desk.ok(
        "POST",
        "/v1/connections",
        {"app": "authapp", "authorization": first["id"], "settings": {"site": app.url}},
    )
    # The client's id and secret, and the site, are those of the connection.
    body = {"app": "authapp", "auth": "browser", "connection": made["id"]}
    second = await desk.ok("POST", "/v1/authorizations", body)
    await back(desk, second, code="two")
    assert app.forms[-1]["client_secret"] == FIELDS["client_secret"]
    path = f"/v1/connections/{made['id']}/credentials"
    updated = await desk.ok("POST", path, {"authorization": second["id"]})
    assert updated["state"] == "connected"
    assert await status(desk, second) == "used"


async def test_whoever_may_only_renew_credentials_cannot_say_where_the_secret_goes(
    desk: HttpDesk, app: AuthApp
) -> None:
    first = await begin(desk, app)
    await back(desk, first, code="one")
    new = {"app": "authapp", "authorization": first["id"], "settings": {"site": app.url}}
    made = await desk.ok("POST", "/v1/connections", new)
    desk.operator = Operator("alice", Role.MEMBER)
    again = {"app": "authapp", "auth": "browser", "connection": made["id"]}
    elsewhere = {"settings": {"token_url": "http://127.0.0.1:9/token"}}
    answer = await desk.call("POST", "/v1/authorizations", {**again, **elsewhere})
    assert (answer.status, answer.json["field"]) == (400, "settings")
    answer = await desk.call("POST", "/v1/authorizations", {**again, "fields": {"client_id": "other"}})
    assert answer.json["field"] == "credentials.fields.client_secret", (
        "a secret is not kept beside other fields"
    )
    owned = await desk.ok("POST", "/v1/authorizations", again)
    assert owned["created_by"] == "alice"
    desk.operator = Operator("bob", Role.MEMBER)
    assert (await desk.call("POST", "/v1/authorizations", again)).status == 403


async def test_a_token_is_got_once_for_many_checks_and_again_for_new_settings(
    desk: HttpDesk, app: AuthApp, clock: FakeClock
) -> None:
    begun = await begin(desk, app)
    await back(desk, begun, code="one")
    new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
    made = await desk.ok("POST", "/v1/connections", new)
    for _ in range(3):
        assert (await desk.ok("POST", f"/v1/connections/{made['id']}/check"))["state"] == "connected"
    assert len(app.forms) == 1
    clock.advance(3600)
    for _ in range(3):
        assert (await desk.ok("POST", f"/v1/connections/{made['id']}/check"))["state"] == "connected"
    assert len(app.forms) == 2
    edited = await desk.ok("PATCH", f"/v1/connections/{made['id']}", {"base_url": f"{app.url}/api"})
    assert edited["state"] == "connected"
    assert len(app.forms) == 2, "what was renewed before is used with the new settings"


async def test_a_state_counts_once(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    assert (await back(desk, begun, code="one")).status == 200
    page = await back(desk, begun, code="two")
    assert page.status == 400
    assert "not known" in page.body.decode()
    assert len(app.forms) == 1


async def test_two_browsers_at_once_are_one(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    pages = await asyncio.gather(*(back(desk, begun, code="one") for _ in range(4)))
    assert sorted(page.status for page in pages) == [200, 400, 400, 400]
    assert len(app.forms) == 1


async def test_whoever_looks_ahead_uses_nothing_up(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    state = query_of(begun["url"])["state"]
    head = await desk.ask("HEAD", "/v1/oauth/callback", params={"state": state, "code": "one"})
    assert head.status == 200
    assert (await back(desk, begun, code="one")).status == 200


async def test_an_authorization_ends_after_ten_minutes(
    desk: HttpDesk, app: AuthApp, clock: FakeClock
) -> None:
    begun = await begin(desk, app)
    clock.advance(timedelta(minutes=10).total_seconds())
    assert (await back(desk, begun, code="one")).status == 400
    assert await status(desk, begun) == "expired"
    assert app.forms == []


async def test_a_grant_that_nobody_uses_ends_after_an_hour(
    desk: HttpDesk, app: AuthApp, clock: FakeClock
) -> None:
    begun = await begin(desk, app)
    await back(desk, begun, code="one")
    clock.advance(3600)
    assert await status(desk, begun) == "expired"
    new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
    answer = await desk.call("POST", "/v1/connections", new)
    assert (answer.status, answer.json["detail"]) == (409, f"the authorization {begun['id']} is expired")


@pytest.mark.parametrize(
    "query", [{}, {"state": "guessed", "code": "x"}, {"state": "", "code": "x"}, {"state": "s" * 5000}]
)
async def test_a_state_that_is_not_known_changes_nothing(
    desk: HttpDesk, app: AuthApp, query: dict[str, str]
) -> None:
    begun = await begin(desk, app)
    page = await desk.ask("GET", "/v1/oauth/callback", params=query)
    assert page.status == 400
    assert await status(desk, begun) == "pending"


async def test_the_page_repeats_nothing_and_is_inert(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    page = await back(
        desk, begun, error="<script>alert(1)</script>", error_description="<img src=x onerror=alert(2)>"
    )
    assert page.status == 400
    text_ = page.body.decode()
    assert "script" not in text_
    assert "onerror" not in text_
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


async def test_a_refusal_in_the_browser_is_told_to_the_operator(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    page = await back(desk, begun, error="access_denied", error_description="The user said no")
    assert "Auth &amp; App is not authorized" in page.body.decode()
    shown = await desk.ok("GET", f"/v1/authorizations/{begun['id']}")
    assert shown["status"] == "refused"
    assert "The user said no" in shown["error"]
    assert (await back(desk, begun, code="late")).status == 400


async def test_a_code_that_the_app_does_not_take_is_a_refusal(desk: HttpDesk, app: AuthApp) -> None:
    app.script.append((400, {"error": "invalid_client"}))
    begun = await begin(desk, app)
    assert (await back(desk, begun, code="one")).status == 400
    shown = await desk.ok("GET", f"/v1/authorizations/{begun['id']}")
    assert (shown["status"], "client id and secret" in shown["error"]) == ("refused", True)


async def test_a_device_code_is_polled_as_slowly_as_the_app_asks(
    desk: HttpDesk, app: AuthApp, clock: FakeClock
) -> None:
    begun = await begin(desk, app, auth="device", fields={"client_id": "desk"})
    assert (begun["url"], begun["user_code"], begun["redirect_url"]) == (f"{app.url}/enter", "WDJB-MJHT", "")
    app.script = [(400, {"error": "authorization_pending"}), (400, {"error": "slow_down"})]
    for wait_s, polls in ((0, 0), (5, 1), (4, 1), (1, 2), (9, 2), (1, 3)):
        clock.advance(wait_s)
        shown = await status(desk, begun)
        assert len(app.forms) == polls
        assert shown == ("granted" if polls == 3 else "pending")
    new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
    assert (await desk.ok("POST", "/v1/connections", new))["state"] == "connected"


async def test_operators_who_ask_at_once_poll_once(desk: HttpDesk, app: AuthApp, clock: FakeClock) -> None:
    begun = await begin(desk, app, auth="device", fields={"client_id": "desk"})
    app.script = [(400, {"error": "authorization_pending"})] * 4
    clock.advance(5)
    await asyncio.gather(*(status(desk, begun) for _ in range(4)))
    assert len(app.forms) == 1


async def test_what_cannot_be_begun_says_why(desk: HttpDesk, app: AuthApp) -> None:
    answer = await desk.call("POST", "/v1/authorizations", asked(app, auth="key", fields={"key": "k"}))
    assert (answer.status, "needs no authorization" in answer.json["detail"]) == (400, True)
    answer = await desk.call("POST", "/v1/authorizations", asked(app, fields={"client_id": "desk"}))
    assert answer.json["field"] == "credentials.fields.client_secret"
    gone = {"site": "http://127.0.0.1:9"}
    device = {"auth": "device", "fields": {"client_id": "desk"}, "settings": gone}
    answer = await desk.call("POST", "/v1/authorizations", asked(app, **device))
    assert (answer.status, answer.json["blame"]) == (409, "them")


async def test_members_begin_none_and_see_none_and_nobody_uses_anothers(desk: HttpDesk, app: AuthApp) -> None:
    begun = await begin(desk, app)
    await back(desk, begun, code="one")
    desk.operator = Operator("mallory", Role.MANAGER)
    new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
    assert (await desk.call("POST", "/v1/connections", new)).status == 409
    desk.operator = Operator("bob", Role.MEMBER)
    assert (await desk.call("POST", "/v1/authorizations", asked(app))).status == 403
    assert (await desk.call("GET", f"/v1/authorizations/{begun['id']}")).status == 403


async def test_no_secret_is_kept_in_clear_or_logged(
    desk: HttpDesk, app: AuthApp, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="healthdesk"):
        begun = await begin(desk, app)
        state = query_of(begun["url"])["state"]
        await back(desk, begun, code="the-secret-code")
    kept = await desk.engine.ctx.store.read(
        lambda conn: str(
            conn.execute(text("SELECT request_enc, result_enc, error FROM authorizations")).all()
        )
    )
    for secret in (FIELDS["client_secret"], app.access_token, app.refresh_token, "the-secret-code"):
        assert secret not in kept
        assert secret not in caplog.text
    assert state not in caplog.text


async def test_many_who_come_back_are_slowed_down(desk: HttpDesk) -> None:
    answers = [
        await desk.ask("GET", "/v1/oauth/callback", params={"state": f"s{number}"}) for number in range(61)
    ]
    assert [answer.status for answer in answers] == [400] * 60 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
