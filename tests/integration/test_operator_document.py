"""The OpenAPI document is well formed, and what a real desk answers is what it says."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.connectors.apps.fake_github import FakeGithub
from tests.harness.desk import Desk
from tests.harness.schema import KNOWN, TYPES, faults, resolve, schemas_in
from tests.harness.serving import served_desk, until

from healthdesk.http.openapi import document
from healthdesk.http.routes import EVENTS, OPERATOR_ROUTES
from healthdesk.testing import FakeEndpoint

DOCUMENT = json.loads(json.dumps(document()))
JSON = ("application/json", "application/problem+json")
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


def test_the_document_is_openapi_3_1() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    assert DOCUMENT.keys() <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    for path, item in DOCUMENT["paths"].items():
        assert path.startswith("/")
        assert item.keys() <= METHODS
        for operation in item.values():
            assert operation["responses"], path
            for status, response in operation["responses"].items():
                assert re.fullmatch(r"[1-5]\d\d|default", status)
                response = resolve(DOCUMENT, response["$ref"]) if "$ref" in response else response
                assert response["description"]
                check_media(response.get("content", {}))
            check_media(operation.get("requestBody", {}).get("content", {}))
            names = [(each["in"], each["name"]) for each in operation["parameters"]]
            assert len(names) == len(set(names))
            for each in operation["parameters"]:
                assert each["in"] in {"path", "query", "header"}
                assert each["required"] is True or each["in"] != "path"
                check_schema(each["schema"])
            for requirement in operation.get("security", []):
                assert requirement.keys() <= DOCUMENT["components"]["securitySchemes"].keys()
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        check_schema(schema)


def check_media(content: dict[str, Any]) -> None:
    for media, said in content.items():
        assert re.fullmatch(r"[\w*.+-]+/[\w*.+-]+", media)
        if "schema" in said:
            check_schema(said["schema"])


def check_schema(schema: dict[str, Any]) -> None:
    for each in schemas_in(schema):
        assert each.keys() <= KNOWN, each.keys() - KNOWN
        assert each.get("type", "object") in TYPES
        assert set(each.get("required", ())) <= each.get("properties", {}).keys()
        if "$ref" in each:
            assert isinstance(resolve(DOCUMENT, each["$ref"]), dict)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(tmp_path, HEALTHDESK_DELIVERY__SCHEDULE="0s,0.05s,0.05s") as made:
        yield made


Ask = Callable[..., Awaitable[Any]]


class Asker:
    """Asks routes, and holds each answer to the document."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.asked: set[tuple[str, str]] = set()

    async def ask(self, method: str, template: str, body: Any = None, query: str = "", **ids: str) -> Any:
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], template)
        async with self._session.request(method, f"http://desk{path}{query}", json=body) as answer:
            read = await answer.read()
            text = "(a file)" if answer.content_type == "application/gzip" else read.decode()
            said = DOCUMENT["paths"][template][method.lower()]["responses"]
            assert str(answer.status) in said, (method, path, answer.status, text)
            content = said[str(answer.status)].get("content")
            assert bool(content) == bool(text), (method, path)
            self.asked.add((method, template))
            if not content:
                return None
            assert answer.content_type in content
            value = json.loads(text) if answer.content_type in JSON else text
            assert list(faults(DOCUMENT, content[answer.content_type]["schema"], value)) == [], (method, path)
            return value


async def collected(ask: Ask, github: FakeGithub, label: str) -> tuple[str, str]:
    """Add a proof sync that collects, ask everything about it, and return its id and that of its run."""
    login = {"auth": "token", "fields": dict(github.credentials)}
    connection = {"app": "github", "name": "GitHub of audits", "base_url": github.url, "credentials": login}
    con = (await ask("POST", "/v1/connections", connection))["id"]
    of_app = {"kind": "proof", "name": "Proof of GitHub", "app": "github"}
    integration = (await ask("POST", "/v1/integrations", of_app))["id"]
    new = {"integration_id": integration, "dataset": "organisation_members", "fields": {"org": "octo-org"}}
    sync = (await ask("POST", "/v1/instances", {**new, "connection_id": con, "label_id": label}))["id"]

    async def run() -> Any:
        return (await ask("GET", "/v1/proof-syncs/{id}", id=sync))["last_run_id"]

    last = await until(run)
    one = "/v1/instances/{id}"
    await ask("PATCH", one, {"name": "Members of ours"}, id=sync)
    await ask("POST", one + "/change-connection", {"connection_id": con}, id=sync)
    gone = (await ask("POST", "/v1/instances", {**new, "connection_id": con, "label_id": label}))["id"]
    await ask("DELETE", one, id=gone)
    return sync, last


async def test_every_answer_of_a_real_desk_fits_the_document(desk: Desk) -> None:
    async with (
        FakeEndpoint() as endpoint,
        FakeGithub() as github,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(desk.socket))) as session,
    ):
        endpoint.answer(422, json={"message": "risk is required"}, headers={"X-Trace": "a"})
        asker = Asker(session)
        ask = asker.ask
        settings = {
            "name": "CRM",
            "base_url": endpoint.url,
            "heartbeat": {"path": "/health"},
            "unchecked": True,
        }
        con = (await ask("POST", "/v1/connections", settings))["id"]
        spare = (await ask("POST", "/v1/connections", {"name": "spare", "base_url": endpoint.url}))["id"]
        one = "/v1/connections/{id}"
        await ask("PATCH", one, {"name": "CRM of sales"}, id=con)
        new = {"credentials": {"auth": "bearer", "token": "t" * 20}, "unchecked": True}
        await ask("POST", one + "/credentials", new, id=con)
        await ask("POST", one + "/credentials/put-back", {"unchecked": True}, id=con)
        await ask("POST", one + "/accept-drift", id=con)
        await ask("PUT", one + "/members/{user}", {"grant": "manager"}, id=con, user="mia")
        await ask("DELETE", one + "/members/{user}", id=con, user="mia")
        person = "/v1/people/{user}/hand-over"
        me = (await ask("GET", "/v1/status"))["you"]["user"]
        await ask("POST", person, {"to": "mia", "connection_ids": [con]}, user=me)
        await ask("POST", one + "/make-me-owner", new, id=con)
        client = {"client_id": "a", "client_secret": "not-a-real-secret"}
        begun = {"app": "google-workspace", "auth": "oauth", "fields": client}
        authorization = (await ask("POST", "/v1/authorizations", begun))["id"]
        made = {"name": "HRA to CRM", "production": {"connection_id": spare, "path": "/hra"}}
        integration = (await ask("POST", "/v1/integrations", made))["id"]
        one = "/v1/integrations/{id}"
        await ask("PATCH", one, {"production": {"headers": {"X-Team": "a"}}}, id=integration)
        await ask("POST", one + "/keys", {}, id=integration)
        await ask("POST", one + "/signing-secrets", {}, id=integration)
        await ask("POST", one + "/pause", {}, id=integration)
        await ask("POST", one + "/resume", {}, id=integration)
        await ask("POST", one + "/circuit", {"environment": "production", "do": "open"}, id=integration)
        await ask("POST", one + "/circuit", {"environment": "production", "do": "close"}, id=integration)
        lookup = {"delivery": {"lookup": {"path": "/has/{webhook_id}"}}}
        await ask("PATCH", one, {"production": lookup}, id=integration)
        await ask("POST", one + "/receipt-secrets", {}, id=integration)
        login = {"app": "github", "base_url": github.url, "unchecked": True}
        login |= {"credentials": {"auth": github.auth, "fields": dict(github.credentials)}}
        git = (await ask("POST", "/v1/connections", {**login, "name": "GitHub"}))["id"]
        container = dict(github.container)
        await ask("POST", "/v1/integrations/choices", {"connection_id": git, "container": container})
        there = {"kind": "tasks", "name": "Issues", "connection_id": git, "tasks": {"container": container}}
        issues = (await ask("POST", "/v1/integrations", there))["id"]
        task = (await ask("POST", "/v1/tasks", {"name": "Rotate keys", "integration_id": issues}))["id"]
        await ask("PATCH", "/v1/tasks/{id}", {"status": "in_progress"}, id=task)
        await linked(ask, task, issues, {**login, "name": "GitHub of mine"})
        weekly = {"name": "Weekly", "task": {"name": "Rotate {date}"}, "schedule": {"every_s": 604800}}
        repeats = (await ask("POST", "/v1/templates", weekly | {"integration_id": issues}))["id"]
        await ask("PATCH", "/v1/templates/{id}", {"name": "Every week"}, id=repeats)
        await ask("POST", "/v1/templates/{id}/create", id=repeats)
        proof = {"kind": "proof", "name": "Proof", "app": "github"}
        unused = (await ask("POST", "/v1/integrations", proof))["id"]
        await ask("DELETE", one, id=unused)
        fields = [{"name": "risk", "type": "string", "sensitive": False}]
        await ask("POST", "/v1/sources", {"key": "hra", "name": "HRA", "levels": ["low"], "fields": fields})
        await ask("PATCH", "/v1/sources/{id}", {"name": "HRAs"}, id="hra")
        await ask("POST", "/v1/sources/{id}/enable", {"integration_id": integration}, id="hra")
        silence = {"integration_id": integration, "environment": "production", "after_s": 3600}
        await ask("POST", "/v1/sources/{id}/silence", silence, id="hra")
        await tried_before_launch(ask, integration, con)
        channel = {"name": "chat", "url": f"json://127.0.0.1:{endpoint.port}/alerts"}
        channel_id = (await ask("POST", "/v1/channels", channel))["id"]
        await ask("POST", "/v1/channels/{id}/test", id=channel_id)
        rule = (await ask("POST", "/v1/rules", {"name": "all", "channel_ids": [channel_id]}))["id"]
        await ask("PATCH", "/v1/rules/{id}", {"recoveries": False}, id=rule)
        new = {"source": "hra", "level": "low", "completed_at": "2026-03-02T09:00:00Z", "data": {"risk": "x"}}
        new |= {"integration_id": integration, "environment": "production", "idempotency_key": "k"}
        record = (await ask("POST", "/v1/records", new))["id"]
        callbacks = {"headers": {"Content-Type": "application/json"}, "json": {"type": "a"}}
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{desk.url}/v1/callbacks/{spare}", **callbacks) as answer:
                assert answer.status == 202

        async def problem() -> Any:
            found = (await ask("GET", "/v1/problems", query=f"?integration_id={integration}"))["items"]
            return [each for each in found if each["environment"] == "production"]

        async def callback() -> Any:
            return (await ask("GET", "/v1/callbacks", query="?state=processed"))["items"]

        async def alert() -> Any:
            return (await ask("GET", "/v1/alerts"))["items"]

        [found], [came], _ = await until(problem), await until(callback), await until(alert)
        [attempt] = (await ask("GET", "/v1/records/{id}/attempts", id=record))["items"]
        for action, body in (("ack", {"note": "mine"}), ("mute", {"for_s": 60}), ("resolve", {})):
            await ask("POST", f"/v1/problems/{{id}}/{action}", body, id=found["id"])
        await ask("POST", "/v1/callbacks/{id}/reveal", id=came["id"])
        for template in ("/v1/records/{id}/reveal", "/v1/connections/{id}/check"):
            await ask("POST", template, id=record if "records" in template else con)
        await ask(
            "POST", "/v1/records/{id}/attempts/{attempt_id}/reveal", id=record, attempt_id=attempt["id"]
        )
        await ask("POST", "/v1/records/resend-all", {"filter": {}, "dry_run": True})
        await ask(
            "POST",
            "/v1/records/resend-all",
            {"filter": {"environment": "testing", "sample": False}, "expect": 0},
        )
        job = await begin_job(ask)
        await ask("POST", "/v1/records/resend", {"ids": [record]})

        async def failed_again() -> bool:
            shown = await ask("GET", "/v1/records/{id}", id=record)
            return len(shown["attempts"]) > 1 and shown["state"] == "failed"

        await until(failed_again)
        await fixed(ask, record, integration)
        await until(failed_again)
        await ask("POST", "/v1/records/{id}/look-up", id=record)
        await ask("POST", "/v1/records/{id}/resend", {"new_webhook_id": True}, id=record)
        await ask("POST", "/v1/callbacks/{id}/reprocess", id=came["id"])
        await ask("PUT", "/v1/preferences/{key}", {"value": {"a": [1]}}, key="log.filter")
        saved = (await ask("POST", "/v1/filters", {"name": "422s", "filter": {"statuses": [422]}}))["id"]
        label = (await ask("POST", "/v1/labels", {"name": "Access", "kind": "control"}))["id"]
        await ask("PATCH", "/v1/labels/{id}", {"members": ["bob", me]}, id=label)
        sync, run = await collected(ask, github, label)
        await ask("PUT", "/v1/connections/{id}/ping", {"schedule": {"every_s": 3600}}, id=spare)
        await ask("POST", "/v1/key/rotate")
        ids = {"connections": con, "integrations": integration, "sources": "hra", "records": record}
        ids |= {"authorizations": authorization, "labels": label, "instances": task, "accounts": con}
        ids |= {"tasks": task, "templates": repeats, "jobs": job}
        ids |= {"callbacks": came["id"], "channels": channel_id, "rules": rule, "problems": found["id"]}
        beat = (await ask("GET", "/v1/connections/{id}/heartbeats", id=con))["items"][0]["id"]
        places = {
            "{heartbeat}": {"heartbeat": beat},
            "/ping": {"id": spare},
            "/v1/proof-syncs/": {"id": sync},
        }
        places |= {"{run_id}": {"id": sync, "run_id": run}, "/view": {"id": sync}}
        for route in OPERATOR_ROUTES:
            if route.method == "GET" and route is not EVENTS:
                noun = route.path.split("/")[2]
                named = {
                    "user": me,
                    "id": ids.get(noun, ""),
                    "attempt_id": attempt["id"],
                    "key": "log.filter",
                }
                for part, ids_there in places.items():
                    if part in route.path:
                        named |= ids_there
                await ask("GET", route.path, **named)
        await ask("DELETE", "/v1/connections/{id}/ping", id=spare)
        unused = (await ask("POST", "/v1/connections", {"name": "x", "base_url": endpoint.url}))["id"]
        await ask("DELETE", "/v1/instances/{id}", id=sync)
        await ask("DELETE", "/v1/labels/{id}", id=label)
        await ask("DELETE", "/v1/filters/{id}", id=saved)
        await ask("DELETE", "/v1/tasks/{id}", id=task)
        await ask("DELETE", "/v1/templates/{id}", id=repeats)
        for template, gone in (("rules", rule), ("channels", channel_id), ("connections", unused)):
            await ask("DELETE", f"/v1/{template}/{{id}}", id=gone)
        routes = {(route.method, route.path) for route in OPERATOR_ROUTES if route is not EVENTS}
        assert routes - asker.asked == set()


async def tried_before_launch(ask: Ask, integration: str, connection: str) -> None:
    """Ask everything about testing, samples, promoting and the set-up as a file."""
    one = "/v1/integrations/{id}"
    await ask("PATCH", one, {"testing": {"connection_id": connection, "path": "/test"}}, id=integration)
    await ask("POST", one + "/test", {"environment": "testing"}, id=integration)
    samples = {"integration_id": integration, "sources": ["hra"]}
    plan = await ask("POST", "/v1/samples", {**samples, "dry_run": True})
    assert plan["total"] == 1
    await ask("POST", "/v1/samples", samples)
    await ask("PATCH", one, {"testing": {"path": "/hra"}}, id=integration)
    await ask(
        "PATCH", one, {"testing": {"delivery": {"lookup": {"path": "/has/{webhook_id}"}}}}, id=integration
    )
    shown = await ask("GET", one + "/promotion", id=integration)
    await ask("POST", one + "/promote", {"version": shown["version"]}, id=integration)
    await ask("POST", "/v1/setup", {"text": '[[labels]]\nname = "Of a file"\n'})


async def fixed(ask: Ask, record: str, integration: str) -> None:
    """Ask everything about changing what is sent."""
    step = {"do": "set", "path": "risk", "value": "high"}
    one = "/v1/records/{id}/fix"
    await ask("POST", one + "/preview", {"mapping": [step]}, id=record)
    await ask("POST", one, {"mapping": [step], "resend": False}, id=record)
    await ask("POST", "/v1/records/{id}/unfix", id=record)
    problem = (await ask("GET", "/v1/records/{id}", id=record))["problem_id"]
    await ask("POST", "/v1/problems/{id}/fix/preview", {"mapping": [step]}, id=problem)
    saved = {"environment": "production", "mapping": [step]}
    await ask("POST", "/v1/integrations/{id}/mapping", saved, id=integration)


async def begin_job(ask: Ask) -> str:
    """Ask everything about a job that sends nothing, since its rate does not let it."""
    failed = {"filter": {"states": ["failed"]}, "rate_per_s": 0.0001}
    plan = await ask("POST", "/v1/jobs", {**failed, "dry_run": True})
    job: str = (await ask("POST", "/v1/jobs", {**failed, "expect": plan["total"]}))["id"]

    async def runs() -> bool:
        return bool((await ask("GET", "/v1/jobs/{id}", id=job))["state"] == "running")

    await until(runs)
    for action in ("pause", "resume", "cancel"):
        await ask("POST", f"/v1/jobs/{{id}}/{action}", id=job)
    return job


async def linked(ask: Ask, task: str, integration: str, connection: dict[str, Any]) -> None:
    """Ask everything about the issue of a task, and about one whose connection is disconnected."""
    one = "/v1/instances/{id}"
    await ask("POST", one + "/sync", {}, id=task)
    await ask("POST", one + "/unlink", id=task)
    [issue] = (await ask("POST", one + "/find", {"text": "Rotate keys"}, id=task))["issues"]
    ref = {name: issue[name] for name in ("id", "key", "container")}
    review = await ask("POST", one + "/review", ref, id=task)
    await ask("POST", one + "/attach", {**ref, "reviewed": review["digest"]}, id=task)
    await ask("POST", one + "/unlink", id=task)
    await ask("POST", one + "/create-issue", id=task)
    mine = (await ask("POST", "/v1/connections", connection))["id"]
    new = {"name": "Review access", "integration_id": integration, "connection_id": mine}
    other = (await ask("POST", "/v1/tasks", new))["id"]
    await ask("DELETE", "/v1/connections/{id}", id=mine)
    again = (await ask("POST", "/v1/connections", connection))["id"]
    await ask("POST", one + "/reconnect", {"connection_id": again}, id=other)
    await ask("DELETE", "/v1/connections/{id}", id=again)
