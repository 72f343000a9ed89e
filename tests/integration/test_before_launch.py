"""What is tried before launch: a signed probe of an environment, and promoting testing to production."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import Environment
from healthdesk.store import integrations
from healthdesk.testing import FakeClock, FakeEndpoint

TOKEN = "token-1234567890-abcd"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        yield made


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as made:
        yield made


async def integration(desk: HttpDesk, endpoint: FakeEndpoint, **more: Any) -> dict[str, Any]:
    connection = await desk.connection(
        name=f"CRM {len(more)}", base_url=endpoint.url, credentials={"auth": "bearer", "token": TOKEN}
    )
    testing = {"connection_id": connection["id"], "path": "/v2/hra", "method": "PUT", "rate_per_s": 5}
    body = {"name": "CRM", "testing": testing, **more}
    return dict(await desk.ok("POST", "/v1/integrations", json=body))


async def test_a_probe_is_signed_and_shows_the_exchange(desk: HttpDesk, endpoint: FakeEndpoint) -> None:
    made = await integration(desk, endpoint)
    [secret] = made["new_signing_secrets"]
    probed = await desk.ok("POST", f"/v1/integrations/{made['id']}/test", json={"environment": "testing"})
    [request] = endpoint.requests
    assert (request.method, request.path) == ("PUT", "/v2/hra")
    assert request.headers["healthdesk-probe"] == "true"
    sent = Webhook(secret["secret"]).verify(request.body, dict(request.headers))
    assert (sent["healthdesk"], sent["environment"]) == ("test", "testing")
    assert probed["ok"] is True
    exchange = probed["exchange"]
    assert (exchange["status"], exchange["method"]) == (200, "PUT")
    assert TOKEN not in str(exchange)
    assert '"healthdesk": "test"' in exchange["request_body"]["text"]
    assert (await desk.ok("GET", "/v1/records"))["items"] == []
    newest = (await desk.ok("GET", "/v1/activity"))["items"][0]
    assert (newest["verb"], newest["detail"]) == ("probed", {"environment": "testing", "status": 200})


@pytest.mark.parametrize(
    ("status", "words"), [(401, "401"), (404, "404"), (422, "takes the credentials"), (503, "503")]
)
async def test_a_probe_says_what_the_answer_means(
    desk: HttpDesk, endpoint: FakeEndpoint, status: int, words: str
) -> None:
    made = await integration(desk, endpoint)
    endpoint.answer(status)
    probed = await desk.ok("POST", f"/v1/integrations/{made['id']}/test", json={"environment": "testing"})
    assert probed["ok"] is False
    assert words in probed["sentence"]
    assert probed["blame"]


async def test_an_environment_that_is_not_there_is_not_probed(desk: HttpDesk, endpoint: FakeEndpoint) -> None:
    made = await integration(desk, endpoint)
    answer = await desk.call(
        "POST", f"/v1/integrations/{made['id']}/test", json={"environment": "production"}
    )
    assert answer.status == 404
    assert "no environment production" in answer.json["detail"]
    assert endpoint.requests == []


async def test_a_probe_leaves_at_the_rate_and_production_is_confirmed(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    clock = FakeClock()
    async with http_desk(tmp_path, clock=clock) as desk:
        other = await desk.connection(name="CRM live", base_url=endpoint.url)
        made = await integration(desk, endpoint, production={"connection_id": other["id"]})
        path = f"/v1/integrations/{made['id']}"
        live = {"environment": "production"}
        for confirm in ({}, {"confirm": "crm"}):
            refused = await desk.call("POST", f"{path}/test", json=live | confirm)
            assert (refused.status, refused.json["field"]) == (400, "confirm")
        assert endpoint.requests == []
        assert (await desk.ok("POST", f"{path}/test", json=live | {"confirm": "CRM"}))["ok"] is True

        began = clock.monotonic()
        for number in (1, 2):
            probing = asyncio.create_task(desk.ok("POST", f"{path}/test", json={}))
            while not probing.done():
                await clock.run_for(0.01)
            assert probing.result()["ok"] is True
            assert clock.monotonic() - began >= number / 5 - 1e-9, "five a second, the first after a fifth"
        await desk.ok("PATCH", path, json={"testing": {"rate_per_s": 0.01}})
        refused = await desk.call("POST", f"{path}/test", json={})
        assert refused.status == 409
        assert "allows the next request in" in refused.json["detail"]
        assert len(endpoint.requests) == 3


async def test_promoting_copies_the_settings_and_leaves_credentials(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    other = await desk.connection(name="CRM live", base_url=endpoint.url)
    made = await integration(desk, endpoint, production={"connection_id": other["id"], "path": "/v1/hra"})
    path = f"/v1/integrations/{made['id']}"
    shown = await desk.ok("GET", f"{path}/promotion")
    copied = {
        each["name"]: (each["testing"], each["production"]) for each in shown["changes"] if each["copied"]
    }
    assert copied == {"path": ("/v2/hra", "/v1/hra"), "method": ("PUT", "POST"), "rate_per_s": (5, None)}
    [stays] = [each for each in shown["changes"] if not each["copied"]]
    assert stays["name"] == "connection"

    promoted = await desk.ok("POST", f"{path}/promote", json={"version": shown["version"]})
    live = next(each for each in promoted["environments"] if each["environment"] == "production")
    assert (live["path"], live["method"], live["rate_per_s"]) == ("/v2/hra", "PUT", 5)
    assert live["connection_id"] == other["id"]
    assert promoted["new_signing_secrets"] == []
    after = await desk.ok("GET", f"{path}/promotion")
    assert after["copied"] == 0


async def test_a_header_with_a_secret_from_before_is_masked_and_goes_nowhere_else(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    other = await desk.connection(name="CRM live", base_url=endpoint.url)
    made = await integration(desk, endpoint, production={"connection_id": other["id"], "path": "/v1/hra"})
    path = f"/v1/integrations/{made['id']}"
    headers = {"headers": {"X-Team": "ops", "X-Auth-Token": TOKEN}}
    store, now = desk.engine.ctx.store, desk.engine.ctx.clock.now()
    await store.write(integrations.put_environment, made["id"], Environment.TESTING, headers, now)
    shown = await desk.ok("GET", f"{path}/promotion")
    [copied] = [each for each in shown["changes"] if each["name"] == "headers"]
    assert copied["testing"] == {"X-Team": "ops"}
    assert "X-Auth-Token of testing holds a secret" in shown["notes"][0]
    promoted = await desk.ok("POST", f"{path}/promote", json={"version": shown["version"]})
    by_name = {each["environment"]: each["headers"] for each in promoted["environments"]}
    assert by_name["production"] == {"X-Team": "ops"}
    assert by_name["testing"]["X-Auth-Token"] != TOKEN
    exported = (await desk.call("GET", "/v1/setup")).body.decode()
    assert TOKEN not in exported
    assert "# Not in this file: header X-Auth-Token of CRM testing, as it holds a secret" in exported
    changed = exported.replace('X-Team = "ops"', 'X-Team = "dev"')
    for text, refused in ((exported, 0), (changed, 1)):
        planned = await desk.ok("POST", "/v1/setup", {"text": text})
        assert (planned["refused"], planned["changed"]) == (refused, 0)


async def test_what_changed_since_it_was_compared_is_not_promoted(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    other = await desk.connection(name="CRM live", base_url=endpoint.url)
    made = await integration(desk, endpoint, production={"connection_id": other["id"]})
    path = f"/v1/integrations/{made['id']}"
    shown = await desk.ok("GET", f"{path}/promotion")
    await desk.ok("PATCH", path, json={"testing": {"path": "/v3/hra"}})
    answer = await desk.call("POST", f"{path}/promote", json={"version": shown["version"]})
    assert answer.status == 409


async def test_a_production_made_by_promoting_needs_a_connection_of_its_own(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    made = await integration(desk, endpoint)
    path = f"/v1/integrations/{made['id']}"
    shown = await desk.ok("GET", f"{path}/promotion")
    assert shown["creates"] is True
    refused = await desk.call("POST", f"{path}/promote", json={"version": shown["version"]})
    assert (refused.status, refused.json["field"]) == (400, "connection_id")
    own = made["environments"][0]["connection_id"]
    shared = await desk.call(
        "POST", f"{path}/promote", json={"version": shown["version"], "connection_id": own}
    )
    assert (shared.status, shared.json["field"]) == (400, "production.connection_id")
    assert "a connection of its own" in shared.json["fix"]
    other = await desk.connection(name="CRM live", base_url=endpoint.url)
    promoted = await desk.ok(
        "POST", f"{path}/promote", json={"version": shown["version"], "connection_id": other["id"]}
    )
    [secret] = promoted["new_signing_secrets"]
    assert secret["environment"] == "production"


async def test_what_only_another_app_knows_is_not_promoted_and_production_is_checked(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    app = {"app": "hubspot", "credentials": {"auth": "private_app", "token": TOKEN}, "unchecked": True}
    hub = await desk.ok("POST", "/v1/connections", {"name": "HubSpot", "base_url": endpoint.url, **app})
    live = {"connection_id": hub["id"], "delivery": {"operation": "upsert"}}
    made = await integration(desk, endpoint, production=live)
    path = f"/v1/integrations/{made['id']}"
    await desk.ok("PATCH", path, json={"testing": {"delivery": {"receipt": {"statuses": [202]}}}})
    shown = await desk.ok("GET", f"{path}/promotion")
    kept = {each["name"]: each["why"] for each in shown["changes"] if not each["copied"]}
    assert kept.keys() == {"path", "method", "delivery.receipt", "delivery.operation", "connection"}
    assert "testing delivers to an HTTP endpoint, production to HubSpot" in kept["path"]
    assert [each["name"] for each in shown["changes"] if each["copied"]] == ["rate_per_s"]
    promoted = await desk.ok("POST", f"{path}/promote", json={"version": shown["version"]})
    production = next(each for each in promoted["environments"] if each["environment"] == "production")
    assert (production["path"], production["delivery"]["operation"]) == ("", "upsert")

    one = await desk.ok("POST", "/v1/integrations", {"name": "New", "testing": {**live}})
    shown = await desk.ok("GET", f"/v1/integrations/{one['id']}/promotion")
    other = await desk.connection(name="CRM live", base_url=endpoint.url)
    confirmed = {"version": shown["version"], "connection_id": other["id"]}
    refused = await desk.call("POST", f"/v1/integrations/{one['id']}/promote", confirmed)
    assert (refused.status, refused.json["field"]) == (400, "connection_id")
    assert "is of an HTTP endpoint" in refused.json["detail"]


async def test_a_probe_of_a_mapped_environment_is_a_sample_as_the_endpoint_receives_it(
    desk: HttpDesk, endpoint: FakeEndpoint
) -> None:
    made = await integration(desk, endpoint)
    path = f"/v1/integrations/{made['id']}"
    await desk.ok("POST", "/v1/sources", json={"key": "heart", "name": "Heart", "levels": ["low"]})
    await desk.ok("POST", "/v1/sources/heart/enable", json={"integration_id": made["id"], "enabled": True})
    mapping = [
        {"do": "rename", "path": "score", "to": "risk.points"},
        {"do": "set", "path": "origin", "value": "{source}/{level}"},
    ]
    edited = {"testing": {"path": "/hra/{source}", "delivery": {"body": "json", "mapping": mapping}}}
    await desk.ok("PATCH", path, json=edited)
    probed = await desk.ok("POST", f"{path}/test", json={"environment": "testing"})
    assert probed["ok"] is True, probed
    [request] = endpoint.requests
    assert request.path == "/hra/heart"
    sent = json.loads(request.body)
    assert sent["origin"] == "heart/low"
    assert "points" in sent["risk"]
    assert json.loads(probed["exchange"]["request_body"]["text"]) == sent
