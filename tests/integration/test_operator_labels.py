"""Labels and controls over the socket: members, names, and what the activity log keeps of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        yield made


async def noted(desk: HttpDesk, label_id: str) -> list[tuple[str, Any]]:
    page = await desk.ok("GET", f"/v1/activity?object_id={label_id}")
    return [(each["verb"], each["detail"]) for each in reversed(page["items"])]


async def test_a_label_lives_and_leaves_its_trace(desk: HttpDesk) -> None:
    made = await desk.ok(
        "POST", "/v1/labels", {"name": " Access ", "kind": "control", "members": ["bob", "alice"]}
    )
    assert (made["name"], made["kind"], made["members"]) == ("Access", "control", ["alice", "bob"])
    one = f"/v1/labels/{made['id']}"
    await desk.ok("PATCH", one, {"name": "Access reviews", "description": "", "members": ["alice", "carol"]})
    assert (await desk.ok("GET", one))["members"] == ["alice", "carol"]
    await desk.ok("PATCH", one, {"members": ["carol", "alice"]})
    await desk.ok("DELETE", one)
    assert (await desk.call("GET", one)).status == 404
    assert await noted(desk, made["id"]) == [
        ("added", {"kind": "control", "members": ["alice", "bob"]}),
        ("edited", {"before": {"name": "Access"}, "after": {"name": "Access reviews"}}),
        ("added member", {"members": ["carol"]}),
        ("removed member", {"members": ["bob"]}),
        ("removed", {"kind": "control", "members": ["alice", "carol"]}),
    ]


async def test_a_name_that_is_taken_says_which_label_has_it(desk: HttpDesk) -> None:
    first = await desk.ok("POST", "/v1/labels", {"name": "Access"})
    answer = await desk.call("POST", "/v1/labels", {"name": "Access"})
    assert answer.status == 409
    assert answer.json["field"] == "name"
    assert first["id"] in answer.json["fix"]
    await desk.ok("POST", "/v1/labels", {"name": "Access", "kind": "control"})
    assert [each["kind"] for each in (await desk.ok("GET", "/v1/labels?kind=control"))["items"]] == [
        "control"
    ]


@pytest.mark.parametrize("user", ["", "a b", "x" * 101, "\x1b[31m"])
async def test_a_member_is_the_name_of_a_user(desk: HttpDesk, user: str) -> None:
    answer = await desk.call("POST", "/v1/labels", {"name": "Access", "members": [user]})
    assert (answer.status, answer.json["field"]) == (400, "members")


async def test_members_of_the_desk_read_labels_and_change_none(desk: HttpDesk) -> None:
    made = await desk.ok("POST", "/v1/labels", {"name": "Access"})
    desk.operator = Operator("mallory", Role.MEMBER)
    assert (await desk.ok("GET", f"/v1/labels/{made['id']}"))["members"] == ["alice"]
    answer = await desk.call("PATCH", f"/v1/labels/{made['id']}", {"members": ["mallory"]})
    assert answer.status == 403
    assert (await desk.ok("GET", f"/v1/labels/{made['id']}"))["members"] == ["alice"]
