"""Every cell of the permission table that depends on what one holds, asked over the socket on a thing they hold it on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.api.integrations import ProofSettings, TaskSettings
from healthdesk.domain.instance_states import InstanceKind, LinkState
from healthdesk.domain.roles import ALWAYS, NEVER, PERMISSIONS, Standing
from healthdesk.domain.states import Grant, IntegrationKind, Role
from healthdesk.http.routes import OPERATOR_ROUTES
from healthdesk.operations.desk import Operator
from healthdesk.store import app_integrations, authorizations, connections, instances, proof, tasks
from healthdesk.store.authorizations import AuthorizationRow
from healthdesk.testing import FakeClock

CON = "/v1/connections/{con}"
TASK = "/v1/instances/tsk_1"
SYNC = "/v1/instances/prf_1"
NOBODYS = {"credentials": {"auth": "no such method"}}
CLIENT = {"client_id": "a", "client_secret": "not-a-real-secret"}

ASKED: tuple[tuple[str, str, str, Any], ...] = (
    ("POST", f"{CON}/check", "connections.check", None),
    ("POST", f"{CON}/credentials", "connections.update_credentials", NOBODYS),
    ("POST", f"{CON}/credentials/put-back", "connections.put_back", {}),
    ("POST", f"{CON}/accept-drift", "connections.accept_drift", None),
    ("POST", f"{CON}/make-me-owner", "connections.make_me_owner", NOBODYS),
    ("PATCH", CON, "connections.edit", {}),
    ("PUT", f"{CON}/members/bob", "connections.members", {}),
    ("DELETE", f"{CON}/members/bob", "connections.members", None),
    ("PUT", f"{CON}/ping", "pings.set", {"schedule": {"every_s": 3600}}),
    ("DELETE", f"{CON}/ping", "pings.remove", None),
    (
        "POST",
        "/v1/authorizations",
        "connections.update_credentials",
        {"app": "github", "auth": "oauth", "fields": CLIENT, "connection": "{con}"},
    ),
    ("GET", "/v1/authorizations/aut_1", "authorizations.show", None),
    (
        "POST",
        "/v1/tasks",
        "tasks.add connections.use",
        {"name": "a task", "integration_id": "int_t", "connection_id": "{con}"},
    ),
    ("PATCH", "/v1/tasks/tsk_1", "tasks.edit", {}),
    (
        "POST",
        "/v1/instances",
        "instances.add connections.use",
        {"integration_id": "int_p", "connection_id": "{con}", "dataset": "none", "label_id": "lbl_1"},
    ),
    ("POST", f"{TASK}/sync", "instances.sync", {"wait_s": 0}),
    ("POST", f"{TASK}/find", "instances.attach", {"text": "a"}),
    ("POST", f"{TASK}/review", "instances.attach", {"id": "1"}),
    ("POST", f"{TASK}/attach", "instances.attach", {"id": "1", "reviewed": "x"}),
    ("POST", f"{TASK}/create-issue", "instances.create_issue", None),
    ("POST", f"{TASK}/reconnect", "instances.reconnect", {"connection_id": "con_none"}),
    ("POST", f"{TASK}/unlink", "instances.unlink", None),
    ("POST", f"{SYNC}/change-connection", "instances.change_connection", {"connection_id": "con_none"}),
    ("PATCH", SYNC, "instances.settings", {}),
    ("DELETE", SYNC, "instances.delete", None),
    ("DELETE", "/v1/tasks/tsk_1", "tasks.remove", None),
    ("DELETE", CON, "connections.disconnect", None),
)
"""Each route of an action that depends on it, the actions that have to be allowed, and a body that does not do much."""

HOLDING = {
    action
    for action, cells in PERMISSIONS.items()
    if any(cell not in (ALWAYS, NEVER) for cell in cells.values())
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        yield made


async def world(desk: HttpDesk, standing: Standing) -> str:
    """Return a connection that mia holds `standing` on, with a task, a proof sync and an authorization likewise."""
    desk.operator = Operator("olga", Role.ADMINISTRATOR)
    token = {"auth": "token", "fields": {"token": "not-a-real-token"}}
    closed = "http://127.0.0.1:9"
    made = await desk.connection(app="github", base_url=closed, credentials=token, unchecked=True)
    con: str = made["id"]
    mine = standing is Standing.OWNER
    owner = "mia" if mine else "olga"
    now = desk.engine.ctx.clock.now()
    place = {"owner": "a", "repository": "b"}
    settings = {
        IntegrationKind.TASKS: TaskSettings(container=place),
        IntegrationKind.PROOF: ProofSettings(),
    }

    def change(conn: Any) -> None:
        if mine:
            connections.update(conn, con, {"owner": "mia"})
        elif standing is not Standing.NOTHING:
            connections.put_member(conn, con, "mia", Grant(standing.value))
        for integration_id, kind in (("int_t", IntegrationKind.TASKS), ("int_p", IntegrationKind.PROOF)):
            app_integrations.insert(
                conn,
                integration_id=integration_id,
                name=integration_id,
                kind=kind,
                app="github",
                connection_id=con if kind is IntegrationKind.TASKS else None,
                settings=settings[kind].model_dump(mode="json"),
                now=now,
                by="olga",
            )
        for instance_id, kind, integration in (
            ("tsk_1", InstanceKind.TASK, "int_t"),
            ("prf_1", InstanceKind.PROOF, "int_p"),
        ):
            instances.insert(
                conn,
                id=instance_id,
                kind=kind,
                integration_id=integration,
                connection_id=con,
                app="github",
                owner=owner,
                name=instance_id,
                every_s=3600,
                now=now,
                by=owner,
            )
        proof.insert(conn, id="prf_1", dataset="organisation_members", fields={}, named=True)
        tasks.insert(
            conn,
            id="tsk_1",
            name="a task",
            assignee="mia" if standing is Standing.MANAGER else "",
            link=LinkState.WANTED,
            now=now,
            by=owner,
        )
        authorizations.insert(
            conn,
            AuthorizationRow("aut_1", "code", "github", b"x", "", "", now, owner, now, "refused"),
        )

    await desk.engine.ctx.store.write(change)
    return con


def test_every_route_that_depends_on_a_standing_is_asked() -> None:
    routes = {(route.method, route.action) for route in OPERATOR_ROUTES if route.action in HOLDING}
    asked = {(method, action) for method, _, actions, _ in ASKED for action in actions.split()}
    asked |= {("POST", "authorizations.begin")}
    assert routes - asked == set()


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("role", list(Role))
async def test_what_one_holds_decides_as_the_table_says(
    desk: HttpDesk, role: Role, standing: Standing
) -> None:
    con = await world(desk, standing)
    desk.operator = Operator("mia", role)
    wrong = []
    for method, path, action, body in ASKED:
        if isinstance(body, dict):
            body = {key: con if value == "{con}" else value for key, value in body.items()}
        answer = await desk.call(method, path.replace("{con}", con), body)
        assert answer.status < 500, (method, path, answer.body)
        assert answer.status != 405
        may = all(standing in PERMISSIONS[each][role] for each in action.split())
        if (answer.status != 403) is not may:
            wrong.append((method, path, action, answer.status, answer.body[:200]))
        elif not may and role is not Role.ADMINISTRATOR:
            assert "alice" in answer.json["fix"], (method, path)
    assert wrong == []
