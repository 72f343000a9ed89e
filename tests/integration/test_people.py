"""Members of a connection, its owner, and what each of them is told they may not do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeClock

ALICE = Operator("alice", Role.ADMINISTRATOR)
MAX = Operator("max", Role.MANAGER)
MIA = Operator("mia", Role.MEMBER)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        yield made


async def test_a_connection_says_what_you_hold_and_why_not(desk: HttpDesk) -> None:
    desk.operator = MAX
    made = await desk.connection()
    assert (made["my_grant"], set(made["refused"])) == ("owner", {"make_me_owner"})
    desk.operator = MIA
    shown = await desk.ok("GET", f"/v1/connections/{made['id']}")
    assert shown["my_grant"] == ""
    assert set(shown["refused"]) == {
        *("check", "update_credentials", "put_back", "edit", "disconnect", "members"),
        *("make_me_owner", "use", "pings"),
    }
    assert shown["refused"]["check"] == (
        "This needs the manager grant on the connection. Ask max, or an administrator: alice."
    )
    assert shown["refused"]["use"] == (
        "You hold no grant on this connection. Ask max, or an administrator: alice."
    )
    refusal = (await desk.call("POST", f"/v1/connections/{made['id']}/check")).json
    assert refusal["detail"] == "this needs the manager grant on the connection"
    assert refusal["fix"] == "Ask max, or an administrator: alice"
    desk.operator = ALICE
    [listed] = (await desk.ok("GET", "/v1/connections"))["items"]
    assert (listed["my_grant"], listed["refused"]) == ("", {})
    mine = await desk.connection(name="mine")
    assert mine["refused"] == {"make_me_owner": "It is yours already."}


async def activity(desk: HttpDesk, verb: str) -> list[dict[str, object]]:
    return [
        each["detail"] for each in (await desk.ok("GET", "/v1/activity"))["items"] if each["verb"] == verb
    ]


async def test_members_are_added_changed_and_removed_with_what_they_held(desk: HttpDesk) -> None:
    made = await desk.connection()
    path = f"/v1/connections/{made['id']}/members"
    nobody = "no.such-user"
    added = await desk.ok("PUT", f"{path}/{nobody}", {})
    assert added == {"user": nobody, "grant": "user", "hint": f"this host knows no user {nobody}"}
    await desk.ok("PUT", f"{path}/{nobody}", {"grant": "user"})
    await desk.ok("PUT", f"{path}/{nobody}", {"grant": "manager"})
    await desk.ok("PUT", f"{path}/root", {"grant": "manager"})
    assert [(each["user"], each["grant"]) for each in await desk.ok("GET", path)] == [
        ("alice", "owner"),
        (nobody, "manager"),
        ("root", "manager"),
    ]
    assert [each["hint"] for each in await desk.ok("GET", path)][2] == ""
    shown = await desk.ok("GET", f"/v1/connections/{made['id']}")
    assert [each["user"] for each in shown["members"]] == [nobody, "root"]
    assert (await desk.call("DELETE", f"{path}/{nobody}")).status == 204
    again = await desk.call("DELETE", f"{path}/{nobody}")
    assert (again.status, again.json["detail"]) == (404, f"{nobody} is no member of CRM")
    assert await activity(desk, "added member") == [
        {"user": "root", "before": "", "after": "manager"},
        {"user": nobody, "before": "user", "after": "manager"},
        {"user": nobody, "before": "", "after": "user"},
    ]
    assert await activity(desk, "removed member") == [{"user": nobody, "before": "manager", "after": ""}]


async def test_the_owner_stays_on_the_connection_and_nonsense_is_no_user(desk: HttpDesk) -> None:
    made = await desk.connection()
    path = f"/v1/connections/{made['id']}/members"
    for method, body in (("PUT", {"grant": "user"}), ("DELETE", None)):
        answer = await desk.call(method, f"{path}/alice", body)
        assert (answer.status, "alice owns CRM" in answer.json["detail"]) == (409, True)
        assert "make-me-owner" in answer.json["fix"]
    for name in ("a%20b", "a%0Ab", "x" * 101, "a:b"):
        assert (await desk.call("PUT", f"{path}/{name}", {})).status == 400
    assert (await desk.call("PUT", f"{path}/mia", {"grant": "owner"})).status == 400
    assert len(await desk.ok("GET", path)) == 1


async def test_a_manager_of_the_connection_changes_its_members_whatever_their_role(desk: HttpDesk) -> None:
    made = await desk.connection()
    path = f"/v1/connections/{made['id']}/members"
    await desk.ok("PUT", f"{path}/mia", {"grant": "user"})
    desk.operator = MIA
    assert (await desk.call("PUT", f"{path}/max", {})).status == 403
    desk.operator = ALICE
    await desk.ok("PUT", f"{path}/mia", {"grant": "manager"})
    desk.operator = MIA
    await desk.ok("PUT", f"{path}/max", {})
    desk.operator = MAX
    assert (await desk.ok("GET", f"/v1/connections/{made['id']}"))["my_grant"] == "user"
    assert (await desk.call("DELETE", f"{path}/mia")).status == 403


async def test_rows_and_the_calendar_refuse_what_the_connection_refuses(desk: HttpDesk) -> None:
    made = await desk.delivery()
    other = await desk.connection(name="mine", expires_at="2026-12-01T00:00:00Z")
    await desk.ok("PUT", f"/v1/connections/{other['id']}/members/mia", {"grant": "manager"})
    desk.operator = MIA
    rows = {row["id"]: row["refused"] for row in await desk.ok("GET", "/v1/accounts")}
    for row_id, connection_id in ((other["id"], other["id"]), (made.id, made.connection_id)):
        shown = await desk.ok("GET", f"/v1/connections/{connection_id}")
        assert rows[row_id] == shown["refused"]
    assert "check" in rows[made.id]
    assert set(rows[other["id"]]) == {"edit", "make_me_owner"}
    [ends] = (await desk.ok("GET", "/v1/connections/expiring"))["items"]
    assert ends["refused"] == rows[other["id"]]
