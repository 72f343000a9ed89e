"""Fix and resend, over the operator API, a running engine and a real endpoint that refuses until the record is fixed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.harness.postgres import running_postgres
from tests.integration.http_desk import Delivery, HttpDesk, http_desk, record
from tests.integration.test_operator_records import settled, until

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeEndpoint
from healthdesk.testing.faults import Behaviour, Visit, reply


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        await made.engine.start()
        try:
            yield made
        finally:
            await made.engine.stop(1)


async def _wants_risk_level(visit: Visit) -> bool:
    assert visit.request is not None
    refused = {"errors": [{"field": "risk_level", "message": "risk_level is required"}]}
    good = json.loads(visit.request.body).get("risk_level")
    return await (reply(200, json={"ok": True}) if good else reply(422, json=refused)).act(visit)


WANTS_RISK_LEVEL = Behaviour("wants a risk level", _wants_risk_level)


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as made:
        made.behave(WANTS_RISK_LEVEL)
        yield made


async def delivering(desk: HttpDesk, endpoint: FakeEndpoint) -> Delivery:
    made = await desk.delivery()
    await desk.ok("PATCH", f"/v1/connections/{made.connection_id}", {"base_url": endpoint.url})
    return made


@pytest.fixture
async def delivery(desk: HttpDesk, endpoint: FakeEndpoint) -> Delivery:
    return await delivering(desk, endpoint)


async def refused(desk: HttpDesk, delivery: Delivery, **more: Any) -> Any:
    posted = await delivery.post(record(**more))
    return await settled(desk, posted.json["id"], "failed")


DEFAULT = {"do": "default", "path": "risk_level", "value": "unknown"}


async def test_a_refused_record_is_read_fixed_previewed_resent_and_its_mapping_kept(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    await _whole_way(desk, delivery, endpoint)


@pytest.mark.xdist_group("postgres-http")
async def test_the_same_way_on_postgresql(tmp_path: Path, endpoint: FakeEndpoint) -> None:
    with TemporaryDirectory(prefix="healthdesk-http-") as server, running_postgres(Path(server)) as url:
        folder = tmp_path / "desk"
        folder.mkdir()
        async with http_desk(folder, database_url=url) as desk:
            await desk.engine.start()
            try:
                await _whole_way(desk, await delivering(desk, endpoint), endpoint)
            finally:
                await desk.engine.stop(1)


async def _whole_way(desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint) -> None:
    shown = await refused(desk, delivery)
    assert (shown["cause"], shown["likely"]["field"], shown["likely"]["key"]) == (
        "missing_field",
        "risk_level",
        "f",
    )
    assert "it was not sent" in shown["likely"]["sentence"]
    [attempt] = shown["attempts"]
    assert attempt["connect_ms"] > 0
    assert attempt["connect_ms"] <= attempt["first_byte_ms"] <= attempt["duration_ms"]
    assert [each["what"] for each in shown["timeline"]] == ["arrived", "attempt"]
    path = f"/v1/records/{shown['id']}"
    seen = await desk.ok("POST", f"{path}/fix/preview", {"mapping": [DEFAULT]})
    assert (seen["masked"], seen["changed"], seen["changes"]) == (True, True, 1)
    assert '+  "risk_level": "unknown"' in seen["difference"]
    assert "Grace" not in json.dumps(seen)
    assert (await desk.ok("GET", path))["fix_id"] is None
    fix = {"mapping": [DEFAULT], "version": shown["version"], "note": "asked Acme"}
    fixed = await desk.ok("POST", f"{path}/fix", fix)
    assert fixed["fix_id"] in fixed["fixes"]
    assert fixed["version"] != shown["version"]
    delivered = await settled(desk, shown["id"], "delivered")
    assert json.loads(endpoint.requests[-1].body) == {
        "participant": "Grace Hopper",
        "score": 71,
        "risk_level": "unknown",
    }
    assert [each["what"] for each in delivered["timeline"]] == ["arrived", "attempt", "fixed", "attempt"]
    first, second = delivered["attempts"]
    assert (first["fix_id"], second["fix_id"]) == (None, fixed["fix_id"])
    before = await desk.ok("GET", f"{path}/attempts/{first['id']}")
    after = await desk.ok("GET", f"{path}/attempts/{second['id']}")
    assert "risk_level" not in before["request_body"]["text"]
    assert "risk_level" in after["request_body"]["text"]
    assert "risk_level" not in delivered["posted_body"]["text"]
    [listed] = await desk.ok("GET", f"{path}/fixes")
    assert (listed["made_by"], listed["note"], listed["in_force"]) == ("alice", "asked Acme", True)
    for _ in range(2):
        saved = await desk.ok(
            "POST",
            f"/v1/integrations/{delivery.id}/mapping",
            {"environment": "production", "mapping": [DEFAULT], "headers": {"X-Tenant": "acme{1}"}},
        )
        assert saved["environments"][0]["headers"]["X-Tenant"] == "acme{{1}}", "meant as it stands"
        steps = saved["environments"][0]["delivery"]["mapping"]
        assert [each["path"] for each in steps] == ["risk_level"], "once, however often it is saved"
    other = {"production": {"delivery": {"mapping": [{**DEFAULT, "value": "of the mapping"}]}}}
    await desk.ok("PATCH", f"/v1/integrations/{delivery.id}", other)
    again = {"mapping": [DEFAULT | {"value": "another"}], "resend": True}
    assert (await desk.call("POST", f"{path}/fix", again)).status == 409, "it was delivered"
    await desk.ok("POST", f"{path}/resend", {"delivered_too": True})
    await endpoint.wait_for(3)
    assert json.loads(endpoint.requests[2].body)["risk_level"] == "of the mapping", "not the fix's again"
    posted = await delivery.post(record())
    await settled(desk, posted.json["id"], "delivered")
    assert endpoint.requests[-1].headers["x-tenant"] == "acme{1}"
    verbs = [each["verb"] for each in (await desk.ok("GET", "/v1/activity"))["items"]]
    assert verbs[2:5] == ["saved mapping", "saved mapping", "fixed"]


async def test_a_body_is_replaced_and_the_original_kept(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    shown = await refused(desk, delivery)
    path = f"/v1/records/{shown['id']}"
    body = '{"participant": "Ada", "risk_level": "high"}'
    await desk.ok("POST", f"{path}/fix", {"body": body, "headers": {"X-Fixed": "yes"}})
    await settled(desk, shown["id"], "delivered")
    sent = endpoint.requests[-1]
    assert (sent.body, sent.headers["x-fixed"]) == (body.encode(), "yes")
    revealed = await desk.ok("POST", f"{path}/reveal")
    assert json.loads(revealed["posted_body"]["text"])["data"]["participant"] == "Grace Hopper"
    assert revealed["request_body"]["text"] == body
    assert "Ada" in revealed["curl"]
    masked = await desk.ok("GET", path)
    assert "Ada" not in json.dumps(masked)
    assert "${BODY:?" in masked["curl"]


async def test_unfix_sends_what_was_posted_again(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    shown = await refused(desk, delivery)
    path = f"/v1/records/{shown['id']}"
    fixed = await desk.ok("POST", f"{path}/fix", {"mapping": [DEFAULT], "resend": False})
    assert fixed["state"] == "failed"
    assert "risk_level" in fixed["next_body"]["text"]
    assert "risk_level" not in fixed["request_body"]["text"]
    back = await desk.ok("POST", f"{path}/unfix")
    assert (back["fix_id"], back["next_body"]) == (None, None)
    assert [each["kind"] for each in back["events"]] == ["fixed", "unfixed"]
    assert (await desk.call("POST", f"{path}/unfix")).status == 409
    await desk.ok("POST", f"{path}/resend", {})
    await until(desk, path, lambda now: now["attempts_total"] == 2 and now["state"] == "failed")
    assert "risk_level" not in json.loads(endpoint.requests[-1].body)


async def test_what_was_changed_meanwhile_changes_nothing_or_cannot_be_sent_is_refused(
    desk: HttpDesk, delivery: Delivery
) -> None:
    shown = await refused(desk, delivery)
    path = f"/v1/records/{shown['id']}/fix"
    await desk.ok("POST", path, {"mapping": [DEFAULT], "resend": False})
    stale = await desk.call("POST", path, {"mapping": [DEFAULT], "version": shown["version"]})
    assert (stale.status, "changed since" in stale.json["detail"]) == (409, True)
    for given, status, word in (
        ({"mapping": [DEFAULT]}, 400, "changes nothing"),
        ({"body": "{,}"}, 400, "line 1"),
        ({"body": "{}", "mapping": [DEFAULT]}, 400, "not both"),
        ({"mapping": [{"do": "rename", "path": "score"}]}, 400, "rename"),
        ({"headers": {"Authorization": "Bearer x"}}, 400, "secret"),
        ({"mapping": [{"do": "format", "path": "participant", "how": "number"}]}, 400, "participant"),
    ):
        answer = await desk.call("POST", path, given)
        assert answer.status == status, given
        assert word in answer.json["detail"]
    assert len((await desk.ok("GET", f"/v1/records/{shown['id']}"))["fixes"]) == 1


async def test_a_preview_warns_of_each_field_that_is_still_missing(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    endpoint.behave(reply(422, json={"message": "risk_level, mood are required"}))
    shown = await refused(desk, delivery)
    assert "requires the fields risk_level and mood (422): they were not sent" in shown["likely"]["sentence"]
    path = f"/v1/records/{shown['id']}/fix/preview"
    warnings = (await desk.ok("POST", path, {"mapping": [DEFAULT]}))["warnings"]
    assert [each for each in warnings if "asked for" in each] == [
        "The endpoint asked for mood, and it is still not in what would be sent."
    ]


async def test_a_preview_in_clear_is_in_the_activity_and_warns_of_what_is_still_wrong(
    desk: HttpDesk, delivery: Delivery
) -> None:
    fields = [{"name": "score", "type": "number", "required": True, "sensitive": False}]
    shown = await refused(desk, delivery)
    await desk.ok("PATCH", "/v1/sources/heart", {"fields": fields})
    path = f"/v1/records/{shown['id']}/fix/preview"
    step = {"do": "rename", "path": "score", "to": "points"}
    seen = await desk.ok("POST", path, {"mapping": [step]})
    assert any("score: required, missing" in each for each in seen["warnings"])
    assert any("asked for risk_level" in each for each in seen["warnings"])
    assert seen["difference"] == ["~ score → points"], "renamed, neither removed nor added"
    assert seen["moved"] == [{"path": "score", "to": "points"}]
    assert json.loads(seen["after"])["points"] == "••••", "and not changed"
    seen = await desk.ok("POST", path, {"mapping": [step], "reveal": True})
    assert seen["difference"] == ["~ score → points"]
    assert json.loads(seen["after"])["points"] == 71
    assert json.loads(seen["data"])["participant"] == "Grace Hopper"
    newest = (await desk.ok("GET", "/v1/activity"))["items"][0]
    assert (newest["verb"], newest["detail"]["preview"]) == ("revealed", True)


async def test_members_may_not_fix(desk: HttpDesk, delivery: Delivery) -> None:
    shown = await refused(desk, delivery)
    desk.operator = Operator("mia", Role.MEMBER)
    for verb in ("fix", "fix/preview"):
        assert (await desk.call("POST", f"/v1/records/{shown['id']}/{verb}", {})).status == 403
    assert (await desk.call("GET", f"/v1/records/{shown['id']}/fixes")).status == 403


async def test_a_fix_for_all_of_a_problem_says_how_many_it_changes(
    desk: HttpDesk, delivery: Delivery
) -> None:
    await refused(desk, delivery)
    shown = await refused(desk, delivery, data={"participant": "Ada", "risk_level": ""})
    path = f"/v1/problems/{shown['problem_id']}/fix/preview"
    await until(desk, f"/v1/problems/{shown['problem_id']}", lambda problem: problem["count"] == 2)
    seen = await desk.ok("POST", path, {"mapping": [DEFAULT]})
    assert (seen["tried"], seen["changes"], seen["total"]) == (2, 1, 2)
    assert seen["record_id"] == shown["id"]
    assert seen["changed"] is False
    answer = await desk.call("POST", path, {"body": "{}"})
    assert (answer.status, "one record" in answer.json["detail"]) == (400, True)


async def test_all_of_a_problem_is_fixed_by_a_job(
    desk: HttpDesk, delivery: Delivery, endpoint: FakeEndpoint
) -> None:
    ids = [(await refused(desk, delivery))["id"] for _ in range(8)]
    problem_id = (await desk.ok("GET", f"/v1/records/{ids[0]}"))["problem_id"]
    asked = {"filter": {"problem_id": problem_id}, "fix": {"mapping": [DEFAULT]}}
    plan = await desk.ok("POST", "/v1/jobs", asked | {"dry_run": True})
    assert (plan["total"], plan["fixed"]) == (8, 8)
    body = asked | {"fix": {"body": "{}"}, "expect": 8}
    assert (await desk.call("POST", "/v1/jobs", body)).status == 400
    job = await desk.ok("POST", "/v1/jobs", asked | {"expect": 8})
    assert (job["kind"], job["title"]) == ("fix", "Fix and resend 8 records")
    done = await until(desk, f"/v1/jobs/{job['id']}", lambda now: now["state"] == "done")
    assert done["counts"]["delivered"] == 8
    assert all("risk_level" in json.loads(sent.body) for sent in endpoint.requests[8:])
    shown = await desk.ok("GET", f"/v1/records/{ids[3]}")
    assert shown["fix_id"] == job["fix_id"]
    [fix] = await desk.ok("GET", f"/v1/records/{ids[3]}/fixes")
    assert (fix["made_by"], fix["problem_id"]) == ("alice", problem_id)
    assert [each["kind"] for each in shown["events"]] == ["fixed"]
