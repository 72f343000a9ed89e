"""Connections are saved once the app took their credentials; what it refuses is told, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.apps.fake import Fault
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.trying_desk import TOKEN, WRONG, Github, add, checks, done, with_token

from healthdesk.testing import FakeClock, FakeEndpoint


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock) as made:
        yield made


@pytest.fixture
async def github() -> AsyncIterator[Github]:
    async with Github() as app:
        yield app


async def test_what_the_app_took_is_saved_with_whose_it_is_and_the_first_check(
    desk: HttpDesk, github: Github, clock: FakeClock
) -> None:
    made = await add(desk, github)
    assert (made["state"], made["state_word"], made["explanation"]) == ("connected", "Connected", None)
    assert (made["name"], made["account"]) == ("GitHub · octocat", "octocat")
    assert made["scopes"] == ["repo", "read:org"]
    assert (made["expires_at"], made["expires_from"]) == ("2026-04-20T12:00:00Z", "learnt")
    assert made["credential_hint"] == "••••" + TOKEN[-4:]
    now = clock.now()
    assert [
        datetime.fromisoformat(made[name]) for name in ("connected_on", "last_healthy", "last_checked")
    ] == [now] * 3
    assert now < datetime.fromisoformat(made["next_check"]) <= now + timedelta(days=1.1)
    [check] = await checks(desk, made)
    assert (check["ok"], check["status"], check["state_after"]) == (True, 200, "connected")
    assert github.requests == [("GET", "/user")], "it is asked once"
    assert await done(desk) == ["added"]


async def test_a_refusal_says_what_the_app_answered_and_saves_nothing(desk: HttpDesk, github: Github) -> None:
    body = {"app": "github", "base_url": github.url, **with_token(WRONG)}
    answer = await desk.call("POST", "/v1/connections", body)
    assert answer.status == 422
    told = answer.json
    assert told["type"].endswith("/trial-refused")
    assert (told["blame"], told["kind"], told["field"]) == ("credential", "authentication", "credentials")
    assert "GitHub refused the token: Bad credentials" in told["detail"]
    assert "Nothing was saved" in told["detail"]
    assert "https://github.com/settings/personal-access-tokens" in told["fix"]
    assert "unchecked" not in told["fix"], "wrong credentials are not to be saved all the same"
    assert WRONG not in answer.body.decode()
    assert (await desk.ok("GET", "/v1/connections"))["items"] == []
    assert await done(desk) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.OUTAGE, "server_error"),
        (Fault.RATE_LIMIT, "rate_limited"),
        (Fault.BROKEN_200, "unexpected_answer"),
    ],
)
async def test_what_is_not_the_credentials_fault_says_so_and_can_be_saved_unchecked(
    desk: HttpDesk, github: Github, fault: Fault, kind: str
) -> None:
    github.fault = fault
    body = {"app": "github", "base_url": github.url, **with_token(TOKEN)}
    answer = await desk.call("POST", "/v1/connections", body)
    assert answer.status == 409
    assert (answer.json["blame"], answer.json["kind"]) == ("them", kind)
    assert "says nothing of the credentials" in answer.json["detail"]
    assert "--unchecked" in answer.json["fix"]
    assert (await desk.ok("GET", "/v1/connections"))["items"] == []
    made = await desk.ok("POST", "/v1/connections", body | {"unchecked": True})
    assert made["name"] == "GitHub · 127.0.0.1"
    github.fault = Fault.NONE
    mended = await desk.ok("POST", f"/v1/connections/{made['id']}/check")
    assert (mended["state"], mended["account"]) == ("connected", "octocat")


async def test_a_host_that_is_not_there_is_told_at_the_base_url(desk: HttpDesk) -> None:
    body = {"app": "github", "base_url": "http://127.0.0.1:9", **with_token(TOKEN)}
    answer = await desk.call("POST", "/v1/connections", body)
    assert (answer.status, answer.json["field"]) == (409, "base_url")


async def test_a_missing_permission_is_its_own_blame(desk: HttpDesk, github: Github) -> None:
    github.fault = Fault.MISSING_PERMISSION
    body = {"app": "github", "base_url": github.url, **with_token(TOKEN)}
    answer = await desk.call("POST", "/v1/connections", body)
    assert (answer.status, answer.json["blame"]) == (422, "permission")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"app": "github"}, "credentials.auth", "token, oauth, device"),
        ({"app": "github", "credentials": {"auth": "tokn"}}, "credentials.auth", "one of token"),
        (
            {"app": "github", "credentials": {"auth": "token"}},
            "credentials.fields.token",
            "https://github.com/settings/personal-access-tokens",
        ),
        (
            {"app": "github", **with_token("two words")},
            "credentials.fields.token",
            "for example github_pat_…",
        ),
        (
            {"app": "github", "credentials": {"auth": "token", "fields": {"tokne": "x"}}},
            "credentials.fields.tokne",
            "did you mean token?",
        ),
        ({"app": "github", **with_token("x"), "settings": {"site": "acme"}}, "settings.site", "no field"),
        ({"app": "github", **with_token("x"), "base_url": "github.com"}, "base_url", "for example"),
        ({"app": "github", **with_token("x"), "heartbeat": {"path": "/"}}, "heartbeat", "leave it out"),
        (
            {"app": "gitlab", **with_token("x"), "settings": {"token_url": "nowhere"}},
            "settings.token_url",
            "",
        ),
        ({"app": "github", **with_token("x"), "expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "over"),
    ],
)
async def test_fields_are_judged_by_the_manifest_before_the_app_is_asked(
    desk: HttpDesk, body: dict[str, Any], field: str, words: str
) -> None:
    answer = await desk.call("POST", "/v1/connections", body)
    assert (answer.status, answer.json["field"]) == (400, field), answer.body
    assert words in answer.json["detail"] + answer.json["fix"]


async def test_an_expiry_that_was_entered_gives_way_to_one_the_app_tells(
    desk: HttpDesk, github: Github
) -> None:
    entered = "2026-12-24T00:00:00Z"
    told = await add(desk, github, expires_at=entered)
    assert told["expires_from"] == "learnt"
    github.ends = ""
    silent = await add(desk, github, expires_at=entered)
    assert (silent["expires_at"], silent["expires_from"]) == (entered, "entered")
    assert silent["name"] == "GitHub · octocat 2", "a name is one connection's"


async def test_nothing_else_waits_while_an_app_is_asked(desk: HttpDesk, github: Github) -> None:
    github.held.add(TOKEN)
    slow = asyncio.create_task(add(desk, github))
    await github.asked.wait()
    other = await desk.connection(name="written meanwhile")
    assert not slow.done()
    assert other["id"]
    github.door.set()
    assert (await slow)["state"] == "connected"


async def test_an_edit_that_does_not_work_changes_nothing(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    path = f"/v1/connections/{made['id']}"
    answer = await desk.call("PATCH", path, {"name": "Moved", "base_url": "http://127.0.0.1:9"})
    assert answer.status == 409
    now = await desk.ok("GET", path)
    assert (now["name"], now["base_url"]) == (made["name"], made["base_url"])
    async with Github() as elsewhere:
        elsewhere.tokens[TOKEN] = (7, "moved", "repo")
        moved = await desk.ok("PATCH", path, {"name": "Moved", "base_url": elsewhere.url})
        assert (moved["name"], moved["base_url"], moved["account"]) == ("Moved", elsewhere.url, "moved")
        assert moved["state"] == "connected"
        assert elsewhere.requests == [("GET", "/user")]
    assert [check["ok"] for check in await checks(desk, made)] == [True, True]


async def test_an_edit_with_credentials_that_stopped_working_can_be_saved_unchecked(
    desk: HttpDesk, github: Github
) -> None:
    made = await add(desk, github)
    path = f"/v1/connections/{made['id']}"
    async with Github() as elsewhere:
        elsewhere.tokens.clear()
        answer = await desk.call("PATCH", path, {"base_url": elsewhere.url})
        assert (answer.status, answer.json["blame"]) == (422, "credential")
        assert "--unchecked" in answer.json["fix"], "what is in use is not what was given"
        moved = await desk.ok("PATCH", path, {"base_url": elsewhere.url, "unchecked": True})
        assert (moved["base_url"], moved["state"]) == (elsewhere.url, "failing")


async def test_a_name_that_is_taken_is_refused_before_the_app_is_asked(
    desk: HttpDesk, github: Github
) -> None:
    await desk.connection(name="Ours")
    body = {"app": "github", "base_url": github.url, "name": "Ours", **with_token(TOKEN)}
    answer = await desk.call("POST", "/v1/connections", body)
    assert (answer.status, answer.json["field"]) == (409, "name")
    assert github.requests == []


async def test_an_edit_that_does_not_decide_health_asks_nobody(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    path = f"/v1/connections/{made['id']}"
    renamed = await desk.ok("PATCH", path, {"name": "Ours", "expires_at": "2026-12-24T00:00:00Z"})
    assert (renamed["name"], renamed["expires_from"]) == ("Ours", "entered")
    assert (await desk.ok("PATCH", path, {"expires_at": None}))["expires_at"] is None
    assert len(github.requests) == 1


async def test_an_edit_that_is_tried_leaves_an_end_that_was_entered(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    path = f"/v1/connections/{made['id']}"
    entered, later = "2026-12-24T00:00:00Z", "2026-12-31T00:00:00Z"
    await desk.ok("PATCH", path, {"expires_at": entered})
    async with Github() as elsewhere:
        moved = await desk.ok("PATCH", path, {"base_url": elsewhere.url})
        assert (moved["expires_at"], moved["expires_from"]) == (entered, "entered")
        both = await desk.ok("PATCH", path, {"base_url": github.url, "expires_at": later})
        assert (both["base_url"], both["expires_at"], both["expires_from"]) == (github.url, later, "entered")


async def test_an_edit_that_leads_to_another_account_is_drift(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    async with Github() as elsewhere:
        elsewhere.tokens[TOKEN] = (480938, "hubot", "repo, read:org")
        path = f"/v1/connections/{made['id']}"
        moved = await desk.ok("PATCH", path, {"base_url": elsewhere.url})
        assert (moved["state"], moved["account"]) == ("connected", "hubot")
        assert [each["what"] for each in moved["drift"]] == ["account"]
        assert [each["kind"] for each in (await desk.ok("GET", "/v1/problems"))["items"]] == ["drift"]
        assert (await desk.ok("POST", path + "/accept-drift"))["drift"] == []


async def test_records_are_delivered_through_apps_that_take_them_only(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    body = {"name": "to GitHub", "production": {"connection_id": made["id"], "path": "/"}}
    answer = await desk.call("POST", "/v1/integrations", body)
    assert (answer.status, answer.json["field"]) == (400, "production.connection_id")
    assert "GitHub takes none" in answer.json["detail"]


async def test_an_endpoint_is_tried_by_its_heartbeat(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        endpoint.answer(503)
        body = {"base_url": endpoint.url, "heartbeat": {"path": "/up"}}
        answer = await desk.call("POST", "/v1/connections", body)
        assert (answer.status, answer.json["blame"]) == (409, "them")
        endpoint.answer(204)
        answer = await desk.call("POST", "/v1/connections", body)
        assert (answer.status, answer.json["type"].rpartition("/")[2]) == (422, "trial-refused")
        assert answer.json["blame"] == "configuration"
        endpoint.answer(200)
        made = await desk.ok("POST", "/v1/connections", body)
        assert (made["name"], made["state"]) == ("HTTP endpoint · 127.0.0.1", "connected")
