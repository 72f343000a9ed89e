"""What the code of GitHub, ServiceNow and ClickUp adds to their manifests."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from tests.connectors.apps.fake_clickup import FakeClickup
from tests.connectors.apps.fake_github import FakeGithub
from tests.connectors.apps.fake_gitlab import FakeGitlab
from tests.connectors.apps.fake_servicenow import FakeServicenow
from tests.connectors.apps.test_apps import REGISTRY, connector_of

from healthdesk.connectors.connector import TaskInputs
from healthdesk.connectors.paths import text_at
from healthdesk.connectors.session import GuardedSession
from healthdesk.testing import FakeClock


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("rotate keys", "rotate keys"),
        ('repo:other/secret "keys" (all)', "repo other/secret keys all"),
        ("-keys NOT rotate-all OR x", "keys rotate-all x"),
        ("k" * 400, "k" * 200),
    ],
)
async def test_github_searches_in_the_repository_alone(
    session: GuardedSession, clock: FakeClock, text: str, searched: str
) -> None:
    async with FakeGithub() as fake:
        found = await connector_of(fake, session, clock).search_tasks(fake.container, text)

    assert found.failure is None
    (_, path), *_ = fake.requests
    query = parse_qs(urlsplit(path).query)["q"]
    assert query == [f"{searched} repo:octo-org/hello-world is:issue in:title,body"]


@pytest.mark.parametrize(
    ("app", "event", "body"),
    [
        ("github", "issues", {"issue": {"number": 1347}, "repository": {"full_name": "octo-org/hello-world"}}),
        ("gitlab", "Issue Hook",
         {"object_attributes": {"iid": 11}, "project": {"path_with_namespace": "my-group/my-project"}}),
    ],
)  # fmt: skip
async def test_a_callback_names_the_issue_as_its_key_does(
    session: GuardedSession, clock: FakeClock, app: str, event: str, body: dict
) -> None:
    """A number alone is in every repository of the account."""
    manifest = REGISTRY.get(app).manifest
    declared = next(each for each in manifest.callbacks.events if each.name == event)
    async with {"github": FakeGithub, "gitlab": FakeGitlab}[app]() as fake:
        created = await connector_of(fake, session, clock).create_task(fake.container, TaskInputs(title="A"))

    assert text_at(declared.instance, body) == created.task.key
    assert "/" in created.task.key


async def test_servicenow_has_the_states_of_a_tables_own_or_of_task(
    session: GuardedSession, clock: FakeClock
) -> None:
    async with FakeServicenow() as fake:
        fake.tables["sys_choice"] += [
            {"value": "3", "label": "Closed Complete", "name": "task", "element": "state"}
            | {"inactive": "false", "language": "en", "sequence": "1"}
        ]
        connector = connector_of(fake, session, clock)
        own = await connector.statuses({"table": "incident"})
        inherited = await connector.statuses({"table": "sc_task"})

    assert [(each.id, each.name, each.done) for each in own.statuses] == [
        ("1", "New", False), ("2", "In Progress", False), ("6", "Resolved", True), ("7", "Closed", True),
    ]  # fmt: skip
    assert [(each.id, each.done) for each in inherited.statuses] == [("3", True)]


async def test_a_caret_in_a_text_is_no_condition_for_servicenow(
    session: GuardedSession, clock: FakeClock
) -> None:
    async with FakeServicenow() as fake:
        connector = connector_of(fake, session, clock)
        for title in ("Cost is 2^10", "Something else"):
            await connector.create_task(fake.container, TaskInputs(title=title))
        found = await connector.search_tasks(fake.container, "2^10")

    assert [each.title for each in found.tasks] == ["Cost is 2^10"]


async def test_clickup_is_told_who_is_added_and_empties_a_description_with_a_space(
    session: GuardedSession, clock: FakeClock
) -> None:
    async with FakeClickup() as fake:
        connector = connector_of(fake, session, clock)
        created = await connector.create_task(fake.container, TaskInputs(title="A", description="B"))
        changed = await connector.update_task(
            fake.container, created.task.id, "", TaskInputs(description="", assignee="jane roe")
        )

    assert changed.task.assignee == "Jane Roe"
    assert fake.tasks[created.task.id]["description"] == " "
