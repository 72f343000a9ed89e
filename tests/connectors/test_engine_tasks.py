"""Tasks by a manifest: create, get, update or transition, search, statuses, references."""

from __future__ import annotations

import pytest
from tests.connectors.engine import connector

from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.results import ExternalTask, TaskStatus
from healthdesk.domain.states import ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing import reply

HEAD = """
id = "acme"
name = "Acme"
kinds = ["tasks"]
[[auth]]
id = "token"
name = "Token"
"""
TASKS = """
[tasks]
noun = "ticket"
container = [{ key = "project", label = "Project" }, { key = "type", label = "Type", required = false, default = "bug" }]
[tasks.result]
id = "id"
key = "key"
url_template = "https://{site}.acme.example/t/{key}"
title = "title"
description = "body"
status = "state.id"
status_name = "state.name"
done = "state.id == 'done'"
due = "due"
assignee = "assignee"
updated_at = "updated"
[tasks.create]
items = "data"
[tasks.create.request]
method = "POST"
path = "/projects/{project}/tickets"
json = { title = "{title}", body = "{description}", type = "{type}", due = "{due}", points = "{points}" }
[tasks.get]
request = { path = "/tickets/{id}" }
[tasks.update.request]
method = "PATCH"
path = "/tickets/{id}"
answer = "none"
json = { title = "{title}", body = "{description}", state = "{status}" }
[tasks.statuses]
values = [{ id = "open", name = "Open" }, { id = "done", name = "Done", done = true }]
[tasks.lookup]
url = 'acme\\.example/t/(?P<project>[A-Z]+)-(?P<id>\\d+)'
key = '(?P<project>[A-Z]+)-(?P<id>\\d+)'
"""
TRANSITION = """
[tasks.transition.request]
method = "POST"
path = "/tickets/{id}/state"
answer = "none"
json = { to = "{status}" }
"""
SEARCH = """
[tasks.search]
request = { path = "/search", query = { q = "{text}", project = "{project}" } }
items = "found"
paging = { type = "cursor", next = "next", param = "after", size_param = "limit", size = 20 }
"""
TICKET = {
    "id": 7,
    "key": "OPS-7",
    "title": "Rotate\nthe keys",
    "body": "Before April.\n\nAll\x00 of them.",
    "state": {"id": "done", "name": "Done"},
    "due": "2026-04-01",
    "assignee": None,
    "updated": "2026-03-01T10:00:00Z",
}
READ = ExternalTask(
    id="7",
    key="OPS-7",
    url="https://eu.acme.example/t/OPS-7",
    title="Rotate the keys",
    description="Before April.\n\nAll\ufffd of them.",
    status="done",
    status_name="Done",
    done=True,
    due="2026-04-01",
    updated_at="2026-03-01T10:00:00Z",
)
WHERE = {"project": "OPS", "type": ""}


@pytest.fixture
def make(session, clock, endpoint):
    def made(text: str = TASKS) -> Connector:
        return connector(text, session, clock, endpoint.url, head=HEAD, settings={"site": "eu"})

    return made


async def test_an_issue_is_created_with_what_is_given(make, endpoint):
    endpoint.answer(201, json={"data": TICKET})
    answer = await make().create_task(
        WHERE, TaskInputs(title="Rotate the keys", description="", fields={"points": 3})
    )
    assert (answer.task, answer.failure) == (READ, None)
    [seen] = endpoint.requests
    assert (seen.method, seen.path) == ("POST", "/projects/OPS/tickets")
    assert seen.json() == {"title": "Rotate the keys", "body": "", "type": "bug", "points": 3}


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": {"id": ""}}, {"data": []}])
async def test_a_creation_that_tells_no_issue_is_no_success(make, endpoint, body):
    endpoint.answer(201, json=body)
    answer = await make().create_task(WHERE, TaskInputs(title="T"))
    assert answer.task is None
    assert answer.failure.kind is ErrorKind.UNEXPECTED_ANSWER
    assert answer.failure.sentence == "Acme answered 201 without the ticket"


async def test_an_issue_is_read(make, endpoint):
    endpoint.answer(200, json=TICKET)
    assert (await make().get_task(WHERE, "7", "OPS-7")).task == READ
    assert endpoint.requests[0].path == "/tickets/7"


async def test_an_issue_that_is_gone_is_told(make, endpoint):
    endpoint.answer(404, json={"message": "No such ticket"})
    answer = await make().get_task(WHERE, "7")
    assert answer.failure.kind is ErrorKind.NOT_FOUND
    assert answer.failure.sentence.endswith("No such ticket")


async def test_an_update_sends_what_is_given_and_reads_the_issue(make, endpoint):
    endpoint.script(204, reply(200, json=TICKET))
    answer = await make().update_task(WHERE, "7", "OPS-7", TaskInputs(status="done", title="T"))
    assert answer.task == READ
    assert [(each.method, each.path) for each in endpoint.requests] == [
        ("PATCH", "/tickets/7"),
        ("GET", "/tickets/7"),
    ]
    assert endpoint.requests[0].json() == {"title": "T", "state": "done"}


async def test_a_transition_changes_the_status_after_the_fields(make, endpoint):
    endpoint.script(204, 204, reply(200, json=TICKET))
    await make(TASKS + TRANSITION).update_task(WHERE, "7", "", TaskInputs(status="done", title="T"))
    assert [(each.path, each.body and each.json()) for each in endpoint.requests] == [
        ("/tickets/7", {"title": "T"}),
        ("/tickets/7/state", {"to": "done"}),
        ("/tickets/7", b""),
    ]


async def test_a_status_alone_is_a_transition_alone(make, endpoint):
    endpoint.script(204, reply(200, json=TICKET))
    await make(TASKS + TRANSITION).update_task(WHERE, "7", "", TaskInputs(status="done"))
    assert [each.path for each in endpoint.requests] == ["/tickets/7/state", "/tickets/7"]


async def test_an_update_that_fails_goes_no_further(make, endpoint):
    endpoint.answer(403)
    answer = await make(TASKS + TRANSITION).update_task(WHERE, "7", "", TaskInputs(status="done", title="T"))
    assert answer.failure.kind is ErrorKind.PERMISSION
    assert len(endpoint.requests) == 1


async def test_issues_are_found_by_text(make, endpoint):
    endpoint.answer(200, json={"found": [TICKET, {"title": "without an id"}], "next": "more"})
    answer = await make(TASKS + SEARCH).search_tasks(WHERE, "rotate keys")
    assert (answer.tasks, answer.cut, answer.failure) == ([READ], True, None)
    assert endpoint.requests[0].path == "/search?q=rotate%20keys&project=OPS&limit=20"


async def test_statuses_are_those_of_the_manifest(make):
    answer = await make().statuses(WHERE)
    assert answer.statuses == [TaskStatus("open", "Open"), TaskStatus("done", "Done", True)]


async def test_statuses_can_be_asked_for(make, endpoint):
    text = TASKS.replace(
        'values = [{ id = "open", name = "Open" }, { id = "done", name = "Done", done = true }]',
        'request = { path = "/projects/{project}/states" }\nitems = "states"\ndone = "closed"',
    )
    endpoint.answer(
        200, json={"states": [{"id": 1, "name": "Open"}, {"id": 2, "closed": True}, {"id": 1}, {}]}
    )
    answer = await make(text).statuses(WHERE)
    assert answer.statuses == [TaskStatus("1", "Open"), TaskStatus("2", "2", True)]
    endpoint.answer(200, json={})
    assert (await make(text).statuses(WHERE)).failure.kind is ErrorKind.UNEXPECTED_ANSWER


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://eu.acme.example/t/OPS-7?x=1", {"project": "OPS", "id": "7"}),
        (" OPS-7 ", {"project": "OPS", "id": "7"}),
        ("see OPS-7", None),
        ("https://other.example/t/OPS-x", None),
    ],
)
async def test_a_pasted_reference_is_read(make, text, found):
    assert make().find_reference(text) == found


async def test_what_an_app_cannot_do_is_said(make):
    with pytest.raises(ConnectorError, match="Acme has no search for tickets"):
        await make().search_tasks(WHERE, "x")
    without_update = TASKS.replace("tasks.update.request", "tasks.transition.request")
    with pytest.raises(ConnectorError, match="Acme has no way to change tickets"):
        await make(without_update).update_task(WHERE, "7", "", TaskInputs(title="T"))


async def test_a_probe_says_what_is_missing(session, clock, endpoint):
    text = """
[[probes]]
id = "write"
name = "Create tickets"
request = { path = "/projects/{project}/permissions" }
success = "create"
missing = "The account may not create tickets."
fields = [{ key = "project", label = "Project" }]
"""
    made = connector(text, session, clock, endpoint.url)
    endpoint.answer(200, json={"create": True})
    assert (await made.probe("write", {"project": "OPS"})).ok
    endpoint.answer(200, json={"create": False})
    failure = (await made.probe("write", {"project": "OPS"})).failure
    assert failure.sentence == (
        "The account may not create tickets: Acme answered 200 without what was asked for"
    )
    endpoint.answer(503)
    assert (await made.probe("write", {"project": "OPS"})).failure.sentence.startswith("Acme failed (503")
