"""Integrations of kinds tasks and proof: settings are put to the app first, and are completed by what it offers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.connectors.apps.fake import Fault
from tests.connectors.apps.fake_github import FakeGithub
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import acting, connect, integrate, told

from healthdesk.domain.states import Role
from healthdesk.testing import FakeClock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


@pytest.fixture
async def jira() -> AsyncIterator[FakeJiraCloud]:
    async with FakeJiraCloud() as app:
        yield app


async def test_what_the_app_offers_completes_what_was_not_said(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira of alice")
    body = {
        "kind": "tasks",
        "name": "OPS in Jira",
        "connection_id": admin["id"],
        "tasks": {
            "container": {"project": "OPS"},
            "statuses": {"done": "Done"},
            "directions": {"due": "off"},
            "people": {"bob": "Bob B"},
            "values": {"customfield_10010": "High", "labels": "desk,{template}"},
        },
    }
    made = await desk.ok("POST", "/v1/integrations", body)
    shown = await desk.ok("GET", f"/v1/integrations/{made['id']}")
    assert shown == {key: value for key, value in made.items() if key != "new_signing_secrets"}
    tasks = shown["tasks"]
    assert tasks["container"] == {"project": "OPS", "issue_type": "Task"}
    assert tasks["statuses"] == {"not_started": "10000", "in_progress": "3", "done": "10001"}
    assert (tasks["directions"], tasks["people"], tasks["every_s"]) == (
        {"due": "off"},
        {"bob": "Bob B"},
        3600,
    )
    assert (shown["kind"], shown["app"], shown["app_name"]) == ("tasks", "jira-cloud", "Jira Cloud")
    assert (shown["connection_name"], shown["admin"], shown["state"]) == ("Jira of alice", "alice", "active")
    assert shown["totals"]["total"] == 0
    assert (await desk.ok("GET", "/v1/integrations"))["items"] == [shown]
    verb, kind, detail = (await told(desk))[-1]
    assert (verb, kind) == ("added", "integration")
    assert (detail["app"], detail["after"]["container"]["project"]) == ("jira-cloud", "OPS")
    assert "ATATT" not in str(await told(desk))


@pytest.mark.parametrize(
    ("change", "field", "sentence", "fix"),
    [
        ({"statuses": {"done": "Finished"}}, "tasks.statuses.done", "no status 'Finished'", "Done (10001)"),
        ({"their_statuses": {"9": "done"}}, "tasks.their_statuses", "no status '9'", "To Do (10000)"),
        ({"container": {}}, "tasks.container.project", "Project is missing", "OPS"),
        ({"container": {"projekt": "OPS"}}, "tasks.container.projekt", "no field", "mean project"),
        (
            {"container": {"project": "OPS", "issue_type": "Epic"}},
            "tasks.container.issue_type",
            "no issue type",
            "write its name",
        ),
        ({"values": {"labels": "{nam}"}}, "tasks.values.labels", "no {nam}", "{name}"),
        ({"values": {"labels": " "}}, "tasks.values.labels", "1 to", ""),
        ({"people": {"bob": " "}}, "tasks.people", "without a name", ""),
        ({"directions": {"due": "sideways"}}, "tasks.directions.due", "", ""),
        ({"every_s": 5}, "tasks.every_s", "", ""),
    ],
)
async def test_settings_that_cannot_be_are_refused_with_what_can(
    desk: HttpDesk, jira: FakeJiraCloud, change, field: str, sentence: str, fix: str
) -> None:
    admin = await connect(desk, jira, "Jira")
    body = {"kind": "tasks", "name": "OPS", "connection_id": admin["id"]}
    answer = await desk.call(
        "POST", "/v1/integrations", body | {"tasks": {"container": {"project": "OPS"}, **change}}
    )
    assert answer.status == 400, answer.body
    assert answer.json["field"] == field
    assert sentence in answer.json["detail"]
    assert fix in answer.json.get("fix", "")
    assert (await desk.ok("GET", "/v1/integrations"))["items"] == []


async def test_what_the_app_refuses_saves_nothing_unless_unchecked(desk: HttpDesk) -> None:
    async with FakeGithub() as github:
        admin = await connect(desk, github, "GitHub")
        nowhere = {"container": {"owner": "octocat", "repo": "gone"}}
        body = {"kind": "tasks", "name": "x", "connection_id": admin["id"], "tasks": nowhere}
        answer = await desk.call("POST", "/v1/integrations", body)
        assert answer.status == 422, answer.body
        assert "GitHub was asked first" in answer.json["detail"]
        assert "Nothing was saved" in answer.json["detail"]
        assert "--unchecked" in answer.json["fix"]
        assert answer.json["field"] == "tasks.container"
        github.fault = Fault.OUTAGE
        answer = await desk.call("POST", "/v1/integrations", body)
        assert (answer.status, answer.json["type"].rpartition("/")[2]) == (409, "trial-impossible")
        assert (await desk.ok("GET", "/v1/integrations"))["items"] == []
        made = await desk.ok("POST", "/v1/integrations", body | {"unchecked": True})
        assert made["tasks"]["container"] == nowhere["container"]
        assert made["tasks"]["statuses"] == {}


async def test_a_field_that_creations_want_is_said_until_it_is_given(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira")
    body = {"kind": "tasks", "connection_id": admin["id"], "tasks": {"container": {"project": "OPS"}}}
    made = await desk.ok("POST", "/v1/integrations", body | {"name": "OPS"})
    (note,) = made["notes"]
    assert "without Risk level (customfield_10010)" in note
    assert "--value customfield_10010=" in note
    given = {"container": {"project": "OPS"}, "values": {"customfield_10010": "High"}}
    edited = await desk.ok("PATCH", f"/v1/integrations/{made['id']}", {"tasks": given})
    assert edited["notes"] == []
    unasked = await desk.ok("POST", "/v1/integrations", body | {"name": "Unasked", "unchecked": True})
    assert unasked["notes"] == []


async def test_choices_are_what_the_app_has_and_a_mapping_to_begin_with(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira")
    asked = {"connection_id": admin["id"], "container": {"project": "OPS"}}
    found = await desk.ok("POST", "/v1/integrations/choices", asked)
    assert found["noun"] == "issue"
    assert [each["key"] for each in found["container"]] == ["project", "issue_type"]
    assert {each["name"]: each["done"] for each in found["statuses"]} == {
        "To Do": False,
        "In Progress": False,
        "Done": True,
    }
    assert [each["label"] for each in found["fields"]] == ["Risk level"]
    suggested = found["suggested"]
    assert suggested["statuses"] == {"not_started": "10000", "in_progress": "3", "done": "10001"}
    assert suggested["container"] == {"project": "OPS", "issue_type": "Task"}
    answer = await desk.call("POST", "/v1/integrations/choices", asked | {"container": {"project": "NOPE"}})
    assert answer.status == 422
    assert "Nothing was saved" not in answer.json["detail"]
    with acting(desk, "mia", Role.MEMBER):
        assert (await desk.call("POST", "/v1/integrations/choices", asked)).status == 403


async def test_a_field_the_app_has_not_is_not_synced(desk: HttpDesk) -> None:
    async with FakeGithub() as github:
        admin = await connect(desk, github, "GitHub")
        made = await integrate(desk, github, admin["id"])
        assert made["tasks"]["directions"]["due"] == "off"
        assert made["tasks"]["statuses"] == {"not_started": "open", "in_progress": "open", "done": "closed"}
        body = {"values": {"labels": "x"}, "container": dict(github.container)}
        answer = await desk.call(
            "POST",
            "/v1/integrations",
            {"kind": "tasks", "name": "y", "connection_id": admin["id"], "tasks": body},
        )
        assert (answer.status, answer.json["field"]) == (400, "tasks.values.labels")


async def test_an_edit_is_put_to_the_app_and_told_before_and_after(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    admin = await connect(desk, jira, "Jira")
    made = await integrate(desk, jira, admin["id"])
    path = f"/v1/integrations/{made['id']}"
    settings = made["tasks"] | {"every_s": 600, "statuses": {"done": "Nothing"}}
    answer = await desk.call("PATCH", path, {"tasks": settings})
    assert (answer.status, answer.json["field"]) == (400, "tasks.statuses.done")
    settings["statuses"] = {"done": "10001", "in_progress": "To Do"}
    changed = await desk.ok("PATCH", path, {"name": "Renamed", "tasks": settings})
    assert (changed["name"], changed["tasks"]["every_s"]) == ("Renamed", 600)
    assert changed["tasks"]["statuses"]["in_progress"] == "10000"
    _, _, detail = (await told(desk))[-1]
    assert (detail["before"]["every_s"], detail["after"]["every_s"]) == (3600, 600)
    assert (detail["before"]["name"], detail["after"]["name"]) == ("Tasks there", "Renamed")
    assert "container" not in detail["after"]
    for body, field in (
        ({"production": {"path": "/x"}}, "production"),
        ({"proof": {"every_s": 600}}, "proof"),
        ({"connection_id": None}, "connection_id"),
    ):
        answer = await desk.call("PATCH", path, body)
        assert (answer.status, answer.json["field"]) == (400, field)


async def test_the_admin_connection_is_exchanged_for_one_of_the_same_app_and_site(
    desk: HttpDesk, jira: FakeJiraCloud
) -> None:
    first = await connect(desk, jira, "Jira of alice")
    made = await integrate(desk, jira, first["id"])
    path = f"/v1/integrations/{made['id']}"
    with acting(desk, "bob"):
        second = await connect(desk, jira, "Jira of bob")
        answer = await desk.call("PATCH", path, {"connection_id": first["id"]})
        assert answer.status == 403
        changed = await desk.ok("PATCH", path, {"connection_id": second["id"]})
        assert (changed["connection_name"], changed["admin"]) == ("Jira of bob", "bob")
    async with FakeGithub() as github:
        other = await connect(desk, github, "GitHub")
    answer = await desk.call("PATCH", path, {"connection_id": other["id"]})
    assert answer.status == 400
    assert "connection to GitHub" in answer.json["detail"]
    async with FakeJiraCloud() as elsewhere:
        elsewhere.site = "https://other.atlassian.net"
        third = await connect(desk, elsewhere, "Jira of others")
        answer = await desk.call("PATCH", path, {"connection_id": third["id"]})
    assert answer.status == 400
    assert "other.atlassian.net" in answer.json["detail"]


async def test_kinds_do_not_mix(desk: HttpDesk, jira: FakeJiraCloud) -> None:
    admin = await connect(desk, jira, "Jira")
    endpoint = await desk.connection()
    for body, field in (
        ({"kind": "tasks"}, "connection_id"),
        ({"kind": "tasks", "connection_id": "con_no"}, "connection_id"),
        ({"kind": "tasks", "connection_id": endpoint["id"], "tasks": {}}, "connection_id"),
        ({"kind": "tasks", "connection_id": admin["id"], "proof": {}}, "proof"),
        ({"kind": "tasks", "connection_id": admin["id"], "app": "github"}, "app"),
        ({"kind": "tasks", "production": {"connection_id": admin["id"]}}, "production"),
        ({"kind": "proof"}, "app"),
        ({"kind": "proof", "app": "http-endpoint"}, "app"),
        ({"kind": "proof", "app": "github", "connection_id": admin["id"]}, "connection_id"),
        ({"kind": "proof", "app": "github", "tasks": {}}, "tasks"),
        ({"kind": "delivery", "tasks": {}}, "tasks"),
        ({"production": {"connection_id": endpoint["id"]}, "connection_id": admin["id"]}, "connection_id"),
    ):
        answer = await desk.call("POST", "/v1/integrations", {"name": "x", **body})
        assert (answer.status, answer.json.get("field")) == (400, field), (body, answer.body)


async def test_an_integration_of_kind_proof_has_an_interval(desk: HttpDesk) -> None:
    body = {"kind": "proof", "name": "Proof of GitHub", "app": "github", "proof": {"every_s": 7200}}
    made = await desk.ok("POST", "/v1/integrations", body)
    assert (made["proof"], made["tasks"], made["connection_id"]) == ({"every_s": 7200}, None, None)
    path = f"/v1/integrations/{made['id']}"
    changed = await desk.ok("PATCH", path, {"proof": {"every_s": 300}})
    assert changed["proof"] == {"every_s": 300}
    assert (await told(desk))[-1][2] == {"before": {"every_s": 7200}, "after": {"every_s": 300}}
    answer = await desk.call("PATCH", path, {"tasks": {}})
    assert (answer.status, answer.json["field"]) == (400, "tasks")
    assert (await desk.ok("POST", f"{path}/pause", {}))["state"] == "paused"
    assert (await desk.ok("POST", f"{path}/resume", {}))["state"] == "active"
    answer = await desk.call("POST", f"{path}/pause", {"environment": "testing"})
    assert answer.status == 400
    assert [verb for verb, _, _ in await told(desk)] == ["added", "edited", "paused", "resumed"]
    await desk.ok("DELETE", path)
    assert (await desk.call("GET", path)).status == 404


async def test_an_integration_that_delivers_is_not_removed(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    answer = await desk.call("DELETE", f"/v1/integrations/{delivery.id}")
    assert answer.status == 409
    assert "in the log" in answer.json["detail"]
    assert (await desk.call("DELETE", "/v1/integrations/int_no")).status == 404
    answer = await desk.call("DELETE", f"/v1/integrations/{delivery.id}?instances=keep")
    assert answer.status == 400
