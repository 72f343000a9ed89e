"""Every app that comes with healthdesk, when what answers is not that app: each check fails clearly and never raises."""

from __future__ import annotations

import pytest
from tests.connectors.engine import TOKEN, StaticAuth
from tests.connectors.test_hostile_app import endless, little_memory

from healthdesk.connectors.app import App
from healthdesk.connectors.checking import checked
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.spec import FieldManifest
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import garbage, gzip_bomb, reply, reset_in_answer

REGISTRY = Registry.builtin()
HEARTBEATS = [
    pytest.param(
        app, auth[0] if (auth := heartbeat.auth) else app.manifest.auth[0].id, id=f"{app.id}-{number}"
    )
    for app in REGISTRY.list()
    for number, heartbeat in enumerate(app.manifest.heartbeat)
]
WITH_TASKS = [pytest.param(app, id=app.id) for app in REGISTRY.list() if app.manifest.tasks]
WITH_DATASETS = [pytest.param(app, id=app.id) for app in REGISTRY.list() if app.manifest.datasets]
JSON = {"Content-Type": "application/json"}
HOSTILE = [
    (reply(200, body=b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"}), "page"),
    (reply(200, body=b'{"id": "\xff"}', headers=JSON), "utf-8"),
    (reply(200, body=b"", headers=JSON), "empty"),
    (reply(200, json={}), "object"),
    (reply(200, json=[]), "list"),
    (reply(200, json=[[], [{}], None, 1, "x", {"id": [{}]}]), "items"),
    (reply(200, json={name: [None] for name in ("id", "data", "user", "users", "result", "error", "errors")}), "nulls"),
    (reply(200, json={name: {} for name in ("id", "data", "user", "users", "result", "error", "errors")}), "objects"),
    (reply(200, json="text"), "text"),
    (reply(200, body=b"[" * 900 + b"]" * 900, headers=JSON), "deep"),
    (reply(400, json={"error": [[["x"]]], "errors": {"a": 1}, "message": {"b": [2]}}), "error"),
    (reply(200, body=b"<a><b/></a>", headers={"Content-Type": "text/xml"}), "xml"),
    (gzip_bomb(16 << 20), "bomb"),
    (endless(), "endless"),
    (garbage(), "garbage"),
    (reset_in_answer(), "reset"),
    (reply(302, headers={"Location": "http://169.254.169.254/"}), "redirect"),
]  # fmt: skip


def example(fields: list[FieldManifest]) -> dict[str, str]:
    return {each.key: each.options[0] if each.options else each.example or "x1" for each in fields}


@pytest.fixture
def make(session, clock, endpoint):
    def made(app: App, auth_id: str) -> Connector:
        method = app.manifest.method(auth_id)
        assert method is not None
        client = AppClient(
            app,
            session=session,
            authorizer=StaticAuth(values={**example(method.fields), "token": TOKEN}),
            auth_id=auth_id,
            base_url=endpoint.url,
            settings=example(app.manifest.fields),
            clock=clock,
            timeout_s=10.0,
        )
        return app.connector(client)

    return made


@pytest.mark.parametrize(("app", "auth_id"), HEARTBEATS)
async def test_a_check_fails_clearly(make, endpoint, app, auth_id):
    for behaviour, name in HOSTILE:
        endpoint.behave(behaviour)
        with little_memory():
            outcome = await checked(make(app, auth_id))
        failure = outcome.failure
        assert outcome.identity is None, name
        assert failure is not None, name
        assert failure.kind is not ErrorKind.INTERNAL, f"{name}: {failure.sentence}"
        assert failure.sentence.isprintable(), name
        assert "{" not in failure.sentence.partition(":")[0], failure.sentence
        assert TOKEN not in repr(outcome), name
    assert {f"http://{each.headers['host']}" for each in endpoint.requests} == {endpoint.url}


@pytest.mark.parametrize("app", WITH_TASKS)
async def test_what_is_done_with_tasks_fails_clearly(make, endpoint, app):
    tasks = app.manifest.tasks
    where, extra = example(tasks.container), example(tasks.required)
    for behaviour, name in HOSTILE:
        endpoint.behave(behaviour)
        connector = make(app, app.manifest.auth[0].id)
        answers = [
            await connector.create_task(where, TaskInputs(title="T", description="D", fields=extra)),
            await connector.get_task(where, "1", "K-1"),
            await connector.update_task(where, "1", "K-1", TaskInputs(title="T")),
        ]
        for answer in answers:
            assert answer.failure is not None, name
            assert answer.task is None, name
        rest = [await connector.statuses(where), await connector.task_fields(where)]
        if tasks.search is not None:
            rest.append(await connector.search_tasks(where, "T"))
        assert TOKEN not in repr([*answers, *rest]), name


@pytest.mark.parametrize("app", WITH_DATASETS)
async def test_a_dataset_is_text_whatever_it_is_read_from(make, endpoint, app):
    for behaviour, name in HOSTILE:
        endpoint.behave(behaviour)
        connector = make(app, app.manifest.auth[0].id)
        for dataset in app.manifest.datasets:
            collected = await connector.collect(dataset.id, example(dataset.fields))
            for row in collected.rows:
                assert list(row) == collected.columns, name
                assert all(value.isprintable() for value in row.values()), name
            assert TOKEN not in repr(collected), name
