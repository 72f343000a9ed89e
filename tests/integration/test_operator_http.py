"""The operator listener itself: who may speak, errors, events, and the document that describes it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.integration.http_desk import HttpDesk, http_desk

from healthdesk.client.client import Client
from healthdesk.domain.roles import ALWAYS, PERMISSIONS
from healthdesk.domain.states import Role
from healthdesk.errors import StoreUnavailable
from healthdesk.http import events
from healthdesk.http.operator import build_operator_app
from healthdesk.http.routes import OPERATOR_ROUTES, PUBLIC_ROUTES
from healthdesk.http.server import make_runner
from healthdesk.operations.desk import Operator
from healthdesk.testing import FakeClock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        yield made


async def test_the_kernel_says_who_asks(desk: HttpDesk, tmp_path: Path) -> None:
    path = tmp_path / "real.sock"
    runner = make_runner(build_operator_app(desk.engine))
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        async with Client(path) as client:
            if os.getuid() == 0:
                you = (await client.status()).you
                assert (you.user, you.role) == ("root", Role.ADMINISTRATOR)
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
            headers = {"Origin": "https://evil.example"}
            async with session.get("http://desk/v1/status", headers=headers) as answer:
                assert answer.status == 403
                assert answer.content_type == "application/problem+json"
    finally:
        await runner.cleanup()


async def test_errors_of_every_kind_are_problem_details_with_the_version(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    json_type = {"Content-Type": "application/json"}
    cases: list[tuple[int, str, str, dict[str, Any]]] = [
        (404, "GET", "/v1/nosuch", {}),
        (404, "GET", "/v1/records/rec_nosuch", {}),
        (404, "GET", "/v1/records/%2e%2e", {}),
        (405, "PUT", "/v1/status", {}),
        (400, "GET", "/v1/status?x=1", {}),
        (400, "POST", "/v1/sources", {"data": b"{", "headers": json_type}),
        (400, "POST", "/v1/sources", {"data": b"\xff\xfe", "headers": json_type}),
        (400, "POST", "/v1/sources", {"data": b'{"key":"a","name":"\xc3("}', "headers": json_type}),
        (400, "POST", "/v1/sources", {"data": b'{"key":"a","name":"a","x":1}', "headers": json_type}),
        (400, "POST", "/v1/connections/con_x/check", {"data": b'{"x":1}', "headers": json_type}),
        (415, "POST", "/v1/sources", {"data": b"key=a"}),
        (413, "POST", "/v1/sources", {"data": io.BytesIO(b" " * 2_000_000), "headers": json_type}),
    ]
    for status, method, path, kw in cases:
        answer = await desk.call(method, path, **kw)
        assert answer.status == status, (path, answer.body)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Healthdesk-Api-Version"] == "1"
        assert answer.json["status"] == status

    async def gone(*_args: object, **_kw: object) -> None:
        raise StoreUnavailable("the database is gone")

    monkeypatch.setattr(desk.engine.ctx.store, "read", gone)
    answer = await desk.call("GET", "/v1/connections")
    assert (answer.status, answer.json["detail"]) == (503, "the database is gone")


async def test_a_change_that_fails_leaves_neither_itself_nor_a_trace(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from healthdesk.operations import desk as operations_desk

    def broken(*_args: object, **_kw: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(operations_desk.activity, "add", broken)
        answer = await desk.call("POST", "/v1/sources", {"key": "heart", "name": "Heart"})
        assert answer.status == 503
    assert (await desk.ok("GET", "/v1/sources"))["items"] == []
    assert (await desk.ok("GET", "/v1/activity"))["items"] == []


async def read_events(content: aiohttp.StreamReader, count: int) -> list[dict[str, str]]:
    """Return the next events of a stream, without comments."""
    found: list[dict[str, str]] = []
    while len(found) < count:
        block = (await content.readuntil(b"\n\n")).decode()
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            found.append(fields)
    return found


async def test_events_come_with_ids_and_resume(desk: HttpDesk) -> None:
    async with desk.unix.get("http://desk/v1/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert stream.headers["Healthdesk-Api-Version"] == "1"
        made = await desk.ok("POST", "/v1/sources", {"key": "heart", "name": "Heart"})
        first, second = await read_events(stream.content, 2)
    assert (first["event"], json.loads(first["data"])["object_id"]) == ("source.changed", made["id"])
    assert json.loads(first["data"])["id"] == first["id"]
    assert second["event"] == "activity.changed"
    await desk.ok("PATCH", "/v1/sources/heart", {"name": "Hearts"})
    async with desk.unix.get("http://desk/v1/events", headers={"Last-Event-ID": first["id"]}) as stream:
        again = await read_events(stream.content, 2)
    assert [event["event"] for event in again] == ["source.changed", "activity.changed"]
    assert all(event["id"] != first["id"] for event in again)


async def test_who_missed_events_is_told_to_read_again(desk: HttpDesk) -> None:
    async with desk.unix.get("http://desk/v1/events", headers={"Last-Event-ID": "dmn_old-7"}) as stream:
        [event] = await read_events(stream.content, 1)
    assert event["event"] == "reset"


async def test_a_burst_is_told_once_an_object(desk: HttpDesk) -> None:
    async with desk.unix.get("http://desk/v1/events") as stream:
        await stream.content.readuntil(b"\n\n")
        for _ in range(300):
            desk.engine.ctx.bus.publish("record.changed", "rec_a")
        desk.engine.ctx.bus.publish("record.changed", "rec_b")
        first, second = await read_events(stream.content, 2)
    assert json.loads(first["data"])["object_id"] == "rec_a"
    assert json.loads(second["data"])["object_id"] == "rec_b"
    assert first["id"].endswith("-300")


async def test_a_silent_stream_is_kept_alive_and_ends_with_the_listener(
    desk: HttpDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.EventStreams.__init__, "__kwdefaults__", {"keep_alive_s": 0.01})
    path = tmp_path / "other.sock"
    runner = make_runner(build_operator_app(desk.engine, identify=desk.identify), shutdown_timeout_s=86400)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.get("http://desk/v1/events") as stream,
    ):
        for _ in range(2):
            assert (await stream.content.readuntil(b"\n\n")).endswith(
                (b": healthdesk\n\n", b": keep-alive\n\n")
            )
        async with asyncio.timeout(60):
            await runner.cleanup()
            rest = await stream.content.read()
        assert stream.content.at_eof()
        assert set(rest.split(b"\n\n")) <= {b": keep-alive", b""}, "an end is no event"


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(each) for each in node.values())) if node else own
    return set().union(*(references(each) for each in node)) if isinstance(node, list) and node else set()


async def test_the_document_describes_every_route_and_hangs_together(desk: HttpDesk) -> None:
    document = await desk.ok("GET", "/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    for reference in references(document):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]
    for route in (*OPERATOR_ROUTES, *PUBLIC_ROUTES):
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["summary"] == route.summary
        assert str(route.status) in operation["responses"]
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", route.path))
        if route.input is not None:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith("Input"), route
    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))
    schemas = document["components"]["schemas"]
    assert schemas["SourceCreateInput"]["additionalProperties"] is False
    assert "RecordPage" in schemas
    parameters = document["paths"]["/v1/records"]["get"]["parameters"]
    assert {each["name"] for each in parameters} >= {"state", "after", "limit", "direction", "source"}


async def test_every_route_is_served_with_the_permission_it_names(desk: HttpDesk) -> None:
    desk.operator = Operator("mia", Role.MEMBER)
    for route in OPERATOR_ROUTES:
        assert route.action in PERMISSIONS, route
        if route.path == "/v1/events":
            continue
        path = re.sub(r"\{\w+\}", "x", route.path)
        kw: dict[str, Any] = {}
        if route.input is not None:
            kw = {"data": b"{}", "headers": {"Content-Type": "application/json"}}
        answer = await desk.call(route.method, path, **kw)
        assert answer.status not in (405, 500, 503), (route, answer.body)
        assert b"nothing at this path" not in answer.body, route
        if PERMISSIONS[route.action][Role.MEMBER] == ALWAYS:
            assert answer.status != 403, route


async def test_the_typed_client_speaks_to_it(desk: HttpDesk) -> None:
    async with Client(desk.socket) as client:
        assert (await client.status()).you.user == "alice"
        assert await client.accounts() == []
        assert (await client.records_list()).items == []
        assert (await client.records_count()).total == 0
        assert (await client.ledger()).balanced is True
        assert (await client.openapi())["openapi"] == "3.1.0"
        await client.preference_set("log.filter", {"a": [1]})
        assert await client.preference("log.filter") == {"a": [1]}
