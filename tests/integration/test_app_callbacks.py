"""Callbacks of real apps, over real HTTP: signed as each app signs, its handshake, what they are about."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import Answer, HttpDesk, http_desk

from healthdesk.domain.states import CallbackState
from healthdesk.store import callbacks as queries
from healthdesk.store.rows import CallbackRow
from healthdesk.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock) as made:
        yield made


async def connected(desk: HttpDesk, app: str, **more: Any) -> str:
    """Return a connection of an app that was not asked whether the token is good."""
    token = {"auth": "token", "fields": {"token": "a-token-that-nobody-tries"}}
    if app == "slack":
        token = {"auth": "bot_token", "fields": {"token": "xoxb-that-nobody-tries"}}
    wanted = {"app": app, "name": app, "credentials": token, "unchecked": True, **more}
    answer = await desk.call("POST", "/v1/connections", wanted)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def post(desk: HttpDesk, connection_id: str, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await desk.ask("POST", f"/v1/callbacks/{connection_id}", data=body, headers=named)


def digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


async def kept(desk: HttpDesk) -> list[CallbackRow]:
    while await desk.engine.callbacks._some():
        pass
    page = await desk.engine.ctx.store.read(queries.page, limit=100)
    return [await desk.engine.ctx.store.read(queries.get, row.id) for row in page.items]


def task(gid: str) -> bytes:
    event = {"action": "changed", "resource": {"gid": gid, "resource_type": "task"}}
    return json.dumps({"events": [event]}).encode()


async def test_asana_hands_over_its_secret_and_signs_with_it(desk):
    connection = await connected(desk, "asana")
    shaken = await post(desk, connection, X_Hook_Secret="of-the-first-hook")
    assert (shaken.status, shaken.headers["X-Hook-Secret"]) == (200, "of-the-first-hook")
    body = task("1207")
    answer = await post(desk, connection, body, X_Hook_Signature=digest("of-the-first-hook", body))
    assert answer.status == 202
    event, handshake = await kept(desk)
    assert (event.event, event.instances, event.state) == ("task", ("1207",), CallbackState.PROCESSED)
    assert handshake.event == "handshake"
    assert "of-the-first-hook" not in repr(handshake)
    shown = (await desk.call("GET", f"/v1/connections/{connection}")).json
    assert shown["callback_secret_hint"].endswith("hook")


async def test_a_secret_that_comes_long_after_the_connection_was_made_is_nobodys(desk, clock):
    connection = await connected(desk, "asana")
    clock.advance(3601)
    assert (await post(desk, connection, X_Hook_Secret="of-a-stranger-hook")).status == 401
    await desk.call("PATCH", f"/v1/connections/{connection}", {"await_handshake": True})
    assert (await post(desk, connection, X_Hook_Secret="of-the-first-hook")).status == 200


async def test_strangers_do_not_use_up_what_the_app_is_allowed(desk):
    connection = await connected(
        desk, "github", callback_secret="hook-secret-of-github", callback_limit_per_minute=2
    )
    for _ in range(5):
        assert (await post(desk, connection, b"{}", X_GitHub_Event="issues")).status == 401

    async def status(delivery: str) -> int:
        signature = "sha256=" + digest("hook-secret-of-github", b"{}")
        headers = {"X_Hub_Signature_256": signature, "X_GitHub_Delivery": delivery}
        return (await post(desk, connection, b"{}", **headers)).status

    assert [await status(each) for each in ("a", "b", "c")] == [202, 202, 429]


async def test_a_second_secret_is_taken_while_somebody_waits_for_it_and_never_else(desk, clock):
    connection = await connected(desk, "asana")
    await post(desk, connection, X_Hook_Secret="of-the-first-hook")
    clock.advance(3601)
    refused = await post(desk, connection, X_Hook_Secret="of-a-stranger-hook")
    assert refused.status == 401
    assert "X-Hook-Secret" not in refused.headers
    stranger = task("666")
    answer = await post(desk, connection, stranger, X_Hook_Signature=digest("of-a-stranger-hook", stranger))
    assert answer.status == 401
    opened = await desk.call("PATCH", f"/v1/connections/{connection}", {"await_handshake": True})
    assert opened.status == 200
    assert (await post(desk, connection, X_Hook_Secret="of-the-second-hook")).status == 200
    for secret in ("of-the-first-hook", "of-the-second-hook"):
        body = task(secret[7:12])
        assert (await post(desk, connection, body, X_Hook_Signature=digest(secret, body))).status == 202
    clock.advance(601)
    assert (await post(desk, connection, X_Hook_Secret="of-the-third-hook")).status == 401
    rejected = [row for row in await kept(desk) if row.state is CallbackState.REJECTED]
    assert len(rejected) == 3


async def test_slack_asks_with_a_signed_challenge(desk, clock):
    connection = await connected(desk, "slack", callback_secret="slack-signing-secret")
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()
    at = str(int(clock.now().timestamp()))
    signature = "v0=" + digest("slack-signing-secret", b"v0:" + at.encode() + b":" + body)
    unsigned = await post(desk, connection, body)
    assert unsigned.status == 401
    signed = {"X_Slack_Request_Timestamp": at, "X_Slack_Signature": signature}
    answer = await post(desk, connection, body, **signed)
    assert (answer.status, answer.json) == (200, {"challenge": "3eZbrw1a"})
    clock.advance(301)
    assert (await post(desk, connection, body, **signed)).status == 401


async def test_without_a_secret_callbacks_of_an_app_are_rejected_rather_than_believed(desk):
    connection = await connected(desk, "github")
    answer = await post(desk, connection, b"{}", X_GitHub_Event="issues")
    assert answer.status == 401
    [row] = await kept(desk)
    assert (row.state, row.instances) == (CallbackState.REJECTED, ())


async def test_github_says_which_issue_and_a_repeat_changes_nothing(desk):
    connection = await connected(desk, "github", callback_secret="hook-secret-of-github")
    issue = {"issue": {"number": 41}, "repository": {"full_name": "octo-org/hello-world"}}
    body = json.dumps({"action": "closed", **issue}).encode()
    headers = {
        "X_Hub_Signature_256": "sha256=" + digest("hook-secret-of-github", body),
        "X_GitHub_Delivery": "d-1",
        "X_GitHub_Event": "issues",
    }
    first = await post(desk, connection, body, **headers)
    again = await post(desk, connection, body, **headers)
    assert (first.status, again.json["duplicate"], again.json["id"]) == (202, True, first.json["id"])
    [row] = await kept(desk)
    assert (row.event, row.instances, row.duplicates) == ("issues", ("octo-org/hello-world#41",), 1)
    redone = await desk.call("POST", f"/v1/callbacks/{row.id}/reprocess")
    assert redone.status == 200
    [row] = await kept(desk)
    assert (row.state, row.instances) == (CallbackState.PROCESSED, ("octo-org/hello-world#41",))


async def test_a_replaced_secret_stays_valid_for_its_overlap(desk, clock):
    connection = await connected(desk, "github", callback_secret="the-first-secret")
    url = f"/v1/connections/{connection}"
    changed = await desk.call(
        "PATCH", url, {"callback_secret": "the-second-secret", "callback_secret_overlap_s": 60}
    )
    assert changed.status == 200

    async def status(secret: str, delivery: str) -> int:
        body = delivery.encode()
        signature = "sha256=" + digest(secret, body)
        return (await post(desk, connection, body, X_Hub_Signature_256=signature)).status

    assert await status("the-second-secret", "a") == 202
    assert await status("the-first-secret", "b") == 202
    clock.advance(61)
    assert await status("the-first-secret", "c") == 401
    assert await status("the-second-secret", "d") == 202
    await desk.call("PATCH", url, {"callback_secret": "the-third-secret", "callback_secret_overlap_s": 0})
    assert await status("the-second-secret", "e") == 401
    assert await status("the-third-secret", "f") == 202


async def test_an_app_that_looks_at_the_address_first_is_answered(desk):
    connection = await connected(desk, "github")
    looked = await desk.ask("HEAD", f"/v1/callbacks/{connection}")
    assert looked.status == 200
    assert (await desk.ask("GET", "/v1/callbacks/con_unknown")).status == 404
