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
