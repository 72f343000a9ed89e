"""What operators configure: connections, integrations, keys, sources, and the trace each change leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.store import connections as connection_queries
from healthdesk.testing import FakeClock, FakeEndpoint

TOKEN = "token-1234567890-abcd"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock) as made:
        yield made


async def activity(desk: HttpDesk) -> list[dict[str, Any]]:
    page = await desk.ok("GET", "/v1/activity", params={"limit": "500"})
    return list(page["items"])


async def last_done(desk: HttpDesk) -> tuple[str, str, str]:
    newest = (await activity(desk))[0]
    return newest["user"], newest["verb"], newest["object_kind"]


async def test_a_connection_with_a_heartbeat_is_checked_as_it_is_added(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        made = await desk.connection(
            base_url=endpoint.url,
            credentials={"auth": "bearer", "token": TOKEN},
            heartbeat={"path": "/health"},
        )
        assert (made["state"], made["state_word"]) == ("connected", "Connected")
        assert made["credential_hint"] == "••••abcd"
        assert made["owner"] == "alice"
        assert made["explanation"] is None
        [check] = (await desk.ok("GET", f"/v1/connections/{made['id']}/heartbeats"))["items"]
        assert (check["ok"], check["status"]) == (True, 200)


async def test_a_refused_credential_says_so_and_new_ones_are_tried_at_once(desk: HttpDesk) -> None:
    async with FakeEndpoint() as endpoint:
        endpoint.answer(401)
        made = await desk.connection(
            base_url=endpoint.url,
            credentials={"auth": "bearer", "token": TOKEN},
            heartbeat={"path": "/"},
            unchecked=True,
        )
        assert (made["state"], made["state_word"]) == ("failing", "Connection failure")
        explanation = made["explanation"]
        assert "401" in explanation["sentence"]
        assert (explanation["blame"], explanation["key"]) == ("credential", "u")
        assert explanation["since"]
        endpoint.answer(200)
        path = f"/v1/connections/{made['id']}/credentials"
        mended = await desk.ok("POST", path, {"credentials": {"auth": "bearer", "token": "new-" + TOKEN}})
        assert mended["state"] == "connected"
        assert (await last_done(desk)) == ("alice", "updated credentials", "connection")


async def test_no_answer_holds_a_secret(desk: HttpDesk) -> None:
    made = await desk.connection(
        name="Sealed",
        credentials={"auth": "basic", "username": "desk", "password": "pass-phrase-9876"},
        verification={"scheme": "hmac"},
        callback_secret="callback-secret-5555",
    )
    delivery = await desk.delivery()
    secret = await desk.ok("POST", f"/v1/integrations/{delivery.id}/signing-secrets", {})
    assert secret["secret"].startswith("whsec_")
    seen = [
        (await desk.call("GET", path)).body.decode()
        for path in (
            "/v1/connections",
            f"/v1/connections/{made['id']}",
            "/v1/integrations",
            f"/v1/integrations/{delivery.id}",
            f"/v1/integrations/{delivery.id}/keys",
            "/v1/activity",
            "/v1/accounts",
        )
    ]
    for hidden in ("pass-phrase", "callback-secret", delivery.key, secret["secret"], secret["secret"][6:20]):
        assert all(hidden not in text for text in seen), hidden
    row = await desk.engine.ctx.store.read(connection_queries.get_secret, made["id"])
    assert "pass-phrase" not in row.credentials_enc
    assert "pass-phrase-9876" in desk.engine.ctx.vault.decrypt(row.credentials_enc)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "base_url"),
        ({"name": "", "base_url": "https://a.example"}, "name"),
        ({"name": "x", "base_url": "ftp://a.example"}, "base_url"),
        ({"name": "x", "base_url": "https://a.example", "app": "nosuch"}, "app"),
        (
            {"name": "x", "base_url": "https://a.example", "credentials": {"auth": "bearer"}},
            "credentials.token",
        ),
        (
            {"name": "x", "base_url": "https://a.example", "verification": {"scheme": "hmac"}},
            "callback_secret",
        ),
        (
            {
                "name": "x",
                "base_url": "https://a.example",
                "verification": {"scheme": "standard_webhooks"},
                "callback_secret": "not base64!",
            },
            "callback_secret",
        ),
        ({"name": "x", "base_url": "https://a.example", "colour": "red"}, "colour"),
    ],
)
async def test_a_connection_that_cannot_work_is_refused_and_not_added(
    desk: HttpDesk, body: dict[str, Any], field: str | None
) -> None:
    answer = await desk.call("POST", "/v1/connections", body)
    assert answer.status == 400, answer.body
    if field:
        assert answer.json["field"] == field
    assert (await desk.ok("GET", "/v1/connections"))["items"] == []
    assert await activity(desk) == []


async def test_an_edit_changes_what_it_names_only(desk: HttpDesk) -> None:
    made = await desk.connection(callback_limit_per_minute=5)
    path = f"/v1/connections/{made['id']}"
    renamed = await desk.ok("PATCH", path, {"name": "Customer relations"})
    assert (renamed["name"], renamed["callback_limit_per_minute"]) == ("Customer relations", 5)
    cleared = await desk.ok("PATCH", path, {"callback_limit_per_minute": None})
    assert cleared["callback_limit_per_minute"] is None
    assert cleared["state_word"] == "Judged by deliveries"
    async with FakeEndpoint() as endpoint:
        checked = await desk.ok("PATCH", path, {"base_url": endpoint.url, "heartbeat": {"path": "/up"}})
        assert (checked["state"], checked["heartbeat"]["path"]) == ("connected", "/up")
    judged = await desk.ok("PATCH", path, {"clear_heartbeat": True})
    assert (judged["heartbeat"], judged["judged_by_deliveries"]) == (None, True)
    assert (await desk.call("PATCH", path, {"verification": {"scheme": "hmac"}})).status == 400
    entry = (await activity(desk))[0]
    assert entry["detail"] == {"before": {"heartbeat": "GET /up, 200"}, "after": {"heartbeat": ""}}


async def test_a_connection_in_use_is_not_disconnected(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    answer = await desk.call("DELETE", f"/v1/connections/{delivery.connection_id}")
    assert (answer.status, answer.headers["Content-Type"]) == (409, "application/problem+json")
    other = await desk.connection(name="spare")
    assert (await desk.call("DELETE", f"/v1/connections/{other['id']}")).status == 204
    assert (await desk.call("GET", f"/v1/connections/{other['id']}")).status == 404
    assert await last_done(desk) == ("alice", "disconnected", "connection")


async def test_an_integration_from_adding_to_pausing(desk: HttpDesk) -> None:
    delivery = await desk.delivery(headers={"X-Tenant": "acme"}, timeout_s=5)
    shown = await desk.ok("GET", f"/v1/integrations/{delivery.id}")
    [production] = shown["environments"]
    assert production["endpoint"] == "http://127.0.0.1:9/hra"
    assert (production["timeout_s"], production["concurrency"]) == (5, 16)
    assert shown["records_url"].endswith(f"/v1/records/{delivery.id}")
    assert shown["sources"] == ["heart"]
    assert production["key_hint"].startswith("••••")
    paused = await desk.ok("POST", f"/v1/integrations/{delivery.id}/pause", {"environment": "production"})
    assert paused["environments"][0]["state"] == "paused"
    before = len(await activity(desk))
    await desk.ok("POST", f"/v1/integrations/{delivery.id}/pause", {})
    assert len(await activity(desk)) == before
    assert (
        await desk.call("POST", f"/v1/integrations/{delivery.id}/pause", {"environment": "testing"})
    ).status == 404
    resumed = await desk.ok("POST", f"/v1/integrations/{delivery.id}/resume", {})
    assert resumed["environments"][0]["state"] == "active"
    assert await last_done(desk) == ("alice", "resumed", "integration")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"connection_id": "con_nosuch"}, "production.connection_id"),
        ({"headers": {"webhook-id": "x"}}, "production.headers"),
        ({"headers": {"Authorization": "Bearer x"}}, "production.headers"),
        ({"headers": {"X-Auth-Token": "x"}}, "production.headers"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "production.headers"),
        ({"headers": {"bad name": "a"}}, "production.headers"),
        ({"concurrency": 0}, "production.concurrency"),
        ({"timeout_s": -1}, "production.timeout_s"),
        ({"path": "/a b"}, "production.path"),
    ],
)
async def test_settings_that_cannot_work_are_refused_whole(
    desk: HttpDesk, settings: dict[str, Any], field: str
) -> None:
    connection = await desk.connection()
    body = {"name": "CRM", "production": {"connection_id": connection["id"], **settings}}
    answer = await desk.call("POST", "/v1/integrations", body)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert (await desk.ok("GET", "/v1/integrations"))["items"] == []


async def test_an_environment_is_added_by_an_edit_and_limits_are_cleared_by_null(desk: HttpDesk) -> None:
    delivery = await desk.delivery(rate_per_s=5)
    path = f"/v1/integrations/{delivery.id}"
    assert (await desk.call("PATCH", path, {"testing": {"path": "/t"}})).json[
        "field"
    ] == "testing.connection_id"
    shared = await desk.call("PATCH", path, {"testing": {"connection_id": delivery.connection_id}})
    assert (shared.status, shared.json["field"]) == (400, "testing.connection_id")
    assert "a connection of its own" in shared.json["fix"]
    other = (await desk.connection(name="CRM test"))["id"]
    both = await desk.ok("PATCH", path, {"name": "Both", "testing": {"connection_id": other, "path": "/hra"}})
    assert {each["environment"] for each in both["environments"]} == {"production", "testing"}
    [note] = both["notes"]
    assert "same URL, http://127.0.0.1:9/hra" in note
    secret = await desk.call("PATCH", path, {"testing": {"path": "/t?a=b&api_key=k3y"}})
    assert (secret.status, secret.json["field"]) == (400, "testing.path")
    assert "the parameter api_key is a secret" in secret.json["detail"]
    assert "k3y" not in str(secret.json)
    tried = await desk.ok("PATCH", path, {"testing": {"path": "/t?code={data.code}"}})
    assert (tried["notes"], tried["environments"][1]["path"]) == ([], "/t?code={data.code}")
    swapped = await desk.call("PATCH", path, {"production": {"connection_id": other}})
    assert (swapped.status, swapped.json["field"]) == (400, "production.connection_id")
    cleared = await desk.ok("PATCH", path, {"production": {"rate_per_s": None}})
    production = next(each for each in cleared["environments"] if each["environment"] == "production")
    assert (production["rate_per_s"], production["path"]) == (None, "/hra")
    assert (await desk.call("PATCH", path, {"production": {"path": None}})).status == 400
    assert (await activity(desk))[0]["detail"] == {
        "before": {"production.rate_per_s": 5.0},
        "after": {"production.rate_per_s": None},
    }
    for value in ("red", "blue"):
        step = {"do": "set", "path": "colour", "value": value}
        await desk.ok(
            "PATCH", path, {"production": {"delivery": {"order": {"key": "who"}, "mapping": [step]}}}
        )
    again, first = (each["detail"] for each in (await activity(desk))[:2])
    assert first["after"] == {
        "production.delivery.order": {"key": "who"}, "production.delivery.mapping": "set colour",
    }  # fmt: skip
    assert again == {"replaced": ["production.delivery.mapping"]}


async def test_keys_and_signing_secrets_are_shown_once_and_overlap(desk: HttpDesk, clock: FakeClock) -> None:
    delivery = await desk.delivery()
    path = f"/v1/integrations/{delivery.id}/keys"
    new = await desk.ok("POST", path, {"overlap_s": 3600})
    assert new["secret"].startswith("hdk_")
    assert len(new["secret"]) > 40
    listed = await desk.ok("GET", path)
    assert [each["hint"] for each in listed] == [new["hint"], "••••" + delivery.key[-4:]]
    clock.advance(3601)
    assert [each["id"] for each in await desk.ok("GET", path)] == [new["id"]]
    assert (await desk.call("POST", path, {"environment": "testing"})).status == 404


async def test_signing_secret_comes_with_its_environment_and_rotates_with_an_overlap(
    desk: HttpDesk, clock: FakeClock
) -> None:
    connection = await desk.connection()
    body = {"name": "CRM", "production": {"connection_id": connection["id"]}}
    made = await desk.ok("POST", "/v1/integrations", body)
    (first,) = made["new_signing_secrets"]
    assert first["secret"].startswith("whsec_")
    assert (first["environment"], first["replaces_until"]) == ("production", None)
    (view,) = made["environments"]
    assert view["signing_secret_hint"] == first["hint"] == "••••" + first["secret"][-4:]
    one = f"/v1/integrations/{made['id']}"
    path = f"{one}/signing-secrets"
    second = await desk.ok("POST", path, {"overlap_s": 3600})
    listed = await desk.ok("GET", path)
    assert [(each["id"], each["expires_at"]) for each in listed] == [
        (second["id"], None),
        (first["id"], second["replaces_until"]),
    ]
    assert "secret" not in listed[0]
    assert "new_signing_secrets" not in await desk.ok("GET", one)

    other = await desk.connection(name="CRM test")
    edited = await desk.ok("PATCH", one, {"testing": {"connection_id": other["id"]}})
    (testing,) = edited["new_signing_secrets"]
    assert testing["environment"] == "testing"
    assert (await desk.ok("PATCH", one, {"testing": {"path": "/t"}}))["new_signing_secrets"] == []
    clock.advance(3601)
    assert [each["id"] for each in await desk.ok("GET", path)] == [testing["id"], second["id"]]
    assert (await desk.call("GET", "/v1/integrations/int_nosuch/signing-secrets")).status == 404


async def test_sources_by_id_or_key(desk: HttpDesk) -> None:
    made = await desk.ok(
        "POST",
        "/v1/sources",
        {"key": "sleep", "name": "Sleep", "levels": ["low", "low", "high"], "fields": [{"name": "hours"}]},
    )
    assert made["levels"] == ["low", "high"]
    assert (await desk.call("POST", "/v1/sources", {"key": "sleep", "name": "Again"})).status == 409
    assert (await desk.call("POST", "/v1/sources", {"key": "Bad Key", "name": "x"})).status == 400
    twice = {"fields": [{"name": "a"}, {"name": "a"}]}
    assert (await desk.call("PATCH", "/v1/sources/sleep", twice)).json["field"] == "fields"
    edited = await desk.ok("PATCH", f"/v1/sources/{made['id']}", {"name": "Sleep quality"})
    assert (edited["name"], edited["levels"]) == ("Sleep quality", ["low", "high"])
    assert (await desk.ok("GET", "/v1/sources/sleep"))["id"] == made["id"]
    assert (await desk.call("GET", "/v1/sources/nosuch")).status == 404
    answer = await desk.call("POST", "/v1/sources/sleep/enable", {"integration_id": "int_nosuch"})
    assert answer.status == 404


READS = (
    "/v1/status", "/v1/accounts", "/v1/apps", "/v1/connections", "/v1/integrations", "/v1/sources", "/v1/records",
    "/v1/records/count", "/v1/ledger", "/v1/callbacks", "/v1/problems", "/v1/channels", "/v1/rules", "/v1/alerts",
    "/v1/activity", "/v1/openapi.json",
)  # fmt: skip


async def test_members_read_and_change_nothing(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    before = await activity(desk)
    desk.operator = Operator("mia", Role.MEMBER)
    for path in READS:
        assert (await desk.call("GET", path)).status == 200, path
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/v1/connections", {"name": "x", "base_url": "https://a.example"}),
        ("PATCH", f"/v1/connections/{delivery.connection_id}", {"name": "x"}),
        ("POST", f"/v1/connections/{delivery.connection_id}/check", None),
        ("POST", f"/v1/connections/{delivery.connection_id}/credentials", {"credentials": {}}),
        ("DELETE", f"/v1/connections/{delivery.connection_id}", None),
        ("POST", f"/v1/integrations/{delivery.id}/pause", {}),
        ("GET", f"/v1/integrations/{delivery.id}/keys", None),
        ("POST", f"/v1/integrations/{delivery.id}/keys", {}),
        ("GET", f"/v1/integrations/{delivery.id}/signing-secrets", None),
        ("POST", f"/v1/integrations/{delivery.id}/signing-secrets", {}),
        ("PATCH", "/v1/sources/heart", {"name": "x"}),
        ("POST", "/v1/records/resend", {"ids": ["rec_x"]}),
        ("POST", "/v1/records/resend-all", {"filter": {}, "dry_run": True}),
        ("POST", "/v1/channels", {"name": "x", "url": "json://x"}),
        ("POST", "/v1/rules", {"name": "x", "channel_ids": ["chn_x"]}),
        ("POST", "/v1/problems/prb_x/ack", {}),
    ]
    for method, path, body in changes:
        answer = await desk.call(method, path, body)
        assert answer.status == 403, (method, path, answer.body)
        assert "administrator" in answer.json["fix"]
    assert await activity(desk) == before


async def test_the_owner_manages_the_health_of_their_connection_whatever_their_role(desk: HttpDesk) -> None:
    desk.operator = Operator("olga", Role.MANAGER)
    async with FakeEndpoint() as endpoint:
        made = await desk.connection(base_url=endpoint.url, heartbeat={"path": "/"})
        desk.operator = Operator("olga", Role.MEMBER)
        assert (await desk.ok("POST", f"/v1/connections/{made['id']}/check"))["state"] == "connected"
        await desk.ok("PATCH", f"/v1/connections/{made['id']}", {"name": "x"})


async def test_preferences_are_each_operators_own(desk: HttpDesk) -> None:
    path = "/v1/preferences/log.filter"
    assert (await desk.ok("GET", path))["value"] is None
    assert (await desk.call("PUT", path, {"value": {"states": ["failed"]}})).status == 204
    assert (await desk.ok("GET", path))["value"] == {"states": ["failed"]}
    desk.operator = Operator("mia", Role.MEMBER)
    assert (await desk.ok("GET", path))["value"] is None
    assert (await desk.call("PUT", path, {"value": "x" * 20_000})).status == 400
    assert (await desk.call("GET", "/v1/preferences/a%2Fb")).status == 400


async def test_apps_are_the_folders(desk: HttpDesk) -> None:
    apps = await desk.ok("GET", "/v1/apps")
    assert {"id": "http-endpoint", "name": "HTTP endpoint"} in [
        {key: app[key] for key in ("id", "name")} for app in apps
    ]
    assert [app["name"].lower() for app in apps] == sorted(app["name"].lower() for app in apps)


async def test_a_name_is_one_connections(desk: HttpDesk) -> None:
    made, other = await desk.connection(), await desk.connection(name="Spare")
    refused = await desk.call("POST", "/v1/connections", {"name": "CRM", "base_url": "http://127.0.0.1:9/"})
    assert (refused.status, refused.json["field"]) == (409, "name")
    assert made["id"] in refused.json["fix"]
    path = f"/v1/connections/{other['id']}"
    assert (await desk.call("PATCH", path, {"name": "CRM"})).status == 409
    assert (await desk.ok("PATCH", path, {"name": "Spare", "base_url": "http://127.0.0.1:8/"}))[
        "name"
    ] == "Spare"
    assert (await desk.call("DELETE", path)).status == 204
    await desk.connection(name="Spare")


async def test_what_is_not_there_says_where_to_look(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    missing = await desk.call("GET", "/v1/sources/nope")
    assert (missing.status, missing.json["fix"]) == (404, "`healthdesk sources list` names them")
    path = f"/v1/integrations/{delivery.id}"
    unset = await desk.call("PATCH", path, {"testing": {"path": "/t"}})
    assert unset.status == 400
    assert "--connection" in unset.json["fix"]
