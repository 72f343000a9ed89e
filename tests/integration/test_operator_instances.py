"""Tasks and proof syncs over the socket: what is told of them, what is refused and why, and what actions do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.connectors.apps.fake import Fault
from tests.connectors.apps.fake_github import FakeGithub
from tests.connectors.apps.fake_gitlab import FakeGitlab
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import acting, connect, integrate, told

from healthdesk.domain.states import ConnectionState, Role
from healthdesk.store import instances as instance_queries
from healthdesk.store.schema_connections import connections as connections_table
from healthdesk.testing import FakeClock

MEMBER = Role.MEMBER


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


@pytest.fixture
async def github() -> AsyncIterator[FakeGithub]:
    async with FakeGithub() as app:
        yield app


async def add(desk: HttpDesk, integration: dict[str, Any], name: str = "Rotate keys", **more: Any) -> str:
    """Add a task of an integration; its issue is not created yet."""
    made = await desk.ok("POST", "/v1/tasks", {"name": name, "integration_id": integration["id"], **more})
    return str(made["id"])


async def sync(desk: HttpDesk, task_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = await desk.ok("POST", f"/v1/instances/{task_id}/sync", {})
    return shown


async def show(desk: HttpDesk, task_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = await desk.ok("GET", f"/v1/instances/{task_id}")
    return shown


async def set_state(desk: HttpDesk, connection_id: str, state: ConnectionState) -> None:
    """Let a connection be in a state, as if checks had found that."""

    def change(conn: Any) -> None:
        conn.execute(
            connections_table.update().where(connections_table.c.id == connection_id).values(state=state)
        )

    await desk.engine.ctx.store.write(change)


async def test_a_task_is_told_with_its_names_and_its_two_depths_of_health(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "GitHub of alice")
    integration = await integrate(desk, github, connection["id"], "GitHub tasks")
    task = await add(desk, integration)
    shown = await show(desk, task)
    assert (shown["state_word"], shown["kind"], shown["owner"]) == ("Not run yet", "task", "alice")
    assert (shown["app_name"], shown["integration_name"], shown["connection_name"]) == (
        "GitHub", "GitHub tasks", "GitHub of alice",
    )  # fmt: skip
    github.fault = Fault.MISSING_FIELD
    failed = await sync(desk, task)
    assert (failed["state_word"], failed["blocked"]) == ("Creation failed", False)
    why = failed["explanation"]["sentence"]
    assert why.startswith(
        "GitHub is connected, and yet this task's creation failed: the heartbeat proves who you are"
    )
    assert "milestone" in why
    status = await desk.ok("GET", "/v1/status")
    assert (status["sentence"], status["counts"]["tasks_failed"]) == ("1 task failed", 1)
    assert failed["refused"].keys() >= {"create_issue", "reconnect", "open", "view"}
    assert "sync" not in failed["refused"]
    github.fault = Fault.NONE
    assert (await sync(desk, task))["state_word"] == "Succeeded"
    assert len(github.issues) == 1
    assert (await told(desk))[-1] == (
        "synced",
        "instance",
        {"before": "Creation failed", "after": "Succeeded"},
    )
    runs = (await desk.ok("GET", f"/v1/instances/{task}/runs"))["items"]
    assert [each["outcome_word"] for each in runs] == ["Created", "Failed"]
    page = await desk.ok("GET", f"/v1/instances/{task}/runs?limit=1")
    older = await desk.ok("GET", f"/v1/instances/{task}/runs?limit=1&after={page['next']}")
    assert [each["id"] for each in page["items"] + older["items"]] == [each["id"] for each in runs]


async def test_lists_are_filtered_counted_and_paged(desk: HttpDesk, github: FakeGithub) -> None:
    connection = await connect(desk, github, "Mine")
    integration = await integrate(desk, github, connection["id"])
    tasks = [await add(desk, integration, f"Task {number}") for number in range(4)]
    for task in tasks[:2]:
        await sync(desk, task)
    github.fault = Fault.MISSING_FIELD
    await sync(desk, tasks[2])

    async def ids(query: str) -> list[str]:
        return [each["id"] for each in (await desk.ok("GET", f"/v1/instances?{query}"))["items"]]

    assert await ids("kind=task") == tasks
    assert await ids("kind=proof") == []
    assert await ids("state=succeeded") == tasks[:2]
    assert await ids("state=failed_or_blocked") == tasks[2:3]
    assert await ids("state=pending&state=failed_or_blocked") == tasks[2:]
    assert await ids(f"connection_id={connection['id']}&integration_id={integration['id']}") == tasks
    assert await ids("text=TASK 3") == tasks[3:]
    assert await ids("owner=bob") == []
    assert await ids(f"limit=2&after={tasks[0]}") == tasks[1:3]
    counted = await desk.ok("GET", "/v1/instances/count")
    assert counted == {"total": 4, "succeeded": 2, "failed": 1, "blocked": 0, "pending": 1, "exact": True}
    assert (await desk.ok("GET", "/v1/instances/count?state=failed_or_blocked"))["total"] == 1
    for query, field in (
        ("state=broken", "state.0"),
        ("after=int_1", "after"),
        ("blocked=perhaps", "blocked"),
    ):
        refused = await desk.call("GET", f"/v1/instances?{query}")
        assert (refused.status, refused.json["field"]) == (400, field), query


async def test_a_failing_connection_is_named_and_keeps_sync_now_from_asking(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "GitHub of alice")
    integration = await integrate(desk, github, connection["id"])
    task = await add(desk, integration)
    await set_state(desk, connection["id"], ConnectionState.FAILING)
    shown = await show(desk, task)
    assert shown["refused"]["sync"].startswith("repair the connection GitHub of alice first")
    asked = len(github.requests)
    for verb, body in (("sync", {}), ("review", {"id": "1"}), ("attach", {"id": "1", "reviewed": "x"})):
        refused = await desk.call("POST", f"/v1/instances/{task}/{verb}", body)
        assert (refused.status, "repair the connection" in refused.json["detail"]) == (409, True), verb
    assert len(github.requests) == asked


async def test_what_changed_since_the_review_is_not_overwritten_unseen(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "Mine")
    integration = await integrate(desk, github, connection["id"])
    first = await add(desk, integration, "Theirs")
    await sync(desk, first)
    await desk.ok("POST", f"/v1/instances/{first}/unlink")
    ours = (await desk.ok("POST", "/v1/tasks", {"name": "Ours"}))["id"]
    one, through = f"/v1/instances/{ours}", {"integration_id": integration["id"]}
    refused = await desk.call("POST", one + "/find", {"text": "Theirs"})
    assert (refused.status, refused.json["field"]) == (400, "integration_id")
    [issue] = (await desk.ok("POST", one + "/find", {"text": "Theirs", **through}))["issues"]
    ref = {"id": issue["id"], "key": issue["key"], "container": issue["container"], **through}
    review = await desk.ok("POST", one + "/review", ref)
    [number] = github.issues
    github.issues[number]["title"] = "Changed there"
    refused = await desk.call("POST", one + "/attach", {**ref, "reviewed": review["digest"]})
    assert (refused.status, refused.json["field"]) == (409, "reviewed")
    review = await desk.ok("POST", one + "/review", ref)
    await desk.ok("PATCH", f"/v1/tasks/{ours}", {"description": "Written meanwhile"})
    assert (await desk.call("POST", one + "/attach", {**ref, "reviewed": review["digest"]})).status == 409
    assert (await desk.ok("GET", f"/v1/tasks/{ours}"))["name"] == "Ours"
    review = await desk.ok("POST", one + "/review", ref)
    attached = await desk.ok("POST", one + "/attach", {**ref, "reviewed": review["digest"]})
    assert (attached["name"], attached["owner"]) == ("Changed there", "alice")
    again = await desk.call("POST", one + "/attach", {**ref, "reviewed": review["digest"]})
    assert again.status == 409
    assert "unlink it first" in again.json["detail"]


async def test_addresses_of_other_sites_and_of_nothing_are_refused(desk: HttpDesk) -> None:
    async with FakeGitlab() as gitlab:
        connection = await connect(desk, gitlab, "GitLab")
        integration = await integrate(desk, gitlab, connection["id"])
        task = await add(desk, integration)
        shown = await sync(desk, task)
        one = f"/v1/instances/{task}"
        host = shown["external_url"].split("/")[2]
        elsewhere = shown["external_url"].replace(host, "git.elsewhere.example")
        for text in (elsewhere, "https://example.com/"):
            refused = await desk.call("POST", one + "/find", {"text": text})
            assert (refused.status, refused.json["field"]) == (400, "text"), text
        gone = shown["external_url"].rsplit("/", 1)[0] + "/99999"
        assert await desk.ok("POST", one + "/find", {"text": gone}) == {"issues": [], "cut": False}
        for body in ({"text": ""}, {"text": "x" * 501}, {}):
            assert (await desk.call("POST", one + "/find", body)).status == 400
        gitlab.fault = Fault.OUTAGE
        unreachable = await desk.call("POST", one + "/find", {"text": "keys"})
        assert (unreachable.status, unreachable.json["blame"]) == (409, "them")
        gitlab.fault = Fault.MISSING_PERMISSION
        assert (await desk.call("POST", one + "/find", {"text": "keys"})).status == 422


async def test_an_issue_that_was_deleted_is_offered_anew_in_the_integrations_own_place(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "Mine")
    integration = await integrate(desk, github, connection["id"])
    task = await add(desk, integration)
    await sync(desk, task)
    github.forget()
    gone = await sync(desk, task)
    assert (gone["state_word"], gone["link"]) == ("Sync failed", "deleted")
    assert "nothing is created by itself" in gone["explanation"]["next_action"]
    assert github.issues == {}
    wanted = await desk.ok("POST", f"/v1/instances/{task}/create-issue")
    assert (wanted["state_word"], wanted["error"], wanted["problem_id"]) == ("Not run yet", "", None)
    made = await sync(desk, task)
    assert (made["state_word"], len(github.issues)) == ("Succeeded", 1)
    refused = await desk.call("POST", f"/v1/instances/{task}/create-issue")
    assert (refused.status, made["external_key"] in refused.json["detail"]) == (409, True)


async def test_unlink_and_what_it_leaves(desk: HttpDesk, github: FakeGithub) -> None:
    connection = await connect(desk, github, "Mine")
    integration = await integrate(desk, github, connection["id"])
    task = await add(desk, integration)
    shown = await sync(desk, task)
    parted = await desk.ok("POST", f"/v1/instances/{task}/unlink")
    assert (parted["external_key"], parted["state_word"]) == (shown["external_key"], "Unlinked")
    assert (await told(desk))[-1] == ("unlinked", "instance", {"before": shown["external_key"]})
    for verb in ("unlink", "sync"):
        refused = await desk.call("POST", f"/v1/instances/{task}/{verb}", {} if verb == "sync" else None)
        assert refused.status == 409, verb
    assert len(github.issues) == 1


async def test_reconnecting_one_repairs_all_of_the_same_user_and_app_and_nobody_elses(desk: HttpDesk) -> None:
    async with FakeGithub() as github, FakeJiraCloud() as jira:
        admin = await connect(desk, github, "GitHub admin")
        integration = await integrate(desk, github, admin["id"], "GitHub tasks")
        second = await integrate(desk, github, admin["id"], "More GitHub tasks")
        of_jira = await integrate(desk, jira, (await connect(desk, jira, "Jira admin"))["id"], "Jira tasks")
        mine: dict[str, list[str]] = {}
        with_whom: dict[str, dict[str, Any]] = {}
        for user in ("bob", "carol"):
            with acting(desk, user):
                with_whom[user] = await connect(desk, github, f"GitHub of {user}")
                mine[user] = [
                    await add(desk, each, f"{user}'s") for each in (integration, integration, second)
                ]
        with acting(desk, "bob"):
            jira_of_bob = await connect(desk, jira, "Jira of bob")
            in_jira = await add(desk, of_jira, "bob's in Jira")
            await desk.ok("DELETE", f"/v1/connections/{with_whom['bob']['id']}")
            await desk.ok("DELETE", f"/v1/connections/{jira_of_bob['id']}")
        with acting(desk, "carol"):
            await desk.ok("DELETE", f"/v1/connections/{with_whom['carol']['id']}")
        lost = await show(desk, mine["bob"][0])
        assert (lost["connection_id"], lost["next_at"]) == (None, None)
        with acting(desk, "bob"):
            again = await connect(desk, github, "GitHub of bob again")
            one = f"/v1/instances/{mine['bob'][0]}/reconnect"
            wrong = await desk.call("POST", one, {"connection_id": (await connect(desk, jira, "J"))["id"]})
            assert (wrong.status, wrong.json["field"]) == (400, "connection_id")
            with acting(desk, "mia", MEMBER):
                assert (await desk.call("POST", one, {"connection_id": again["id"]})).status == 403
            changed: list[tuple[str, str]] = []
            desk.engine.ctx.bus.on_event(lambda event: changed.append((event.kind, event.object_id)))
            done = await desk.ok("POST", one, {"connection_id": again["id"]})
            assert ("instance.changed", "") in changed, "every task that it repairs is read again"
            assert done == {
                "instances": 3,
                "sentence": "3 tasks of bob in GitHub are connected again, through GitHub of bob again, and synced now.",
            }
            refused = await desk.call("POST", one, {"connection_id": again["id"]})
            assert refused.status == 409
        for task in mine["bob"]:
            assert (await show(desk, task))["connection_id"] == again["id"]
        for task in (*mine["carol"], in_jira):
            assert (await show(desk, task))["connection_id"] is None
        verb, _, detail = (await told(desk))[-1]
        assert (verb, detail["tasks"], detail["after"]) == ("reconnected", 3, "GitHub of bob again")
        row = await desk.engine.ctx.store.read(instance_queries.get, mine["bob"][1])
        assert (row.next_trigger.value, row.next_at is not None) == ("recovery", True)
        with acting(desk, "bob"):
            assert (await sync(desk, mine["bob"][1]))["state_word"] == "Succeeded"


async def test_who_may_do_what_is_told_and_held(desk: HttpDesk, github: FakeGithub) -> None:
    connection = await connect(desk, github, "GitHub of alice")
    integration = await integrate(desk, github, connection["id"])
    task = await add(desk, integration)
    with acting(desk, "mia", MEMBER):
        shown = await show(desk, task)
        for action in ("sync", "unlink", "attach"):
            assert "Ask alice" in shown["refused"][action], action
        calls = {
            "sync": {},
            "unlink": None,
            "find": {"text": "x"},
            "review": {"id": "1"},
            "create-issue": None,
        }
        for verb, body in calls.items():
            refused = await desk.call("POST", f"/v1/instances/{task}/{verb}", body)
            assert (refused.status, "Ask alice" in refused.json["fix"]) == (403, True), verb
    await desk.ok("PUT", f"/v1/connections/{connection['id']}/members/mia", {"grant": "manager"})
    with acting(desk, "mia", MEMBER):
        assert "sync" not in (await show(desk, task))["refused"]
        assert (await sync(desk, task))["state_word"] == "Succeeded"


async def test_the_window_has_the_admins_card_and_mine(desk: HttpDesk, github: FakeGithub) -> None:
    admin = await connect(desk, github, "GitHub admin")
    integration = await integrate(desk, github, admin["id"], "GitHub tasks")
    own = await add(desk, integration)
    await sync(desk, own)
    window = await desk.ok("GET", f"/v1/accounts/{admin['id']}")
    assert [(each["role"], each["title"], each["instances"]) for each in window["cards"]] == [
        ("both", "Admin and my connection", 1)
    ]
    assert window["tasks"] == {
        "total": 1,
        "succeeded": 1,
        "failed": 0,
        "blocked": 0,
        "pending": 0,
        "exact": True,
    }
    assert (window["proof"], [each["name"] for each in window["integrations"]]) == (None, ["GitHub tasks"])
    with acting(desk, "bob"):
        mine = await connect(desk, github, "GitHub of bob")
        task = await add(desk, integration, "bob's")
        github.fault = Fault.MISSING_FIELD
        await sync(desk, task)
        [row] = await desk.ok("GET", "/v1/accounts")
        assert (row["failed"], row["total"], row["unit"], row["state_word"]) == (1, 2, "tasks", "Connected")
        assert row["explanation"]["sentence"].startswith("GitHub is connected, and yet 1 task failed")
        window = await desk.ok("GET", f"/v1/accounts/{admin['id']}")
        assert window == await desk.ok("GET", f"/v1/accounts/{mine['id']}")
        cards = {each["role"]: each for each in window["cards"]}
        assert list(cards) == ["admin", "mine"]
        assert cards["admin"]["ask"] == "Ask alice, or an administrator: root."
        assert "Ask alice" in cards["admin"]["connection"]["refused"]["disconnect"]
        assert cards["admin"]["connected_on"] == cards["admin"]["connection"]["connected_on"]
        assert cards["mine"]["connected_on"] == cards["mine"]["connection"]["used_at"]
        assert "disconnect" not in cards["mine"]["connection"]["refused"]
        assert (cards["mine"]["ask"], cards["mine"]["instances"]) == ("", 1)
    await connect(desk, github, "GitHub of alice for tasks")
    window = await desk.ok("GET", f"/v1/accounts/{admin['id']}")
    assert [each["role"] for each in window["cards"]] == ["admin", "mine"]
    refused = window["cards"][0]["connection"]["refused"]["disconnect"]
    assert refused == "It is the admin connection of GitHub tasks: give that another one first."
    assert (await desk.call("GET", "/v1/accounts/con_none")).status == 404


async def test_a_problem_of_tasks_lists_them_with_the_last_good_run_and_the_first_bad_one(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "GitHub of alice")
    integration = await integrate(desk, github, connection["id"])
    gone, well = await add(desk, integration, "Gone"), await add(desk, integration, "Well")
    for task in (gone, well):
        assert (await sync(desk, task))["state_word"] == "Succeeded"
    cast("FakeClock", desk.engine.ctx.clock).advance(60)
    github.issues = {number: each for number, each in github.issues.items() if each["title"] == "Well"}
    problem_id = (await sync(desk, gone))["problem_id"]
    problem = await desk.ok("GET", f"/v1/problems/{problem_id}")
    assert (problem["cause"], problem["unit"]) == ("404 issue deleted, or hidden from the account", "task")
    assert problem["sample_instance_id"] == gone
    runs = {each["id"]: each for each in (await desk.ok("GET", f"/v1/instances/{gone}/runs"))["items"]}
    good, bad = problem["last_good_run"], problem["first_bad_run"]
    assert (good["outcome_word"], bad["outcome_word"]) == ("Created", "Failed")
    assert "was deleted in GitHub" in bad["error"]
    assert {good["id"], bad["id"]} == set(runs)
    cast("FakeClock", desk.engine.ctx.clock).advance(60)
    await sync(desk, gone)
    again = await desk.ok("GET", f"/v1/problems/{problem_id}")
    assert again["first_bad_run"] == bad, "the first, not the last"

    async def held_up(problem_id: str, more: str = "") -> list[str]:
        found = await desk.ok("GET", f"/v1/instances?problem_id={problem_id}{more}")
        counted = await desk.ok("GET", f"/v1/instances/count?problem_id={problem_id}{more}")
        assert counted["total"] == len(found["items"])
        return [each["id"] for each in found["items"]]

    assert await held_up(problem_id) == [gone]
    assert await held_up(problem_id, "&kind=proof") == []
    missing = await desk.call("GET", "/v1/instances?problem_id=prb_01M841YWSMEZMD49Q9ZY2N8GVF")
    assert (missing.status, "problem" in missing.json["detail"]) == (404, True)


async def test_a_problem_of_a_connection_lists_what_is_blocked_behind_it(
    desk: HttpDesk, github: FakeGithub
) -> None:
    connection = await connect(desk, github, "GitHub of alice")
    integration = await integrate(desk, github, connection["id"])
    task = await add(desk, integration)
    await sync(desk, task)
    github.fault = Fault.WRONG_CREDENTIALS
    for _ in range(2):
        await desk.ok("POST", f"/v1/connections/{connection['id']}/check")
        cast("FakeClock", desk.engine.ctx.clock).advance(60)
    await desk.engine.ctx.store.write(instance_queries.update, task, {"blocked": True}, bumps=False)
    [problem] = (await desk.ok("GET", f"/v1/problems?connection_id={connection['id']}"))["items"]
    assert problem["blocked"] == {"task": 1}
    one = f"/v1/instances?problem_id={problem['id']}"
    assert [each["id"] for each in (await desk.ok("GET", one))["items"]] == [task]
    assert (await desk.ok("GET", one + "&blocked=false"))["items"] == []
    assert (await desk.ok("GET", one + "&connection_id=con_other"))["items"] == []
