"""The public listener itself: probes, metrics, and problem details for whatever HTTP goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.harness.serving import until
from tests.integration.http_desk import Accept, HttpDesk, http_desk, intercept, record

from healthdesk.errors import StoreUnavailable
from healthdesk.http.public import build_public_app
from healthdesk.http.routes import PUBLIC_ROUTES
from healthdesk.http.server import make_runner
from healthdesk.store.rows import AcceptedRecord, NewRecord
from healthdesk.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock) as made:
        yield made


async def raw(desk: HttpDesk, sent: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Send bytes and return status line, headers and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    try:
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line}
        return head[0].encode(), headers, await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/9.9.9\r\n\r\n",
        b"\x16\x03\x01 is not HTTP\r\n\r\n",
        b"POST /v1/records/x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_malformed_http_is_problem_details(desk: HttpDesk, sent: bytes) -> None:
    status, headers, body = await raw(desk, sent)
    assert b" 400 " in status
    assert headers["content-type"] == "application/problem+json"
    assert headers["healthdesk-api-version"] == "1"
    assert json.loads(body)["status"] == 400


async def test_unknown_paths_and_methods_are_problem_details(desk: HttpDesk) -> None:
    for path in ("/", "/v1", "/v1/ping/token", "/v1/receipts", "/v1/connections", "/v1/records/a/b"):
        answer = await desk.ask("GET", path)
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    for path in ("/v1/records/int_x", "/v1/receipts/int_x"):
        answer = await desk.ask("DELETE", path)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await desk.ask("POST", "/healthz")).headers["Allow"] == "GET, HEAD"
    assert (await desk.ask("HEAD", "/healthz")).status == 200


async def test_every_documented_route_is_answered(desk: HttpDesk) -> None:
    for route in PUBLIC_ROUTES:
        answer = await desk.ask(route.method, re.sub(r"{\w+}", "x", route.path))
        assert answer.status != 405, route
        assert answer.status != 404 or b"nothing at this path" not in answer.body, route


async def test_alive_and_ready(
    desk: HttpDesk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await desk.ask("GET", "/readyz")).json == {"status": "ready"}

    checks = 0

    async def locked() -> None:
        nonlocal checks
        checks += 1
        raise StoreUnavailable("cannot connect to ('10.1.2.3', 5432)", fix="look at db.example.org")

    monkeypatch.setattr(desk.engine.ctx.store, "check_writable", locked)
    assert (await desk.ask("GET", "/readyz")).status == 200
    clock.advance(1)
    answers = await asyncio.gather(*(desk.ask("GET", "/readyz") for _ in range(10)))
    assert {answer.status for answer in answers} == {503}
    assert answers[0].json["detail"] == "the database cannot be used now"
    assert b"10.1.2.3" not in answers[0].body
    assert b"db.example.org" not in answers[0].body
    assert caplog.text.count("10.1.2.3") == 1, "operators read it in the log, once for all these"
    assert int(answers[0].headers["Retry-After"]) > 0
    assert checks == 1
    assert (await desk.ask("GET", "/healthz")).json == {"status": "ok"}
    monkeypatch.undo()
    clock.advance(1)
    assert (await desk.ask("GET", "/readyz")).status == 200


async def test_metrics_count_and_name_no_values(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    await delivery.post()
    await delivery.post(b"{")
    await delivery.post(key="hdk_wrong")
    answer = await desk.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    assert "healthdesk_records_accepted_total 1.0" in text
    assert 'healthdesk_requests_refused_total{status="400"} 1.0' in text
    assert 'healthdesk_requests_refused_total{status="401"} 1.0' in text
    assert "Grace" not in text


async def test_requests_under_way_finish_when_the_listener_stops(
    desk: HttpDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await desk.delivery()
    runner = make_runner(build_public_app(desk.engine), shutdown_timeout_s=5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(new: NewRecord, accept: Accept) -> AcceptedRecord:
        began.set()
        await go.wait()
        return await accept(new)

    intercept(monkeypatch, desk.engine.ctx.store, slow)

    async def posted() -> int:
        async with desk.session.post(
            f"http://127.0.0.1:{port}/v1/records/{delivery.id}",
            json=record(),
            headers={"Authorization": f"Bearer {delivery.key}"},
        ) as answer:
            return answer.status

    posting = asyncio.create_task(posted())
    await began.wait()
    stopping = asyncio.create_task(runner.cleanup())
    await asyncio.sleep(0)
    go.set()
    assert await posting == 202
    await stopping


async def test_a_caller_that_hangs_up_midway_leaves_nothing_behind(
    desk: HttpDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "healthdesk.http")
    delivery = await desk.delivery()
    _, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    head = (
        f"POST /v1/records/{delivery.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {delivery.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    _, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    path = f"/v1/callbacks/{delivery.connection_id}"
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async def noticed() -> bool:
        return caplog.text.count("hung up") + caplog.text.count(" failed\n") == 2

    await until(noticed)
    assert (await delivery.post()).status == 202
    assert (await desk.ok("GET", "/v1/records/count"))["total"] == 1
    assert [row.message for row in caplog.records if row.levelno > logging.DEBUG] == []
    metrics = (await desk.ask("GET", "/metrics")).body
    assert b"healthdesk_requests_refused_total{" not in metrics, "nobody was refused"
