"""The permission table, cell by cell: every route asked by each role, and the page that says the same."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from tests.integration.http_desk import Answer, HttpDesk, http_desk

from healthdesk.domain.roles import ALWAYS, NEVER, PERMISSIONS, Standing, at_least, ever_allowed
from healthdesk.domain.states import Role
from healthdesk.host.users import Names
from healthdesk.http.operator import build_operator_app
from healthdesk.http.peers import Peer, Peers
from healthdesk.http.route import Route
from healthdesk.http.routes import EVENTS, OPERATOR_ROUTES
from healthdesk.http.server import make_runner
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeClock

STRENGTH = (Role.MEMBER, Role.MANAGER, Role.ADMINISTRATOR)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        yield made


async def ask(desk: HttpDesk, route: Route, **ids: str) -> Answer:
    """Ask a route with a body that is empty, so that whoever is let in changes nothing."""
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "x"), route.path)
    body = {} if route.input is not None else None
    if route is EVENTS:
        async with desk.unix.get(f"http://desk{path}") as stream:
            return Answer(stream.status, stream.headers, b"")
    return await desk.call(route.method, path, body)


@pytest.mark.parametrize("role", STRENGTH)
async def test_every_route_lets_in_whom_the_table_names_and_nobody_else(desk: HttpDesk, role: Role) -> None:
    desk.operator = Operator("mia", role)
    for route in OPERATOR_ROUTES:
        answer = await ask(desk, route)
        if PERMISSIONS[route.action][role] == ALWAYS:
            assert answer.status not in (401, 403, 405, 500, 503), (route, answer.body)
        elif ever_allowed(role, route.action):
            # Whether they may depends on what they hold on a thing, and there is none.
            assert answer.status in (400, 403, 404), (route, answer.body)
        else:
            assert answer.status == 403, (route, answer.body)
            assert answer.json["type"].endswith("/not-permitted")
            least = next(each for each in STRENGTH if ever_allowed(each, route.action))
            assert least.value in answer.json["detail"]
            assert "alice" in answer.json["fix"]


async def test_a_member_manages_the_health_of_their_own_connection_only(desk: HttpDesk) -> None:
    desk.operator = Operator("mia", Role.MANAGER)
    mine = (await desk.connection(name="mine"))["id"]
    desk.operator = Operator("bob", Role.MANAGER)
    theirs = (await desk.connection(name="theirs"))["id"]
    desk.operator = Operator("mia", Role.MEMBER)
    for path, body in (
        ("check", None),
        ("credentials", {"credentials": {"auth": "bearer", "token": "a" * 20}}),
    ):
        assert (await desk.call("POST", f"/v1/connections/{mine}/{path}", body)).status == 200
        assert (await desk.call("POST", f"/v1/connections/{theirs}/{path}", body)).status == 403
    for method, body, done in (("PATCH", {"name": "x"}, 200), ("DELETE", None, 204)):
        answer = await desk.call(method, f"/v1/connections/{theirs}", body)
        assert answer.status == 403
        assert answer.json["fix"] == "Ask bob, or an administrator: alice"
        assert (await desk.call(method, f"/v1/connections/{mine}", body)).status == done


async def test_refusals_change_nothing_and_leave_no_activity(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    posted = (await delivery.post()).json["id"]
    before = await desk.ok("GET", "/v1/activity?limit=500")
    desk.operator = Operator("mia", Role.MEMBER)
    for path in (f"/v1/records/{posted}/reveal", f"/v1/records/{posted}/attempts/x/reveal"):
        answer = await desk.call("POST", path)
        assert (answer.status, b"Grace" in answer.body) == (403, False)
    for method, path, body in (
        ("POST", "/v1/sources", {"key": "new", "name": "New"}),
        ("POST", "/v1/channels", {"name": "chat", "url": "json://127.0.0.1:9/x"}),
        ("POST", "/v1/records/resend-all", {"filter": {}, "expect": 1}),
        ("POST", f"/v1/integrations/{delivery.id}/keys", {}),
        ("POST", f"/v1/integrations/{delivery.id}/pause", {}),
    ):
        assert (await desk.call(method, path, body)).status == 403
    assert await desk.ok("GET", "/v1/activity?limit=500") == before
    assert [each["key"] for each in (await desk.ok("GET", "/v1/sources"))["items"]] == ["heart"]


@dataclass(frozen=True)
class Lists:
    administrators: tuple[str, ...] = ("ada",)
    managers: tuple[str, ...] = ("max",)
    members: tuple[str, ...] = ("mia",)


class Host(Names):
    """A host whose users are these."""

    users = {1000: "ada", 1001: "max", 1002: "mia", 1003: "eve"}

    def user(self, uid: int) -> str:
        return self.users[uid]

    def group_id(self, name: str) -> int | None:
        return None


async def test_whoever_is_not_named_and_every_browser_is_refused_everywhere(
    desk: HttpDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers, uid = Peers(Lists(), FakeClock(), Host()), 1003
    monkeypatch.setattr("healthdesk.http.peers.peer_of", lambda _transport: Peer(uid, 100, frozenset()))
    runner = make_runner(build_operator_app(desk.engine, identify=peers.operator))
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "other.sock")).start()
    try:
        connector = aiohttp.UnixConnector(str(tmp_path / "other.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            for route in OPERATOR_ROUTES:
                url = "http://desk" + re.sub(r"\{\w+\}", "x", route.path)
                for uid, headers in (  # noqa: B007 - what the listener is told
                    (1003, {}),
                    (1000, {"Origin": "null"}),
                    (1000, {"Origin": "http://desk"}),
                ):
                    async with session.request(route.method, url, headers=headers) as answer:
                        text = await answer.text()
                        assert answer.status == 403, (route, text)
                        assert answer.content_type == "application/problem+json"
            for uid, role in ((1000, "administrator"), (1001, "manager"), (1002, "member")):
                async with session.get("http://desk/v1/status") as answer:
                    assert (await answer.json())["you"] == {"user": Host.users[uid], "role": role}
    finally:
        await runner.cleanup()


HEAD = "| on | actions | administrator | manager | member |\n|---|---|---|---|---|\n"
CELLS = {
    "yes": ALWAYS,
    "–": NEVER,
    "user": at_least(Standing.USER),
    "manager": at_least(Standing.MANAGER),
    "owner": at_least(Standing.OWNER),
    "not the owner": ALWAYS - {Standing.OWNER},
}


def test_the_page_has_the_table(repository: Path) -> None:
    text = (repository / "docs" / "security.md").read_text()
    told = {}
    for row in text.partition(HEAD)[2].partition("\n\n")[0].splitlines():
        noun, verbs, *cells = row.strip("| ").split(" | ")
        roles = (Role.ADMINISTRATOR, Role.MANAGER, Role.MEMBER)
        may = {role: CELLS[cell] for role, cell in zip(roles, cells, strict=True)}
        told |= {f"{noun}.{verb}": may for verb in re.findall(r"`(\w+)`", verbs)}
    assert told == {action: PERMISSIONS[action] for action in told}
    # A connection is used where one is chosen, which has no route of its own.
    assert told.keys() == {route.action for route in OPERATOR_ROUTES} | {"connections.use"}
