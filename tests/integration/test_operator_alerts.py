"""Callbacks, channels, rules and alerts as operators see them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import Role
from healthdesk.engine.channel_url import CheckedChannel
from healthdesk.engine.notify import ChannelTestResult
from healthdesk.errors import ChannelError
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeClock

URL = "mailto://desk:pass-phrase@mail.example?to=ops@example.com"


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:

        async def check(url: str) -> CheckedChannel:
            if not url.startswith("mailto://"):
                raise ChannelError("nosuch:// is no service", fix="see Apprise")
            return CheckedChannel("mailto://…@mail.example", "Email")

        monkeypatch.setattr(made.engine, "check_channel_url", check)
        yield made


async def channel(desk: HttpDesk, name: str = "Ops") -> Any:
    return await desk.ok("POST", "/v1/channels", {"name": name, "url": URL})


async def test_a_channel_is_checked_and_never_returned_whole(desk: HttpDesk) -> None:
    made = await channel(desk)
    assert (made["url"], made["kind"]) == ("mailto://…@mail.example", "Email")
    answer = await desk.call("POST", "/v1/channels", {"name": "x", "url": "nosuch://secret-token"})
    assert (answer.status, answer.json["fix"], answer.json["field"]) == (400, "see Apprise", "url")
    for path in ("/v1/channels", f"/v1/channels/{made['id']}", "/v1/activity"):
        assert "pass-phrase" not in (await desk.call("GET", path)).body.decode()


async def test_a_name_is_one_channels(desk: HttpDesk) -> None:
    made = await channel(desk)
    refused = await desk.call("POST", "/v1/channels", {"name": "Ops", "url": URL})
    assert (refused.status, refused.json["field"]) == (409, "name")
    assert made["id"] in refused.json["fix"]
    assert (await desk.call("DELETE", f"/v1/channels/{made['id']}")).status == 204
    await channel(desk)


async def test_a_test_message_says_what_became_of_it_and_the_channel_remembers(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await channel(desk)
    sent: list[tuple[str, str]] = []

    async def send(url: str, name: str) -> ChannelTestResult:
        sent.append((url, name))
        return ChannelTestResult(False, "the mail server refused the password", 12.5, "log")

    monkeypatch.setattr(desk.engine, "test_channel", send)
    result = await desk.ok("POST", f"/v1/channels/{made['id']}/test")
    assert (result["ok"], result["sentence"]) == (False, "the mail server refused the password")
    assert sent == [(URL, "Ops")]
    assert "refused" in (await desk.ok("GET", f"/v1/channels/{made['id']}"))["last_error"]
    newest = (await desk.ok("GET", "/v1/activity"))["items"][0]
    assert (newest["verb"], newest["detail"]) == ("tested", {"ok": False})


async def test_rules_name_channels_that_exist(desk: HttpDesk) -> None:
    made = await channel(desk)
    delivery = await desk.delivery()
    body = {"name": "CRM", "integration_id": delivery.id, "channel_ids": [made["id"], made["id"]]}
    rule = await desk.ok("POST", "/v1/rules", body)
    assert (rule["channel_ids"], rule["enabled"]) == ([made["id"]], True)
    path = f"/v1/rules/{rule['id']}"
    assert (await desk.ok("PATCH", path, {"enabled": False}))["enabled"] is False
    for wrong, field in (
        ({"channel_ids": ["chn_nosuch"]}, "channel_ids"),
        ({"integration_id": "int_nosuch"}, "integration_id"),
        ({"connection_id": delivery.connection_id}, "connection_id"),
        ({"channel_ids": []}, "channel_ids"),
    ):
        answer = await desk.call("POST", "/v1/rules", body | wrong)
        assert (answer.status, answer.json["field"]) == (400, field)
        if given := str(wrong.get("channel_ids") or wrong.get("integration_id") or ""):
            assert given.strip("[']") in answer.json["detail"]
            assert "list` names them" in answer.json["fix"]
    assert len((await desk.ok("GET", "/v1/rules"))["items"]) == 1
    assert (await desk.call("DELETE", path)).status == 204
    assert (await desk.call("GET", path)).status == 404
    assert (await desk.call("DELETE", f"/v1/channels/{made['id']}")).status == 204
    assert (await desk.call("DELETE", f"/v1/channels/{made['id']}")).status == 404
    assert (await desk.ok("GET", "/v1/alerts"))["items"] == []


async def test_callbacks_are_masked_until_a_manager_reveals_them_and_processed_again(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.connection()
    answer = await desk.ask(
        "POST",
        f"/v1/callbacks/{made['id']}",
        data=b'{"participant": "Grace Hopper"}',
        headers={"Content-Type": "application/json"},
    )
    path = f"/v1/callbacks/{answer.json['id']}"
    shown = await desk.ok("GET", path)
    assert (shown["state"], shown["connection_name"]) == ("accepted", "CRM")
    assert json.loads(shown["body"]["text"]) == {"participant": "••••"}
    assert shown["body"]["masked"] is True
    desk.operator = Operator("mia", Role.MEMBER)
    assert await desk.ok("GET", path) == shown
    refused = await desk.call("POST", f"{path}/reveal")
    assert (refused.status, b"Grace" in refused.body) == (403, False)
    assert (await desk.call("POST", f"{path}/reprocess")).status == 403
    desk.operator = Operator("max", Role.MANAGER)
    revealed = await desk.ok("POST", f"{path}/reveal")
    assert revealed["body"]["text"] == '{"participant": "Grace Hopper"}'
    assert revealed["body"]["masked"] is False
    newest = (await desk.ok("GET", "/v1/activity"))["items"][0]
    assert (newest["user"], newest["verb"], newest["object_kind"], newest["object_id"]) == (
        "max",
        "revealed",
        "callback",
        answer.json["id"],
    )
    assert (await desk.call("POST", "/v1/callbacks/cbk_nosuch/reveal")).status == 404
    assert (await desk.ok("GET", path))["body"]["masked"] is True
    woken: list[bool] = []
    monkeypatch.setattr(desk.engine, "wake_callbacks", lambda: woken.append(True))
    again = await desk.ok("POST", f"{path}/reprocess")
    assert (again["state"], again["body"]["masked"]) == ("accepted", True)
    assert woken == [True]
    listed = await desk.ok("GET", "/v1/callbacks", params={"connection_id": made["id"], "state": "accepted"})
    assert [row["id"] for row in listed["items"]] == [answer.json["id"]]
    assert "Grace" not in json.dumps(listed)
    assert (await desk.ok("GET", "/v1/callbacks", params={"state": "rejected"}))["items"] == []
