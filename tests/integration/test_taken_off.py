"""Who is taken off a connection asks nothing new of its app through it, whatever they made with it before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.apps.fake_github import FakeGithub
from tests.integration import proof_desk
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import acting, connect, integrate

from healthdesk.domain.states import Role

WHY = "you hold no grant on this connection"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        yield made


@pytest.fixture
async def github() -> AsyncIterator[FakeGithub]:
    async with FakeGithub() as app:
        yield app


async def refused(desk: HttpDesk, method: str, path: str, body: Any = None) -> None:
    answer = await desk.call(method, path, body)
    assert (answer.status, answer.json.get("detail")) == (403, WHY), answer.json


@pytest.mark.parametrize("role", [Role.MEMBER, Role.MANAGER])
async def test_a_proof_sync_collects_nothing_else_then(desk: HttpDesk, github: FakeGithub, role: Role):
    connection_id = await proof_desk.connect(desk, github)
    await desk.ok("PUT", f"/v1/connections/{connection_id}/members/bob", {"grant": "user"})
    label_id = await proof_desk.label(desk, "Access", "bob")
    body = {
        "integration_id": await proof_desk.integrate(desk, "github"),
        "connection_id": connection_id,
        "label_id": label_id,
        "dataset": "repository_collaborators",
        "fields": {"owner": "octo-org", "repo": "hello-world"},
    }
    with acting(desk, "bob", role):
        made = await desk.ok("POST", "/v1/instances", body)
    await desk.call("DELETE", f"/v1/connections/{connection_id}/members/bob")
    asked = len(github.requests)
    with acting(desk, "bob", role):
        where = f"/v1/instances/{made['id']}"
        other = {"dataset": "organisation_members", "fields": {"org": "octo-org"}}
        await refused(desk, "PATCH", where, other)
        await refused(desk, "PATCH", where, {**other, "unchecked": True})
        assert (await desk.ok("PATCH", where, {"name": "Ours"}))["name"] == "Ours"
    assert len(github.requests) == asked


async def test_a_task_gets_no_other_issue_then(desk: HttpDesk, github: FakeGithub):
    connection = await connect(desk, github, "GitHub")
    integration = await integrate(desk, github, connection["id"])
    await desk.ok("PUT", f"/v1/connections/{connection['id']}/members/bob", {"grant": "user"})
    body = {"name": "Rotate", "integration_id": integration["id"], "connection_id": connection["id"]}
    with acting(desk, "bob", Role.MEMBER):
        task = await desk.ok("POST", "/v1/tasks", body)
        where = f"/v1/instances/{task['id']}"
        await desk.ok("POST", f"{where}/unlink")
        assert "attach" not in (await desk.ok("GET", where))["refused"]
    await desk.call("DELETE", f"/v1/connections/{connection['id']}/members/bob")
    asked = len(github.requests)
    with acting(desk, "bob", Role.MEMBER):
        await refused(desk, "POST", f"{where}/find", {"text": "payroll"})
        await refused(desk, "POST", f"{where}/review", {"id": "1"})
        await refused(desk, "POST", f"{where}/create-issue")
        shown = (await desk.ok("GET", where))["refused"]
        for each in ("attach", "create_issue"):
            assert shown[each].casefold().startswith(WHY)
    assert len(github.requests) == asked
