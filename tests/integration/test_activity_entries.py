"""The activity log says of each change who, what, and what it was before and after; secrets are left out."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.trying_desk import SAME, TOKEN, Github, add, with_token

from healthdesk.store.schema_desk import activity
from healthdesk.testing import FakeClock, FakeEndpoint

CHANGES = frozenset(
    [
        "EDITED",
        "UPDATED_CREDENTIALS",
        "PUT_CREDENTIALS_BACK",
        "ACCEPTED_DRIFT",
        "SET_PING",
        "REMOVED_PING",
        "ADDED_MEMBER",
        "REMOVED_MEMBER",
        "MADE_OWNER",
        "HANDED_OVER",
        "DISCONNECTED",
        "CHANGED_CONNECTION",
        "ATTACHED",
        "UNLINKED",
        "RECONNECTED",
    ]
)
"""Verbs whose entry has to say more than that it was done."""

QUIET = {
    "authorizations.begin": "nothing of the desk changes before its credentials are saved, which is told",
    "authorizations._poll": "the app is asked, nobody did anything",
    "authorizations._grant_tokens": "the app answered, nobody did anything",
    "authorizations._refuse": "the app answered, nobody did anything",
    "authorizations.come_back": "a browser came back, nobody of the desk",
    "handshakes.take_over": "the app did it",
    "journal.set_preference": "how somebody likes their lists is no activity of the desk",
    "credentials._try_previous": "renewed tokens of what is put aside",
    "key_rotation.reencrypt": "a step of a rotation, which is told",
}
"""Functions that write and leave no entry, each with the reason."""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


def operations(repository: Path) -> dict[str, ast.Module]:
    folder = repository / "src" / "healthdesk" / "operations"
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.py"))}


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == name
    ]


def test_every_entry_of_a_change_has_a_detail(repository: Path) -> None:
    bare, seen = [], set()
    for module, tree in operations(repository).items():
        for call in calls(tree, "note"):
            if (
                len(call.args) > 1
                and isinstance(verb := call.args[1], ast.Attribute)
                and verb.attr in CHANGES
            ):
                seen.add(verb.attr)
                if len(call.args) < 6:
                    bare.append(f"{module}:{call.lineno} {verb.attr}")
    assert bare == []
    assert {"EDITED", "ADDED_MEMBER", "HANDED_OVER", "DISCONNECTED", "SET_PING"} <= seen


def test_everything_that_writes_leaves_an_entry(repository: Path) -> None:
    silent = set()
    for module, tree in operations(repository).items():
        functions = {
            each.name: each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        noting = {name for name, each in functions.items() if calls(each, "note")}
        for name, function in functions.items():
            called = {
                each.func.id
                for each in ast.walk(function)
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            }
            if calls(function, "write") and name not in noting and not called & noting:
                silent.add(f"{module}.{name}")
    assert sorted(silent ^ QUIET.keys()) == []


async def entries(desk: HttpDesk) -> list[tuple[str, dict[str, Any]]]:
    """Return verb and detail of what was done, oldest first."""
    items = (await desk.ok("GET", "/v1/activity?limit=100"))["items"]
    return [(each["verb"], each["detail"]) for each in reversed(items)]


async def test_an_edit_of_a_connection_says_what_it_was_before_and_after(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        made = await desk.connection()
        path = f"/v1/connections/{made['id']}"
        changes = {"name": "Sales", "base_url": endpoint.url, "heartbeat": {"path": "/up"}}
        await desk.ok("PATCH", path, changes)
        secret = {
            "verification": {"scheme": "hmac", "header": "X-Sig"},
            "callback_secret": "not-a-real-secret",
        }
        await desk.ok("PATCH", path, secret)
        await desk.ok("POST", f"{path}/check")
    [_, edited, signed, checked] = await entries(desk)
    assert edited == (
        "edited",
        {
            "before": {"name": "CRM", "base_url": "http://127.0.0.1:9/", "heartbeat": ""},
            "after": {"name": "Sales", "base_url": endpoint.url, "heartbeat": "GET /up, 200"},
        },
    )
    assert signed == (
        "edited",
        {"before": {"callbacks": "none"}, "after": {"callbacks": "hmac"}, "replaced": ["callback_secret"]},
    )
    assert checked == ("checked", {})


async def test_an_edit_of_an_integration_names_headers_and_not_what_they_say(desk: HttpDesk) -> None:
    delivery = await desk.delivery(headers={"X-Team": "not-a-real-secret"})
    path = f"/v1/integrations/{delivery.id}"
    await desk.ok("PATCH", path, {"name": "New", "production": {"path": "/v2", "rate_per_s": 3}})
    await desk.ok("PATCH", path, {"production": {"headers": {"X-Team": "not-a-real-secret-either"}}})
    assert (await entries(desk))[-2:] == [
        (
            "edited",
            {
                "before": {
                    "name": "CRM endpoint",
                    "production.path": "/hra",
                    "production.rate_per_s": None,
                },
                "after": {"name": "New", "production.path": "/v2", "production.rate_per_s": 3.0},
            },
        ),
        ("edited", {"replaced": ["production.headers"]}),
    ]


async def test_rules_sources_and_pings_say_it_too(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    channel = await desk.ok("POST", "/v1/channels", {"name": "chat", "url": "json://127.0.0.1:9/x"})
    rule = await desk.ok("POST", "/v1/rules", {"name": "all", "channel_ids": [channel["id"]]})
    await desk.ok("PATCH", f"/v1/rules/{rule['id']}", {"enabled": False})
    await desk.ok("PATCH", "/v1/sources/heart", {"levels": ["low"]})
    ping = f"/v1/connections/{delivery.connection_id}/ping"
    await desk.ok("PUT", ping, {"schedule": {"every_s": 3600}})
    await desk.ok("PUT", ping, {"schedule": {"every_s": 7200}, "new_address": True})
    await desk.call("DELETE", ping)
    told = (await entries(desk))[-5:]
    assert told[0] == ("edited", {"before": {"enabled": True}, "after": {"enabled": False}})
    assert told[1] == ("edited", {"before": {"levels": []}, "after": {"levels": ["low"]}})
    assert told[2][1]["after"]["every_s"] == 3600
    assert told[3][1]["before"]["every_s"] == 3600
    assert told[3][1]["after"]["every_s"] == 7200
    assert told[3][1]["replaced"] == ["address"]
    assert told[4][1]["before"]["every_s"] == 7200


async def test_no_secret_is_in_any_entry(desk: HttpDesk) -> None:
    async with Github() as github:
        made = await add(desk, github)
        path = f"/v1/connections/{made['id']}"
        await desk.ok("POST", f"{path}/credentials", with_token(SAME))
        await desk.ok("POST", f"{path}/credentials/put-back", {})
        await desk.ok("PATCH", path, {"name": "again", "callback_secret": "not-a-real-secret"})
        await desk.ok("PUT", f"{path}/members/mia", {"grant": "manager"})
        assert (await desk.call("DELETE", path)).status == 204
    rows = await desk.engine.ctx.store.read(lambda conn: list(conn.execute(sa.select(activity))))
    assert [row.verb for row in rows] == [
        "added",
        "updated credentials",
        "put credentials back",
        "edited",
        "added member",
        "disconnected",
    ]
    text = repr([tuple(row) for row in rows])
    for secret in (TOKEN, SAME, "not-a-real-secret"):
        assert secret not in text
