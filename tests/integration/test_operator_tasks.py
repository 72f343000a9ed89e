"""Tasks of the desk over the socket: what is said of them, whose connection they work with, who may change them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import acting, connect, integrate, told

from healthdesk.domain.instance_states import InstanceState, LinkState
from healthdesk.domain.states import Role, Trigger
from healthdesk.store import connections, instances, links, tasks
from healthdesk.testing import FakeClock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


@pytest.fixture
async def jira() -> AsyncIterator[FakeJiraCloud]:
    async with FakeJiraCloud() as app:
        yield app


async def add(desk: HttpDesk, name: str = "Rotate the keys", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await desk.ok("POST", "/v1/tasks", {"name": name, **more})
    return made


async def pretend_linked(desk: HttpDesk, task_id: str, key: str = "OPS-7") -> None:
    """Store what a creation would have."""
    issue = {"id": "10007", "key": key, "url": f"https://x.test/{key}", "title": "Rotate the keys"}

    def change(conn: Any) -> None:
        assert links.keep_created(conn, task_id, issue, {"project": "OPS"}, {"ours": {}, "theirs": {}})
        instances.update(conn, task_id, {"state": InstanceState.SUCCEEDED, "next_at": None})

    await desk.engine.ctx.store.write(change)


async def test_a_task_without_an_integration_is_the_desks_alone(desk: HttpDesk) -> None:
    said = {"description": "All\nof them.", "due": "2027-01-31", "assignee": "bob", "status": "in_progress"}
    made = await add(desk, "  Rotate \t the keys ", **said)
    assert made["name"] == "Rotate the keys"
    assert {name: made[name] for name in said} == said
    assert (made["status_word"], made["version"], made["created_by"]) == ("In progress", 0, "alice")
    assert (made["instance"], made["issue"], made["template_id"]) == (None, None, None)
    assert await desk.ok("GET", f"/v1/tasks/{made['id']}") == made
    assert (await told(desk))[-1] == (
        "added",
        "task",
        {"after": {"name": "Rotate the keys", **said}},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "\u0007"}, "name"),
        ({"due": "2027-02-30"}, "due"),
        ({"due": "tomorrow"}, "due"),
        ({"status": "closed"}, "status"),
        ({"assignee": "a\nb"}, "assignee"),
        ({"description": "a\u0000b"}, "description"),
        ({"fields": {"x": {"y": 1}}}, "fields.x"),
        ({"fields": {str(n): 1 for n in range(51)}}, "fields"),
        ({"template_id": "tpl_no"}, "template_id"),
        ({"connection_id": "con_x"}, "connection_id"),
        ({"integration_id": "int_no"}, "integration_id"),
        ({"title": "x"}, "title"),
    ],
)
async def test_what_cannot_be_said_of_a_task_is_refused(desk: HttpDesk, body, field: str) -> None:
    answer = await desk.call("POST", "/v1/tasks", {"name": "Rotate", **body})
    assert (answer.status, answer.json["field"]) == (400, field), answer.body
    assert (await desk.ok("GET", "/v1/tasks"))["items"] == []


async def test_tasks_are_found_by_what_they_say(desk: HttpDesk) -> None:
    await add(desk, "Rotate the keys", assignee="bob")
    await add(desk, "Review access", status="done")
    await add(desk, "Rotate certificates", assignee="bob", status="done")

    async def found(query: str) -> list[str]:
        return [each["name"] for each in (await desk.ok("GET", f"/v1/tasks?{query}"))["items"]]

    assert await found("") == ["Rotate certificates", "Review access", "Rotate the keys"]
    assert await found("status=done&assignee=bob") == ["Rotate certificates"]
    assert await found("text=rotate&limit=1") == ["Rotate certificates"]
    page = await desk.ok("GET", "/v1/tasks?limit=2")
    assert await found(f"after={page['next']}") == ["Rotate the keys"]
    assert (await desk.call("GET", "/v1/tasks?after=rec_1")).status == 400
    assert (await desk.call("GET", "/v1/tasks?state=done")).status == 400


async def test_an_edit_is_told_before_and_after_and_refused_when_out_of_date(desk: HttpDesk) -> None:
    made = await add(desk, due="2027-01-31", assignee="bob")
    path = f"/v1/tasks/{made['id']}"
    with acting(desk, "bea"):
        changed = await desk.ok("PATCH", path, {"status": "done", "due": "", "name": made["name"]})
    assert (changed["status"], changed["due"], changed["assignee"]) == ("done", "", "bob")
    assert (changed["version"], changed["updated_by"]) == (1, "bea")
    assert (await told(desk))[-1] == (
        "edited",
        "task",
        {"before": {"status": "not_started", "due": "2027-01-31"}, "after": {"status": "done", "due": ""}},
    )
    answer = await desk.call("PATCH", path, {"name": "Mine", "version": 0})
    assert (answer.status, answer.json["field"]) == (409, "version")
    assert "bea" in answer.json["detail"]
    assert (await desk.ok("GET", path))["name"] == "Rotate the keys"
    assert (await desk.ok("PATCH", path, {"name": "Mine", "version": 1}))["name"] == "Mine"
    before = await told(desk)
    assert (await desk.ok("PATCH", path, {"name": "Mine"}))["version"] == 2
    assert await told(desk) == before
    answer = await desk.call("PATCH", path, {"due": "2027-02-30"})
    assert answer.status == 400


async def test_a_task_of_an_integration_works_with_ones_own_connection(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    body = {"integration_id": integration["id"]}
    with acting(desk, "bob"):
        answer = await desk.call("POST", "/v1/tasks", {"name": "x", **body})
        assert (answer.status, answer.json["field"]) == (400, "connection_id")
        assert "bob has no connection to Jira Cloud" in answer.json["detail"]
        assert answer.json["fix"] == "add one: `healthdesk connections add --app jira-cloud`"
        answer = await desk.call("POST", "/v1/tasks", {"name": "x", **body, "connection_id": admin["id"]})
        assert (answer.status, answer.json["detail"]) == (403, "you hold no grant on this connection")
        assert answer.json["fix"].startswith("Ask alice")
        mine = await connect(desk, jira, "Jira of bob")
        made = await add(desk, **body)
        again = await connect(desk, jira, "Jira of bob again")
        answer = await desk.call("POST", "/v1/tasks", {"name": "x", **body})
        assert answer.status == 400
        assert "bob has 2 connections" in answer.json["detail"]
        named = await add(desk, "named", connection_id=again["id"], **body)
        endpoint = await desk.connection()
        answer = await desk.call("POST", "/v1/tasks", {"name": "x", **body, "connection_id": endpoint["id"]})
        assert (answer.status, answer.json["field"]) == (400, "connection_id")
    instance = made["instance"]
    assert (instance["connection_id"], instance["owner"]) == (mine["id"], "bob")
    assert (instance["state_word"], instance["link"], instance["every_s"]) == ("Not run yet", "wanted", 3600)
    assert (instance["integration_name"], instance["app_name"]) == ("Tasks there", "Jira Cloud")
    assert named["instance"]["connection_id"] == again["id"]
    store = desk.engine.ctx.store
    row = await store.read(instances.get, made["id"])
    assert (row.next_at, row.next_trigger) == (desk.engine.ctx.clock.now(), Trigger.FIRST)
    assert (await store.read(tasks.get, made["id"])).container == {"project": "OPS", "issue_type": "Task"}
    assert (await store.read(connections.get, mine["id"])).used_at == desk.engine.ctx.clock.now()
    assert (await desk.ok("GET", f"/v1/integrations/{integration['id']}"))["totals"]["pending"] == 2
    found = await desk.ok("GET", f"/v1/tasks?integration_id={integration['id']}")
    assert [each["name"] for each in found["items"]] == ["named", "Rotate the keys"]


async def test_a_connection_to_another_site_is_none_for_this(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    async with FakeJiraCloud() as elsewhere:
        elsewhere.site = "https://other.atlassian.net"
        with acting(desk, "bob"):
            other = await connect(desk, elsewhere, "Jira of others")
            body = {"name": "x", "integration_id": integration["id"]}
            answer = await desk.call("POST", "/v1/tasks", body)
            assert "at acme.atlassian.net" in answer.json["detail"]
            answer = await desk.call("POST", "/v1/tasks", body | {"connection_id": other["id"]})
            assert (answer.status, answer.json["field"]) == (400, "connection_id")
            assert "other.atlassian.net" in answer.json["detail"]


async def test_a_grant_lets_a_member_add_tasks_and_edit_those_of_theirs(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    shared = await connect(desk, jira, "Shared Jira")
    integration = await integrate(desk, jira, shared["id"])
    others = await add(desk, "not theirs")
    assigned = await add(desk, "assigned", assignee="mia")
    body = {"name": "x", "integration_id": integration["id"]}
    with acting(desk, "mia", Role.MEMBER):
        assert (await desk.call("POST", "/v1/tasks", {"name": "x"})).status == 403
        assert (await desk.call("POST", "/v1/tasks", body)).status == 400
    await desk.ok("PUT", f"/v1/connections/{shared['id']}/members/mia", {"grant": "user"})
    with acting(desk, "mia", Role.MEMBER):
        mine = await add(desk, integration_id=integration["id"])
        assert mine["instance"]["owner"] == "mia"
        shown = [await desk.ok("GET", f"/v1/tasks/{each['id']}") for each in (mine, assigned, others)]
        assert [list(each["refused"]) for each in shown] == [[], ["remove"], ["edit", "remove", "integrate"]]
        assert "Ask alice" in shown[2]["refused"]["edit"]
        assert (await desk.call("PATCH", f"/v1/tasks/{mine['id']}", {"status": "done"})).status == 200
        assert (await desk.call("PATCH", f"/v1/tasks/{assigned['id']}", {"status": "done"})).status == 200
        assert (await desk.call("PATCH", f"/v1/tasks/{others['id']}", {"status": "done"})).status == 403
        assert (await desk.call("DELETE", f"/v1/tasks/{assigned['id']}")).status == 403
        assert (await desk.call("DELETE", f"/v1/tasks/{mine['id']}")).status == 204


async def test_an_edit_of_a_linked_task_makes_it_due(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    made = await add(desk, integration_id=integration["id"])
    await pretend_linked(desk, made["id"])
    path = f"/v1/tasks/{made['id']}"
    store = desk.engine.ctx.store
    await desk.ok("PATCH", path, {"name": made["name"]})
    assert (await store.read(instances.get, made["id"])).next_at is None
    await desk.ok("PATCH", path, {"name": "Renamed"})
    row = await store.read(instances.get, made["id"])
    assert (row.next_at, row.next_trigger, row.triggered_by) == (
        desk.engine.ctx.clock.now(),
        Trigger.EDIT,
        "alice",
    )
    assert row.name == "Renamed"
    shown = await desk.ok("GET", path)
    assert (shown["issue"]["key"], shown["issue"]["container"]) == ("OPS-7", {"project": "OPS"})
    answer = await desk.call("PATCH", path, {"integration_id": integration["id"]})
    assert (answer.status, answer.json["field"]) == (409, "integration_id")
    assert "OPS-7" in answer.json["detail"]


async def test_a_task_without_an_issue_gets_one_later(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    made = await add(desk)
    path = f"/v1/tasks/{made['id']}"
    linked = await desk.ok("PATCH", path, {"name": "New name", "integration_id": integration["id"]})
    assert (linked["instance"]["link"], linked["instance"]["name"]) == ("wanted", "New name")
    assert (await told(desk))[-1][2]["integration"] == "Tasks there"
    await pretend_linked(desk, made["id"])
    store = desk.engine.ctx.store
    await store.write(links.unlink, made["id"])
    second = await integrate(desk, jira, admin["id"], "Elsewhere", every_s=600)
    moved = await desk.ok("PATCH", path, {"integration_id": second["id"]})
    assert (moved["instance"]["integration_name"], moved["instance"]["every_s"]) == ("Elsewhere", 600)
    row = await store.read(tasks.get, made["id"])
    assert (row.link, row.external_id) == (LinkState.WANTED, "")


async def test_who_it_is_assigned_to_does_not_take_over_what_syncs_a_task(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    connection = await connect(desk, jira, "Jira")
    integration = await integrate(desk, jira, connection["id"])
    await desk.ok("PUT", f"/v1/connections/{connection['id']}/members/bob", {"grant": "user"})
    made = await add(desk, assignee="bob", integration_id=integration["id"], connection_id=connection["id"])
    await desk.ok("POST", f"/v1/instances/{made['id']}/unlink")
    again = {"integration_id": integration["id"], "connection_id": connection["id"]}
    with acting(desk, "bob", Role.MEMBER):
        answer = await desk.call("PATCH", f"/v1/tasks/{made['id']}", again)
    assert (answer.status, answer.json.get("detail")) == (403, "it is not yours")
    assert (await desk.ok("GET", f"/v1/instances/{made['id']}"))["owner"] == "alice"
    assert (await desk.ok("PATCH", f"/v1/tasks/{made['id']}", again))["instance"]["owner"] == "alice"


async def test_a_removed_task_leaves_its_issue(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    made = await add(desk, integration_id=integration["id"])
    await pretend_linked(desk, made["id"])
    await desk.ok("DELETE", f"/v1/tasks/{made['id']}")
    assert (await desk.call("GET", f"/v1/tasks/{made['id']}")).status == 404
    assert (await desk.call("GET", f"/v1/instances/{made['id']}")).status == 404
    assert (await told(desk))[-1] == ("removed", "task", {"issue stays": "OPS-7"})
    assert [path for method, path in jira.requests if method == "DELETE"] == []
    assert (await desk.call("DELETE", f"/v1/tasks/{made['id']}")).status == 404


async def test_an_integration_with_linked_tasks_is_removed_only_on_request(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    made = await add(desk, integration_id=integration["id"])
    path = f"/v1/integrations/{integration['id']}"
    answer = await desk.call("DELETE", path)
    assert answer.status == 409
    assert "1 linked task" in answer.json["detail"]
    assert "--unlink" in answer.json["fix"]
    await desk.ok("DELETE", f"{path}?instances=unlink")
    assert (await desk.ok("GET", f"/v1/tasks/{made['id']}"))["instance"] is None
    verb, kind, detail = (await told(desk))[-1]
    assert (verb, kind, detail["unlinked"]) == ("removed", "integration", 1)


async def test_an_integration_whose_admin_left_says_so_and_goes_on(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    with acting(desk, "bob"):
        mine = await connect(desk, jira, "Jira of bob")
    await desk.ok("DELETE", f"/v1/connections/{admin['id']}")
    path = f"/v1/integrations/{integration['id']}"
    shown = await desk.ok("GET", path)
    assert (shown["connection_id"], shown["connection_name"], shown["admin"]) == (None, "", "")
    with acting(desk, "bob"):
        made = await add(desk, integration_id=integration["id"])
        assert made["instance"]["connection_id"] == mine["id"]
        answer = await desk.call("PATCH", path, {"tasks": shown["tasks"] | {"every_s": 600}})
        assert answer.status == 409
        assert "--connection" in answer.json["fix"]
        changed = await desk.ok("PATCH", path, {"connection_id": mine["id"]})
        assert changed["admin"] == "bob"
