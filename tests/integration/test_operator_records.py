"""The log, one record, reveal and resend, over a running engine and an endpoint that misbehaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import Delivery, HttpDesk, http_desk, record

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeEndpoint


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as made:
        yield made


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        await made.engine.start()
        try:
            yield made
        finally:
            await made.engine.stop(1)


@pytest.fixture
async def delivery(desk: HttpDesk, endpoint: FakeEndpoint) -> Delivery:
    made = await desk.delivery()
    await desk.ok("PATCH", f"/v1/connections/{made.connection_id}", {"base_url": endpoint.url})
    return made


async def until(desk: HttpDesk, path: str, true: Callable[[Any], bool]) -> Any:
    """Ask again after each change of the desk, until the answer is what is waited for."""
    changed = asyncio.Event()
    desk.engine.ctx.bus.on_event(lambda _event: changed.set())
    async with asyncio.timeout(60):
        while not true(answer := await desk.ok("GET", path)):
            await changed.wait()
            changed.clear()
    return answer


async def settled(desk: HttpDesk, record_id: str, state: str) -> Any:
    return await until(desk, f"/v1/records/{record_id}", lambda shown: shown["state"] == state)


async def failed(desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint, **more: Any) -> Any:
    endpoint.answer(422, json={"message": "risk_level is required", "participant": "Grace Hopper"})
    posted = await delivery.post(record(**more))
    return await settled(desk, posted.json["id"], "failed")


async def test_a_failed_record_says_why_and_masks_its_values(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    shown = await failed(desk, delivery, endpoint)
    assert shown["last_status"] == 422
    explanation = shown["explanation"]
    assert "the endpoint refused the record, 422" in explanation["sentence"]
    assert "risk_level is required" in explanation["sentence"]
    assert explanation["key"] == "s"
    assert explanation["next_action"]
    assert shown["similar"] == 1
    [attempt] = shown["attempts"]
    assert (attempt["status"], attempt["outcome"], attempt["trigger"]) == (422, "refused", "first")
    assert json.loads(shown["request_body"]["text"]) == {"participant": "••••", "score": "••••"}
    posted = json.loads(shown["posted_body"]["text"])
    assert (posted["source"], posted["data"]["participant"]) == ("heart", "••••")
    assert "Grace" not in json.dumps(shown)
    assert shown["response_body"]["masked"] is True
    detail = await desk.ok("GET", f"/v1/records/{shown['id']}/attempts/{attempt['id']}")
    assert "Grace" not in json.dumps(detail)
    assert (await desk.ok("GET", f"/v1/records/{shown['id']}/attempts"))["items"] == [attempt]


async def test_a_value_that_the_endpoint_uses_as_a_key_is_masked_too(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    endpoint.answer(422, json={"errors": {"Grace Hopper": ["is unknown"]}})
    posted = await delivery.post()
    shown = await settled(desk, posted.json["id"], "failed")
    assert "errors" in shown["response_body"]["text"]
    assert "Grace" not in json.dumps(shown)


async def test_fields_declared_harmless_are_shown(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    fields = [{"name": "score", "sensitive": False}, {"name": "participant"}]
    await desk.ok("PATCH", "/v1/sources/heart", {"fields": fields})
    shown = await failed(desk, delivery, endpoint)
    assert json.loads(shown["request_body"]["text"]) == {"participant": "••••", "score": 71}
    assert json.loads(shown["posted_body"]["text"])["data"] == {"participant": "••••", "score": 71}


async def test_who_reveals_is_in_the_activity_and_sees_the_exact_bytes(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    shown = await failed(desk, delivery, endpoint, data={"participant": "Grace Hopper", "x": [1.50, None]})
    path = f"/v1/records/{shown['id']}/reveal"
    desk.operator = Operator("mia", Role.MEMBER)
    assert (await desk.call("POST", path)).status == 403
    desk.operator = Operator("max", Role.MANAGER)
    revealed = await desk.ok("POST", path)
    assert revealed["request_body"]["text"] == '{"participant": "Grace Hopper", "x": [1.5, null]}'
    assert revealed["request_body"]["masked"] is False
    assert "Grace" in revealed["response_body"]["text"]
    newest = (await desk.ok("GET", "/v1/activity", params={"object_id": shown["id"]}))["items"][0]
    assert (newest["user"], newest["verb"], newest["object_kind"]) == ("max", "revealed", "record")
    assert (await desk.call("POST", "/v1/records/rec_nosuch/reveal")).status == 404


async def test_a_resend_sends_again_with_the_same_webhook_id(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    shown = await failed(desk, delivery, endpoint)
    endpoint.answer(200)
    assert (await desk.ok("POST", f"/v1/records/{shown['id']}/resend", {}))["resent"] == 1
    delivered = await settled(desk, shown["id"], "delivered")
    assert [each["trigger"] for each in delivered["attempts"]] == ["first", "resend"]
    assert delivered["attempts"][1]["triggered_by"] == "alice"
    assert (delivered["tries"], delivered["attempts_total"]) == (1, 2)
    first, second = await endpoint.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert delivered["explanation"] is None
    assert (await desk.ok("GET", "/v1/activity"))["items"][0]["verb"] == "resent"
    assert (await desk.call("POST", "/v1/records/rec_nosuch/resend", {})).status == 404


async def test_marked_ones_are_resent_together_and_the_rest_says_why_not(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    bad = [(await failed(desk, delivery, endpoint))["id"] for _ in range(2)]
    endpoint.answer(200)
    body = {"ids": [*bad, bad[0], "rec_nosuch"]}
    resent = await desk.ok("POST", "/v1/records/resend", body)
    assert resent["resent"] == 2
    assert list(resent["skipped"]) == ["rec_nosuch"]
    for record_id in bad:
        await settled(desk, record_id, "delivered")
    assert (await desk.call("POST", "/v1/records/resend", {"ids": []})).status == 400
    assert (await desk.call("POST", "/v1/records/resend", {"ids": ["x"] * 501})).status == 400


async def test_all_in_the_filter_are_resent_if_they_are_still_what_was_confirmed(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    bad = [(await failed(desk, delivery, endpoint))["id"] for _ in range(3)]
    endpoint.answer(200)
    good = (await delivery.post()).json["id"]
    await settled(desk, good, "delivered")
    chosen = {"integration_id": delivery.id}
    plan = await desk.ok("POST", "/v1/records/resend-all", {"filter": chosen, "dry_run": True})
    assert (plan["total"], plan["skipped_delivered"]) == (3, 1)
    [group] = plan["groups"]
    assert (group["status"], group["count"], group["problem_state"]) == (422, 3, "open")
    missing = await desk.call("POST", "/v1/records/resend-all", {"filter": chosen})
    assert (missing.status, missing.json["field"]) == (400, "expect")
    wrong = await desk.call("POST", "/v1/records/resend-all", {"filter": chosen, "expect": 2})
    assert wrong.status == 409
    assert (await desk.ok("GET", "/v1/records/count", params={"state": "failed"}))["total"] == 3
    done = await desk.ok("POST", "/v1/records/resend-all", {"filter": chosen, "expect": plan["total"]})
    assert (done["kind"], done["total"], done["counts"]["pending"]) == ("resend", 3, 3)
    for record_id in bad:
        await settled(desk, record_id, "delivered")
    ledger = await desk.ok("GET", "/v1/ledger")
    assert ledger["balanced"] is True
    assert ledger["rows"][0]["states"]["delivered"] == 4


async def test_the_log_filters_pages_and_counts(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    bad = (await failed(desk, delivery, endpoint))["id"]
    endpoint.answer(200)
    good = [(await delivery.post()).json["id"] for _ in range(4)]
    for record_id in good:
        await settled(desk, record_id, "delivered")
    every = await desk.ok("GET", "/v1/records")
    assert [row["id"] for row in every["items"]] == [*reversed(good), bad]
    assert every["next"] is None
    assert every["items"][0]["integration_name"] == "CRM endpoint"
    assert "Grace" not in json.dumps(every)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await desk.ok("GET", "/v1/records", params={"limit": "2", "direction": "oldest", **after})
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [bad, *good]
    states = [("state", "failed"), ("state", "held")]
    assert [row["id"] for row in (await desk.ok("GET", "/v1/records", params=states))["items"]] == [bad]
    problem_id = every["items"][-1]["problem_id"]
    assert (await desk.ok("GET", "/v1/records/count", params={"problem_id": problem_id}))["total"] == 1
    counted = await desk.ok("GET", "/v1/records/count", params={"exact": "true", "source": "heart"})
    assert counted == {"total": 5, "exact": True}
    for bad_query in ({"limit": "501"}, {"state": "nosuch"}, {"colour": "red"}, {"arrived_from": "x"}):
        answer = await desk.call("GET", "/v1/records", params=bad_query)
        assert answer.status == 400, bad_query
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_an_operators_record_is_taken_byte_for_byte(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    raw = (
        b'{"source": "heart", "completed_at": "2026-03-02T09:00:00+01:00", "environment": "production", "data" : '
        b'{"b" : 1.50, "a": "\\u00e9"}, "integration_id": "'
        + delivery.id.encode()
        + b'", "idempotency_key": "k"}'
    )

    async def add(body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        return await desk.call("POST", "/v1/records", data=body, headers=headers)

    answer = await add(raw)
    assert answer.status == 202, answer.body
    [seen] = await endpoint.wait_for(1)
    assert seen.body == b'{"b" : 1.50, "a": "\\u00e9"}'
    assert (await add(raw)).json == {"id": answer.json["id"], "duplicate": True}
    assert (await add(raw.replace(b"1.50", b"1.5"))).status == 409
    assert (await add(raw.replace(b'"heart"', b'"sleep"'))).json["field"] == "source"
    assert (await add(raw.replace(b"+01:00", b""))).json["field"] == "completed_at"
    assert (await add(raw.replace(b"1.50", b"NaN"))).status == 400
    assert (await add(raw.replace(b'"production"', b'"testing"'))).json["field"] == "environment"
    assert (await add(b'{"data": 1, ' + raw[1:])).status == 400
    assert (await add(raw.replace(b"\\u00e9", b"\xff"))).status == 400


async def test_problems_are_shown_with_evidence_taken_and_muted(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    good = (await delivery.post()).json["id"]
    await settled(desk, good, "delivered")
    shown = await failed(desk, delivery, endpoint)
    [row] = (await desk.ok("GET", "/v1/problems"))["items"]
    assert (row["id"], row["state"], row["count"]) == (shown["problem_id"], "open", 1)
    path = f"/v1/problems/{row['id']}"
    detail = await desk.ok("GET", path)
    assert detail["last_good"]["record_id"] == good
    assert detail["first_bad"]["record_id"] == shown["id"]
    taken = await desk.ok("POST", f"{path}/ack", {"note": "looking"})
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "alice")
    muted = await desk.ok("POST", f"{path}/mute", {"for_s": 60})
    assert muted["muted_by"] == "alice"
    assert (await desk.ok("POST", f"{path}/mute", {"for_s": 0}))["muted_until"] is None
    assert (await desk.ok("POST", f"{path}/resolve", {}))["state"] == "resolved"
    assert (await desk.call("POST", f"{path}/resolve", {})).status == 409
    assert (await desk.ok("GET", "/v1/problems"))["items"] == []
    resolved = await desk.ok("GET", "/v1/problems", params={"state": "resolved"})
    assert len(resolved["items"]) == 1
    verbs = [entry["verb"] for entry in (await desk.ok("GET", "/v1/activity"))["items"]]
    assert verbs[:4] == ["resolved", "unmuted", "muted", "acknowledged"]


async def test_status_and_accounts_say_the_worst_first(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    assert (await desk.ok("GET", "/v1/status"))["sentence"] == "The connection is healthy"
    await failed(desk, delivery, endpoint)
    status = await desk.ok("GET", "/v1/status")
    assert status["sentence"] == "1 record failed"
    assert status["counts"]["records_failed"] == 1
    assert status["you"] == {"user": "alice", "role": "administrator"}
    assert (status["database"], status["writable"]) == ("sqlite", True)
    rows = await desk.ok("GET", "/v1/accounts")
    assert [(row["kind"], row["app"], row["name"]) for row in rows] == [
        ("integration", "CRM endpoint", "CRM endpoint"),
    ]
    worst = rows[0]
    assert (worst["failed"], worst["total"], worst["unit"]) == (1, 1, "records")
    assert worst["account"] == endpoint.url.removeprefix("http://")
    assert "1 record failed" in worst["explanation"]["sentence"]
    assert "risk_level" in worst["explanation"]["sentence"]
    endpoint.answer(401)
    beat = {"heartbeat": {"path": "/"}, "unchecked": True}
    await desk.ok("PATCH", f"/v1/connections/{delivery.connection_id}", beat)
    status = await desk.ok("GET", "/v1/status")
    assert status["sentence"] == "1 connection failing · 1 record failed"
    rows = await desk.ok("GET", "/v1/accounts")
    assert {(row["kind"], row["state_word"]) for row in rows} == {
        ("connection", "Connection failure"),
        ("integration", "Connection failure"),
    }


async def test_a_filter_on_a_source_that_is_not_there_is_refused_rather_than_empty(desk: HttpDesk) -> None:
    for path in ("/v1/records?source=no-such", "/v1/records/count?source=no-such"):
        answer = await desk.call("GET", path)
        assert answer.status == 400
        assert answer.json["field"] == "source"


@pytest.mark.parametrize(
    "path",
    [
        *("records", "callbacks", "problems", "alerts", "activity", "connections", "integrations"),
        *("sources", "channels", "rules", "connections/{connection}/heartbeats", "records/{record}/attempts"),
    ],
)
async def test_a_cursor_that_is_none_is_refused(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint, path: str
) -> None:
    posted = await delivery.post(record())
    path = "/v1/" + path.format(connection=delivery.connection_id, record=posted.json["id"])
    assert "items" in await desk.ok("GET", path)
    for wrong in ("garbage", delivery.id if "integrations" not in path else posted.json["id"]):
        refused = await desk.call("GET", f"{path}?after={wrong}")
        assert (refused.status, refused.json["field"]) == (400, "after"), refused.json
        assert wrong in refused.json["detail"]
        assert refused.json["fix"]


@pytest.mark.parametrize("path", ["records", "records/count", "alerts"])
async def test_a_problem_that_is_not_there_is_refused(desk: HttpDesk, path: str) -> None:
    refused = await desk.call("GET", f"/v1/{path}?problem_id=prb_nope")
    assert (refused.status, refused.json["field"]) == (400, "problem_id")
    assert "prb_nope" in refused.json["detail"]
    assert "problems list" in refused.json["fix"]
