"""Repeating tasks: one task for each time that is due, whatever happens in between, under the owner's connection."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import acting, connect, integrate, told

from healthdesk.domain.states import Role
from healthdesk.store import instances
from healthdesk.testing import FakeClock

WEEK = 7 * 86_400


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


@pytest.fixture
async def jira() -> AsyncIterator[FakeJiraCloud]:
    async with FakeJiraCloud() as app:
        yield app


async def add(desk: HttpDesk, **more: Any) -> dict[str, Any]:
    body = {"name": "Weekly", "task": {"name": "Rotate {date}"}, "schedule": {"every_s": WEEK}}
    made: dict[str, Any] = await desk.ok("POST", "/v1/templates", body | more)
    return made


async def turned(desk: HttpDesk, later_s: float) -> int:
    """Let time pass and create what is due; return how many turns that took."""
    clock = desk.engine.ctx.clock
    assert isinstance(clock, FakeClock)
    clock.advance(later_s)
    turns = 0
    while await desk.engine.templates.turn():
        turns += 1
    return turns


async def names(desk: HttpDesk) -> list[str]:
    return [each["name"] for each in (await desk.ok("GET", "/v1/tasks"))["items"]]


async def test_a_template_creates_a_task_when_it_is_due_and_only_then(desk: HttpDesk) -> None:
    task = {"name": "Rotate {date}", "description": "all", "assignee": "bob", "due_in_days": 3}
    made = await add(desk, task=task)
    now = desk.engine.ctx.clock.now()
    assert made["schedule_word"] == "every 7d"
    assert made["next_at"].rstrip("Z") == (now + timedelta(days=7)).isoformat().removesuffix("+00:00")
    assert await turned(desk, WEEK - 1) == 0
    assert await turned(desk, 1) == 1
    day = (now + timedelta(days=7)).date()
    [created] = (await desk.ok("GET", "/v1/tasks"))["items"]
    assert created["name"] == f"Rotate {day}"
    assert (created["description"], created["assignee"]) == ("all", "bob")
    assert created["due"] == (day + timedelta(days=3)).isoformat()
    assert (created["template_id"], created["template_name"]) == (made["id"], "Weekly")
    assert (created["created_by"], created["instance"]) == ("alice", None)
    shown = await desk.ok("GET", f"/v1/templates/{made['id']}")
    assert (shown["tasks"], shown["error"]) == (1, "")
    assert shown["last_at"] is not None
    assert await turned(desk, WEEK) == 1


async def test_after_a_stop_one_task_catches_up(desk: HttpDesk) -> None:
    await add(desk)
    assert await turned(desk, 10 * WEEK + 60) == 1
    assert len(await names(desk)) == 1
    assert await turned(desk, WEEK - 61) == 0
    assert await turned(desk, 1) == 1


async def test_a_crash_leaves_neither_task_nor_a_schedule_that_moved(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await add(desk)
    desk.engine.ctx.clock.advance(WEEK)

    def crash(*_args: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("healthdesk.engine.templates.queries.created", crash)
        with pytest.raises(RuntimeError, match="killed"):
            await desk.engine.templates.turn()
    assert await names(desk) == []
    assert (await desk.ok("GET", f"/v1/templates/{made['id']}"))["next_at"] == made["next_at"]
    assert await turned(desk, 0) == 1
    assert len(await names(desk)) == 1


async def test_two_daemons_create_one_task(desk: HttpDesk, tmp_path: Path) -> None:
    await add(desk)
    clock = desk.engine.ctx.clock
    clock.advance(WEEK)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "key", other / "key")
    url = f"sqlite:///{tmp_path}/healthdesk.db"
    async with http_desk(other, clock=clock, database_url=url) as second:
        turns = await asyncio.gather(
            *(each.engine.templates.turn() for each in (desk, second, desk, second, desk))
        )
    assert turns.count(True) == 1
    assert len(await names(desk)) == 1


async def test_a_task_of_a_template_is_linked_under_its_owners_connection(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    with acting(desk, "bob"):
        body = {"integration_id": integration["id"]}
        answer = await desk.call("POST", "/v1/templates", {"name": "x", "task": {"name": "y"}, **body})
        assert (answer.status, answer.json["field"]) == (400, "connection_id")
        assert "healthdesk connections add --app jira-cloud" in answer.json["fix"]
        mine = await connect(desk, jira, "Jira of bob")
        made = await add(desk, **body)
        assert (made["integration_name"], made["owner"]) == ("Tasks there", "bob")
    assert await turned(desk, WEEK) == 1
    [created] = (await desk.ok("GET", f"/v1/tasks?template_id={made['id']}"))["items"]
    instance = created["instance"]
    assert (instance["owner"], instance["connection_id"]) == ("bob", mine["id"])
    assert (instance["template_name"], instance["link"]) == ("Weekly", "wanted")
    row = await desk.engine.ctx.store.read(instances.get, created["id"])
    assert row.next_at == desk.engine.ctx.clock.now()


async def test_what_keeps_a_task_from_being_created_is_shown_and_tried_again(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    integration = await integrate(desk, jira, admin["id"])
    made = await add(desk, integration_id=integration["id"])
    path = f"/v1/templates/{made['id']}"
    spare = await connect(desk, jira, "Jira of alice again")
    assert await turned(desk, WEEK) == 1
    shown = await desk.ok("GET", path)
    assert "alice has 2 connections to Jira Cloud" in shown["error"]
    assert await names(desk) == []
    answer = await desk.call("POST", f"{path}/create")
    assert answer.status == 400
    assert await turned(desk, 899) == 0
    await desk.ok("DELETE", f"/v1/connections/{spare['id']}")
    assert await turned(desk, 1) == 1
    shown = await desk.ok("GET", path)
    assert (shown["error"], shown["tasks"]) == ("", 1)
    assert await turned(desk, WEEK - 1) == 0
    assert await turned(desk, 1) == 1


async def test_a_template_is_changed_and_told_before_and_after(desk: HttpDesk) -> None:
    made = await add(desk)
    path = f"/v1/templates/{made['id']}"
    schedule = {"cron": "0 9 1 * *", "zone": "Europe/Berlin"}
    changed = await desk.ok("PATCH", path, {"schedule": schedule, "name": "Monthly"})
    assert changed["schedule_word"] == "0 9 1 * * (Europe/Berlin)"
    assert changed["next_at"].endswith(("07:00:00Z", "08:00:00Z"))
    _, kind, detail = (await told(desk))[-1]
    assert (kind, detail["before"]["name"], detail["after"]["name"]) == ("template", "Weekly", "Monthly")
    assert detail["before"]["schedule"]["every_s"] == WEEK
    by_hand = await desk.ok("PATCH", path, {"without_schedule": True})
    assert (by_hand["schedule"], by_hand["next_at"], by_hand["schedule_word"]) == (None, None, "by hand")
    assert await turned(desk, 100 * WEEK) == 0
    task = await desk.ok("POST", f"{path}/create")
    assert task["template_name"] == "Monthly"
    assert (await told(desk))[-1] == ("added", "task", {"template": "Monthly"})
    await desk.ok("DELETE", path)
    assert (await told(desk))[-1] == ("removed", "template", {"tasks stay": 1})
    left = await desk.ok("GET", f"/v1/tasks/{task['id']}")
    assert (left["template_id"], left["template_name"]) == (made["id"], "")
    assert (await desk.call("GET", path)).status == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schedule": {"every_s": 60, "cron": "* * * * *"}}, "schedule.every_s"),
        ({"schedule": {}}, "schedule.every_s"),
        ({"schedule": {"cron": "never"}}, "schedule.cron"),
        ({"schedule": {"cron": "0 0 * * *", "zone": "Mars/Base"}}, "schedule.zone"),
        ({"schedule": {"every_s": 5}}, "schedule.every_s"),
        ({"task": {"name": " "}}, "task.name"),
        ({"task": {"name": "x", "fields": {"a": []}}}, "task.fields.a"),
        ({"task": {"name": "x", "due_in_days": -1}}, "task.due_in_days"),
        ({"integration_id": "int_no"}, "integration_id"),
        ({"connection_id": "con_no"}, "connection_id"),
    ],
)
async def test_a_template_that_could_not_create_a_task_is_refused(
    desk: HttpDesk, change: dict[str, Any], field: str
) -> None:
    body = {"name": "x", "task": {"name": "y"}, **change}
    answer = await desk.call("POST", "/v1/templates", body)
    assert (answer.status, answer.json["field"]) == (400, field), answer.body
    made = await add(desk)
    answer = await desk.call("PATCH", f"/v1/templates/{made['id']}", change)
    assert (answer.status, answer.json["field"]) == (400, field), answer.body
    with acting(desk, "mia", Role.MEMBER):
        assert (await desk.call("POST", "/v1/templates", body)).status == 403
