"""What Jira Cloud's connector.py adds to its manifest: rich text, steps of a workflow, the project's own fields."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.apps.fake_jira_cloud import FakeJiraCloud
from tests.connectors.apps.test_apps import connector_of

from healthdesk.connectors.builtin.jira_cloud.adf import to_adf, to_text
from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing import FakeClock

CONTAINER = FakeJiraCloud.container


@pytest.fixture
async def jira() -> AsyncIterator[FakeJiraCloud]:
    async with FakeJiraCloud() as running:
        yield running


@pytest.fixture
def connector(jira: FakeJiraCloud, session: GuardedSession, clock: FakeClock) -> Connector:
    return connector_of(jira, session, clock)


async def _issue(connector: Connector) -> str:
    created = await connector.create_task(CONTAINER, TaskInputs(title="Rotate the keys"))
    assert created.task is not None, created.failure
    return created.task.id


async def test_a_status_no_step_leads_to_says_what_the_workflow_offers(
    connector: Connector, jira: FakeJiraCloud
) -> None:
    jira.steps["10000"] = ("3",)

    answer = await connector.update_task(CONTAINER, await _issue(connector), "", TaskInputs(status="10001"))

    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.permanent) == (ErrorKind.REFUSED, True)
    assert (
        answer.failure.sentence
        == "Jira Cloud's workflow does not lead from To Do to Done: OPS-1 can become In Progress"
    )
    assert "status mapping" in answer.failure.next_action


async def test_a_step_that_wants_a_field_names_it(connector: Connector, jira: FakeJiraCloud) -> None:
    jira.screen = {
        "resolution": {"required": True, "hasDefaultValue": False, "name": "Resolution"},
        "customfield_10033": {"required": True, "hasDefaultValue": True, "name": "Team"},
    }

    answer = await connector.update_task(CONTAINER, await _issue(connector), "", TaskInputs(status="10001"))

    assert answer.failure is not None
    assert answer.failure.kind is ErrorKind.MISSING_FIELD
    assert answer.failure.field == "Resolution"
    assert answer.failure.sentence == "Jira Cloud wants Resolution filled before OPS-1 becomes Done"
    assert not [path for method, path in jira.requests if method == "POST" and "transitions" in path]


async def test_without_any_step_it_is_a_permission(connector: Connector, jira: FakeJiraCloud) -> None:
    jira.steps["10000"] = ()

    answer = await connector.update_task(CONTAINER, await _issue(connector), "", TaskInputs(status="10001"))

    assert answer.failure is not None
    assert answer.failure.blame is Blame.PERMISSION
    assert "Transition issues" in answer.failure.next_action


async def test_fields_are_changed_although_the_status_cannot_be(
    connector: Connector, jira: FakeJiraCloud
) -> None:
    jira.steps["10000"] = ()
    issue = await _issue(connector)

    answer = await connector.update_task(
        CONTAINER, issue, "", TaskInputs(title="Rotate all keys", status="10001")
    )

    assert answer.failure is not None
    assert jira.issues[issue]["fields"]["summary"] == "Rotate all keys"


async def test_an_issue_that_has_the_status_is_left_alone(connector: Connector, jira: FakeJiraCloud) -> None:
    answer = await connector.update_task(CONTAINER, await _issue(connector), "", TaskInputs(status="10000"))

    assert answer.failure is None
    assert not [path for _, path in jira.requests if "transitions" in path]


async def test_statuses_are_those_of_the_issue_type(connector: Connector) -> None:
    task = await connector.statuses(CONTAINER)
    bug = await connector.statuses({**CONTAINER, "issue_type": "Bug"})

    assert [(each.name, each.done) for each in task.statuses] == [
        ("To Do", False), ("In Progress", False), ("Done", True),
    ]  # fmt: skip
    assert "Triage" in [each.name for each in bug.statuses]


async def test_the_fields_a_project_requires_are_asked_for(connector: Connector) -> None:
    answer = await connector.task_fields(CONTAINER)

    assert answer.failure is None
    assert [(each.key, each.label, each.options) for each in answer.fields] == [
        ("customfield_10010", "Risk level", ["Low", "High"])
    ]


async def test_a_projects_fields_are_sent_as_jira_wants_them(
    connector: Connector, jira: FakeJiraCloud
) -> None:
    fields = {"customfield_10010": "high", "customfield_10011": "See the vault."}

    created = await connector.create_task(CONTAINER, TaskInputs(title="Rotate the keys", fields=fields))

    assert created.task is not None, created.failure
    kept = jira.issues[created.task.id]["fields"]
    assert kept["customfield_10010"] == {"id": "2"}
    assert to_text(kept["customfield_10011"]) == "See the vault."


async def test_an_issue_type_the_project_lacks_is_told_before_anything_is_sent(connector: Connector) -> None:
    with pytest.raises(ConnectorError, match="no issue type Story"):
        await connector.task_fields({**CONTAINER, "issue_type": "Story"})


async def test_signs_of_the_query_language_are_no_part_of_a_search(
    connector: Connector, jira: FakeJiraCloud
) -> None:
    issue = await _issue(connector)

    found = await connector.search_tasks(CONTAINER, 'rotate "the" (keys)? \\ OR -x project = "SECRET"')

    assert found.failure is None, found.failure
    assert found.tasks == []
    every = await connector.search_tasks(CONTAINER, "  ?? ")
    assert [each.id for each in every.tasks] == [issue]


async def test_a_pasted_address_finds_the_issue(connector: Connector) -> None:
    issue = await _issue(connector)

    named = connector.find_reference("https://acme.atlassian.net/browse/OPS-1?focusedCommentId=3")
    assert named == {"key": "OPS-1", "project": "OPS"}
    got = await connector.get_task({**CONTAINER, "project": named["project"]}, "", named["key"])

    assert got.task is not None
    assert (got.task.id, got.task.url) == (issue, "https://acme.atlassian.net/browse/OPS-1")


async def test_who_is_in_which_role_is_told(connector: Connector) -> None:
    collected = await connector.collect("project_roles", {"project": "OPS"})

    assert {row["role"] for row in collected.rows} == {"Administrators", "Developers"}
    groups = [row for row in collected.rows if row["kind"] == "group"]
    assert {row["account"] for row in groups} == {"952d12c3"}


paragraphs = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip),
    min_size=1,
    max_size=4,
)


@given(st.lists(paragraphs, max_size=4))
def test_text_comes_back_from_a_document_as_it_was(text: list[list[str]]) -> None:
    plain = "\n\n".join("\n".join(lines) for lines in text)

    assert to_text(to_adf(plain)) == plain


def test_formatting_is_read_as_plain_text() -> None:
    def text(said: str) -> dict:
        return {"type": "text", "text": said, "marks": [{"type": "strong"}]}

    def item(said: str) -> dict:
        return {"type": "listItem", "content": [{"type": "paragraph", "content": [text(said)]}]}

    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [text("Why")]},
            {"type": "bulletList", "content": [item("old"), item("leaked")]},
            {"type": "orderedList", "content": [item("rotate"), item("tell")]},
            {"type": "codeBlock", "content": [text("make keys")]},
            {
                "type": "paragraph",
                "content": [
                    text("Ask "),
                    {"type": "mention", "attrs": {"id": "1", "text": "@Jane"}},
                    {"type": "hardBreak"},
                    {"type": "inlineCard", "attrs": {"url": "https://acme.test"}},
                ],
            },
            {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "x"}}]},
        ],
    }

    assert to_text(document) == (
        "Why\n\n- old\n- leaked\n\n1. rotate\n2. tell\n\nmake keys\n\nAsk @Jane\nhttps://acme.test"
    )


@pytest.mark.parametrize(
    "hostile", [None, 7, [], {"type": 1}, {"content": "x"}, {"type": "text", "text": None}]
)
def test_what_is_no_document_says_nothing(hostile: object) -> None:
    assert to_text(hostile) == ""


def test_a_document_nested_without_end_is_read_to_a_depth() -> None:
    document: dict = {"type": "text", "text": "deep"}
    for _ in range(5000):
        document = {"type": "blockquote", "content": [document]}

    assert to_text(document) == ""
