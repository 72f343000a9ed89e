"""Attach an existing issue, against each app: found by key, by URL and by search, reviewed, attached, synced, unlinked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.apps.fake import FakeApp
from tests.connectors.apps.fake_asana import FakeAsana
from tests.connectors.apps.fake_azure_devops import FakeAzureDevOps
from tests.connectors.apps.fake_clickup import FakeClickup
from tests.connectors.apps.fake_github import FakeGithub
from tests.connectors.apps.fake_gitlab import FakeGitlab
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.connectors.apps.fake_linear import FakeLinear
from tests.connectors.apps.fake_pagerduty import FakePagerdutyUser
from tests.connectors.apps.fake_servicenow import FakeServicenow
from tests.connectors.apps.fake_trello import FakeTrello
from tests.connectors.apps.fake_zendesk import FakeZendesk
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.tasks_desk import connect, integrate, told

from healthdesk.testing import FakeClock

APPS = [
    FakeGithub, FakeGitlab, FakeJiraCloud, FakeAsana, FakeServicenow, FakeClickup, FakeAzureDevOps, FakeZendesk,
    FakeLinear, FakeTrello, FakePagerdutyUser,
]  # fmt: skip
TITLE = "Rotate all keys"
every_app = pytest.mark.parametrize("kind", [pytest.param(each, id=each.app_id) for each in APPS])


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


async def synced(desk: HttpDesk, integration_id: str, name: str = TITLE) -> dict[str, Any]:
    """Add a task and have its issue created."""
    made = await desk.ok("POST", "/v1/tasks", {"name": name, "integration_id": integration_id})
    shown: dict[str, Any] = await desk.ok("POST", f"/v1/instances/{made['id']}/sync", {})
    assert (shown["state_word"], shown["error"], shown["link"]) == ("Succeeded", "", "linked")
    return shown


def ref_of(issue: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": issue["id"], "key": issue["key"], "container": issue["container"], **more}


@every_app
async def test_an_issue_is_found_reviewed_attached_synced_parted_and_made_anew(
    desk: HttpDesk, kind: type[FakeApp]
) -> None:
    async with kind() as app:
        connection = await connect(desk, app, "Mine")
        integration = await integrate(desk, app, connection["id"])
        first = await synced(desk, integration["id"])
        ours = await desk.ok(
            "POST", "/v1/tasks", {"name": "Ours", "description": "Said here.", "due": "2027-01-31"}
        )
        one = f"/v1/instances/{ours['id']}"
        through = {"integration_id": integration["id"]}

        task = await desk.ok("GET", f"/v1/tasks/{first['id']}")
        known_as = task["issue"]["key"] or task["issue"]["id"]
        for text in (known_as, first["external_url"], app.search_text or TITLE):
            found = await desk.ok("POST", one + "/find", {"text": text, **through})
            assert [(each["id"], each["attached_to"]) for each in found["issues"]] == [
                (task["issue"]["id"], TITLE)
            ], text
        [issue] = found["issues"]
        for verb, body in (
            ("review", ref_of(issue, **through)),
            ("attach", ref_of(issue, **through, reviewed="x")),
        ):
            refused = await desk.call("POST", f"{one}/{verb}", body)
            assert (refused.status, f"with the task {TITLE}" in refused.json["detail"]) == (409, True), verb

        parted = await desk.ok("POST", f"/v1/instances/{first['id']}/unlink")
        assert (parted["state_word"], parted["next_at"], parted["link"]) == ("Unlinked", None, "unlinked")
        [issue] = (await desk.ok("POST", one + "/find", {"text": known_as, **through}))["issues"]
        assert issue["attached_to"] == ""

        review = await desk.ok("POST", one + "/review", ref_of(issue, **through))
        changes = {each["field"]: (each["before"], each["after"]) for each in review["changes"]}
        assert changes["name"] == ("Ours", TITLE)
        assert "will be overwritten" in review["warning"]
        attached = await desk.ok("POST", one + "/attach", ref_of(issue, **through, reviewed=review["digest"]))
        assert (attached["state_word"], attached["link"], attached["problem_id"]) == (
            "Succeeded",
            "linked",
            None,
        )
        task = await desk.ok("GET", f"/v1/tasks/{ours['id']}")
        assert {name: task[name] for name in changes} == {name: after for name, (_, after) in changes.items()}
        [run] = (await desk.ok("GET", one + "/runs"))["items"]
        assert (run["outcome"], run["outcome_word"], run["triggered_by"]) == ("attached", "Attached", "alice")
        assert {each["field"]: each["lost"] for each in run["changes"]} == {
            name: before for name, (before, _) in changes.items()
        }
        verb, noun, detail = (await told(desk))[-1]
        assert (verb, noun) == ("attached", "instance")
        assert (detail["before"]["name"], detail["after"]["name"]) == ("Ours", TITLE)
        assert detail["after"]["issue"] == (issue["key"] or issue["url"])

        before = len([each for each in app.requests if each[0] != "GET"])
        again = await desk.ok("POST", one + "/sync", {})
        assert (again["state_word"], again["error"]) == ("Succeeded", "")
        runs = (await desk.ok("GET", one + "/runs"))["items"]
        assert runs[0]["outcome"] == "unchanged", "attaching leaves nothing to push"
        written = [each for each in app.requests if each[0] != "GET"][before:]
        assert [each for each in written if "graphql" not in each[1] and "wiql" not in each[1]] == []

        await desk.ok("POST", one + "/unlink")
        wanted = await desk.ok("POST", one + "/create-issue")
        assert (wanted["state_word"], wanted["link"]) == ("Not run yet", "wanted")
        created = await desk.ok("POST", one + "/sync", {})
        assert (created["state_word"], created["link"], created["error"]) == ("Succeeded", "linked", "")
        task = await desk.ok("GET", f"/v1/tasks/{ours['id']}")
        assert task["issue"]["id"] != issue["id"]
        runs = (await desk.ok("GET", one + "/runs"))["items"]
        assert runs[0]["outcome"] == "created"
