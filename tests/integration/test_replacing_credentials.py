"""New credentials are tried beside the old, compared with them, swapped in one step, and can be put back for an hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.harness.serving import until
from tests.integration.authorizing_desk import AuthApp, asked, install
from tests.integration.http_desk import Answer, HttpDesk, http_desk
from tests.integration.trying_desk import (
    LESS,
    OTHER,
    SAME,
    TOKEN,
    WRONG,
    Github,
    add,
    checks,
    done,
    with_token,
    works,
)

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.store import connections as queries
from healthdesk.store import previous
from healthdesk.testing import Behaviour, FakeClock, FakeEndpoint

HOUR_S = 3600.0


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


async def renew(desk: HttpDesk, connection: dict[str, Any], token: str, **more: Any) -> Answer:
    path = f"/v1/connections/{connection['id']}/credentials"
    return await desk.call("POST", path, with_token(token, **more))


async def put_back(desk: HttpDesk, connection: dict[str, Any], **more: Any) -> Answer:
    return await desk.call("POST", f"/v1/connections/{connection['id']}/credentials/put-back", more)


async def in_use(desk: HttpDesk, connection: dict[str, Any]) -> str:
    """Return the token that requests carry now."""
    row = await desk.engine.ctx.store.read(queries.get_secret, connection["id"])
    text = desk.engine.ctx.vault.decrypt(row.credentials_enc)
    (token,) = [each for each in (TOKEN, SAME, LESS, OTHER, WRONG) if f'"{each}"' in text]
    return token


async def test_new_credentials_of_the_same_account_are_swapped_with_their_check(
    desk: HttpDesk, github: Github, clock: FakeClock
) -> None:
    made = await add(desk, github)
    answer = await renew(desk, made, SAME)
    assert answer.status == 200, answer.body
    told = answer.json
    assert (told["state"], told["changes"], told["rerun"]) == ("connected", [], None)
    assert told["previous_hint"] == "••••" + TOKEN[-4:]
    assert datetime.fromisoformat(told["previous_until"]) == clock.now() + timedelta(hours=1)
    assert await in_use(desk, made) == SAME
    assert len(await checks(desk, made)) == 2
    assert len(github.requests) == 2, "each was asked once"
    assert await done(desk) == ["added", "updated credentials"]


async def test_wrong_credentials_change_nothing(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    before = await desk.ok("GET", f"/v1/connections/{made['id']}")
    answer = await renew(desk, made, WRONG)
    assert (answer.status, answer.json["blame"]) == (422, "credential")
    assert await desk.ok("GET", f"/v1/connections/{made['id']}") == before
    assert await in_use(desk, made) == TOKEN
    assert await works(desk, made)
    assert await done(desk) == ["added", "checked"]


async def test_the_old_ones_stay_in_use_while_the_new_are_tried(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    github.held.add(SAME)
    update = asyncio.create_task(renew(desk, made, SAME))
    await github.asked.wait()
    assert await in_use(desk, made) == TOKEN
    github.door.set()
    assert (await update).status == 200
    assert await in_use(desk, made) == SAME


@pytest.mark.parametrize(
    ("token", "what", "words"),
    [(OTHER, "account", "hubot"), (LESS, "scopes", "lost repo")],
)
async def test_another_account_or_fewer_scopes_are_told_and_need_a_yes(
    desk: HttpDesk, github: Github, token: str, what: str, words: str
) -> None:
    made = await add(desk, github)
    answer = await renew(desk, made, token)
    assert (answer.status, answer.json["type"].rpartition("/")[2]) == (409, "identity-changed")
    assert words in answer.json["detail"]
    assert await in_use(desk, made) == TOKEN
    meant = await renew(desk, made, token, accept_changes=True)
    assert meant.status == 200
    assert [change["what"] for change in meant.json["changes"]] == [what]
    assert await in_use(desk, made) == token
    assert await works(desk, made)
    shown = await desk.ok("GET", f"/v1/connections/{made['id']}")
    assert shown.get("drift", []) == [], "what was meant is no drift"


async def test_more_scopes_need_no_yes(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github, LESS)
    answer = await renew(desk, made, TOKEN)
    assert answer.status == 200
    assert [change["what"] for change in answer.json["changes"]] == ["scopes"]


async def test_unchecked_credentials_are_in_use_at_once_and_checked_then(
    desk: HttpDesk, github: Github
) -> None:
    made = await add(desk, github)
    answer = await renew(desk, made, WRONG, unchecked=True)
    assert answer.status == 200
    assert answer.json["state"] == "failing"
    assert (await put_back(desk, made)).json["state"] == "connected"
    assert await in_use(desk, made) == TOKEN


async def test_credentials_are_put_back_and_that_can_be_put_back(
    desk: HttpDesk, github: Github, clock: FakeClock
) -> None:
    made = await add(desk, github)
    await renew(desk, made, OTHER, accept_changes=True)
    clock.advance(HOUR_S - 1)
    back = await put_back(desk, made)
    assert back.status == 200, back.body
    assert [change["what"] for change in back.json["changes"]] == ["account"]
    assert back.json["account"] == "octocat"
    assert await in_use(desk, made) == TOKEN
    clock.advance(HOUR_S - 1)
    assert (await put_back(desk, made)).json["account"] == "hubot"
    assert (await done(desk))[-2:] == ["put credentials back"] * 2


async def test_credentials_come_back_with_the_end_they_had(
    desk: HttpDesk, github: Github, clock: FakeClock
) -> None:
    made = await add(desk, github)
    path = f"/v1/connections/{made['id']}"
    near, far = ((clock.now() + timedelta(days=days)).isoformat()[:10] for days in (5, 90))
    await desk.ok("PATCH", path, {"expires_at": f"{near}T00:00:00Z"})
    learnt, github.ends = github.ends, ""
    await renew(desk, made, SAME, expires_at=f"{far}T00:00:00Z")
    github.ends = learnt
    back = (await put_back(desk, made)).json
    assert (back["expires_at"][:10], back["expires_from"]) == (near, "entered")
    github.ends = ""
    back = (await put_back(desk, made)).json
    assert (back["expires_at"][:10], back["expires_from"]) == (far, "entered")
    back = (await put_back(desk, made, unchecked=True)).json
    assert (back["expires_at"][:10], back["expires_from"]) == (near, "entered")


async def test_credentials_that_do_not_work_any_more_are_not_put_back(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    await renew(desk, made, SAME)
    del github.tokens[TOKEN]
    answer = await put_back(desk, made)
    assert (answer.status, answer.json["blame"]) == (422, "credential")
    assert await in_use(desk, made) == SAME


async def test_after_an_hour_there_is_nothing_to_put_back_and_nothing_is_kept(
    desk: HttpDesk, github: Github, clock: FakeClock
) -> None:
    made = await add(desk, github)
    assert (await put_back(desk, made)).status == 409
    await renew(desk, made, SAME)
    clock.advance(HOUR_S)
    answer = await put_back(desk, made)
    assert (answer.status, answer.json["type"].rpartition("/")[2]) == (409, "conflict")
    store = desk.engine.ctx.store
    assert (await store.read(queries.get_secret, made["id"])).previous_enc != ""
    assert await store.read(previous.previous_over, clock.now())
    assert await store.write(previous.erase_previous, clock.now()) == 1
    row = await store.read(queries.get_secret, made["id"])
    assert (row.previous_enc, row.previous_until, row.previous_identity) == ("", None, None)
    assert not await store.read(previous.previous_over, clock.now())


async def test_two_updates_at_once_are_not_both_in_use(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    github.held.add(SAME)
    slow = asyncio.create_task(renew(desk, made, SAME))
    await github.asked.wait()
    quick = await renew(desk, made, LESS, unchecked=True, accept_changes=True)
    github.door.set()
    late = await slow
    assert (late.status, late.json["type"].rpartition("/")[2]) == (409, "conflict")
    assert "changed meanwhile" in late.json["detail"]
    assert quick.status == 200
    assert await in_use(desk, made) == LESS


async def test_who_manages_a_connection_may_put_back_and_a_member_may_not(
    desk: HttpDesk, github: Github
) -> None:
    desk.operator = Operator("olga", Role.MANAGER)
    made = await add(desk, github)
    desk.operator = Operator("olga", Role.MEMBER)
    assert (await renew(desk, made, SAME)).status == 200
    assert (await put_back(desk, made)).status == 200
    desk.operator = Operator("mia", Role.MEMBER)
    assert (await put_back(desk, made)).status == 403


async def test_tokens_that_were_renewed_are_put_aside_and_come_back(tmp_path: Path, clock: FakeClock) -> None:
    """The app takes each refresh token once: those of the beginning are of no use any more."""
    async with AuthApp() as app, http_desk(tmp_path, clock=clock) as desk:
        install(desk, tmp_path)
        begun = await desk.ok("POST", "/v1/authorizations", asked(app))
        state = dict(parse_qsl(urlsplit(begun["url"]).query))["state"]
        await desk.ask("GET", "/v1/oauth/callback", params={"state": state, "code": "one"})
        new = {"app": "authapp", "authorization": begun["id"], "settings": {"site": app.url}}
        made = await desk.ok("POST", "/v1/connections", new)
        clock.advance(HOUR_S)
        assert await works(desk, made)
        assert app.number == 2, "they were renewed"
        key = {"auth": "key", "fields": {"key": "not-a-real-key"}}
        path = f"/v1/connections/{made['id']}/credentials"
        assert (await desk.ok("POST", path, {"credentials": key, "unchecked": True}))["auth"] == "key"
        back = await put_back(desk, made)
        assert (back.status, back.json["auth"], back.json["state"]) == (200, "browser", "connected")
        clock.advance(HOUR_S)
        assert await works(desk, made)
        assert app.number == 3


async def test_what_is_not_secret_stays_when_it_is_not_given(desk: HttpDesk) -> None:
    credentials = {"auth": "basic", "username": "desk", "password": "not-a-real-one"}
    made = await desk.connection(name="Basic", credentials=credentials)
    path = f"/v1/connections/{made['id']}/credentials"
    await desk.ok("POST", path, {"credentials": {"auth": "basic", "password": "another-one"}})
    row = await desk.engine.ctx.store.read(queries.get_secret, made["id"])
    kept = desk.engine.ctx.vault.decrypt(row.credentials_enc)
    assert '"desk"' in kept
    assert '"another-one"' in kept
    secret = await desk.call("POST", path, {"credentials": {"auth": "bearer"}})
    assert (secret.status, secret.json["field"]) == (400, "credentials.token")


def only(token: str) -> Behaviour:
    """Take one token; refuse every other, as an endpoint and as a heartbeat."""

    async def act(visit: Any) -> bool:
        known = f"Bearer {token}" == visit.request.headers.get("authorization", "")
        status = b"200 OK" if known else b"401 Unauthorized"
        visit.writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await visit.writer.drain()
        return True

    return Behaviour(f"take {token}", act)


async def test_what_failed_because_of_the_old_ones_is_offered_and_what_is_held_goes_by_itself(
    tmp_path: Path,
) -> None:
    async with FakeEndpoint() as endpoint, http_desk(tmp_path, ALERTS__ENABLED="false") as desk:
        delivery = await desk.delivery()
        path = f"/v1/connections/{delivery.connection_id}"
        endpoint.behave(only(TOKEN))
        bearer = {"auth": "bearer", "token": TOKEN}
        await desk.ok(
            "PATCH", path, {"base_url": endpoint.url, "heartbeat": {"path": "/"}, "unchecked": True}
        )
        await desk.ok("POST", path + "/credentials", {"credentials": bearer})
        await desk.engine.start()
        endpoint.behave(only(SAME))

        async def states(**wanted: int) -> bool:
            (row,) = (await desk.ok("GET", "/v1/ledger"))["rows"]
            return all(row["states"].get(state, 0) == count for state, count in wanted.items())

        await delivery.post()
        await delivery.post()
        await until(lambda: states(failed=2))

        async def failing() -> bool:
            return (await desk.ok("GET", path))["state"] == "failing"

        await until(failing)
        await delivery.post()
        await until(lambda: states(failed=2, held=1))
        bearer = {"auth": "bearer", "token": SAME}
        events: list[str] = []
        desk.engine.ctx.bus.on_event(lambda event: events.append(event.kind))
        told = await desk.ok("POST", path + "/credentials", {"credentials": bearer})
        assert "problem.changed" in events
        rerun = told["rerun"]
        assert (rerun["failed"], rerun["held"]) == (2, 1)
        [problem_id] = rerun["problem_ids"]
        assert rerun["commands"] == [f"healthdesk records resend-all --problem {problem_id}"]
        assert rerun["since"]
        assert "2 records failed" in rerun["sentence"]
        assert "1 record held" in rerun["sentence"]
        await until(lambda: states(failed=2, held=0, delivered=1))
        chosen = {"filter": {"problem_id": problem_id}, "expect": 2}
        await desk.ok("POST", "/v1/records/resend-all", chosen)
        await until(lambda: states(failed=0, delivered=3))
        again = await desk.ok("POST", path + "/credentials", {"credentials": bearer})
        assert again["rerun"] is None
        await desk.engine.stop(5)
