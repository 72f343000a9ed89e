"""Records that are answered past aiohttp's requests: the same answers, in order, under every disturbance."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.harness.serving import until
from tests.integration.http_desk import Accept, Delivery, HttpDesk, http_desk, intercept, record
from tests.integration.test_public_wire import Reply, read_reply

from healthdesk.errors import StoreUnavailable
from healthdesk.http.express import MOST_HELD, ExpressConnection
from healthdesk.http.public import build_public_app
from healthdesk.http.records import Records
from healthdesk.http.server import make_runner
from healthdesk.store import records
from healthdesk.store.rows import AcceptedRecord, NewRecord, RecordQuery

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n"
GOOD = json.dumps(record()).encode()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, SECURITY__MAX_BODY_BYTES="20000", SERVER__HEADER_TIMEOUT="0.3s") as made:
        yield made


@pytest.fixture
async def delivery(desk: HttpDesk) -> Delivery:
    """A delivery whose key and source are known already, so that nothing has to be read."""
    made = await desk.delivery()
    assert (await made.post()).status == 202
    return made


@pytest.fixture
def express_only(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let records that take the usual way fail."""

    async def usual(_self: Records, _request: web.Request, _integration_id: str) -> AcceptedRecord:
        raise AssertionError("this took the usual way")

    monkeypatch.setattr(Records, "_accept", usual)


def message(
    delivery: Delivery, body: bytes = GOOD, *, path: str = "", version: str = "1.1", **headers: str
) -> bytes:
    named = {"Authorization": f"Bearer {delivery.key}", "Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    path = path or f"/v1/records/{delivery.id}"
    head = f"POST {path} HTTP/{version}\r\nHost: desk\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(HEALTHZ)  # once it is answered the connection waits for its next message
            assert (await read_reply(reader)).status == 200
            yield reader, writer
        finally:
            writer.close()


class Gate:
    """Holds commits back until it is opened."""

    def __init__(self, desk: HttpDesk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        intercept(monkeypatch, desk.engine.ctx.store, self.accept)

    async def accept(self, new: NewRecord, accept: Accept) -> AcceptedRecord:
        self.reached.set()
        await self.opened.wait()
        return await accept(new)


async def stored(desk: HttpDesk) -> int:
    return (await desk.engine.ctx.store.read(records.count, RecordQuery(), None)).total


def comparable(reply: Reply) -> tuple[int, dict[str, str], Any]:
    headers = {name: value for name, value in reply.headers.items() if name not in ("date", "content-length")}
    body = json.loads(reply.body)
    return reply.status, headers, {name: value for name, value in body.items() if name != "id"}


REQUESTS: dict[str, Callable[[Delivery], bytes]] = {
    "good": message,
    "no key": lambda d: message(d, Authorization=""),
    "wrong key": lambda d: message(d, Authorization="Bearer hdk_wrong"),
    "another's key": lambda d: message(d, path="/v1/records/int_01JD0000000000000000000000"),
    "text": lambda d: message(d, Content_Type="text/plain"),
    "compressed": lambda d: message(d, Content_Encoding="gzip"),
    "long idempotency key": lambda d: message(d, Idempotency_Key="x" * 256),
    "two idempotency keys": lambda d: message(d, Idempotency_Key="a\r\nIdempotency-Key: b"),
    "no body": lambda d: message(d, b""),
    "no JSON": lambda d: message(d, b'{"source": '),
    "unknown source": lambda d: message(d, json.dumps(record(source="lungs")).encode()),
    "not enabled level": lambda d: message(d, json.dumps(record(level=7)).encode()),
    "too large": lambda d: message(d, json.dumps(record(data="x" * 21_000)).encode()),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_give_the_same_answer(desk: HttpDesk, delivery: Delivery, name: str) -> None:
    request = REQUESTS[name](delivery)
    async with connected(desk.port) as (reader, writer):
        writer.write(request)
        at_once = await read_reply(reader)
        assert await alive(reader, writer), "the connection is kept"
    async with connected(desk.port) as (reader, writer):
        cut = request.index(b"\r\n\r\n") + 4 + min(5, len(request) - request.index(b"\r\n\r\n") - 4)
        writer.write(request[:cut])
        await writer.drain()
        writer.write(HEALTHZ if cut == len(request) else b"")
        await until_read(desk)
        writer.write(request[cut:])
        usual = await read_reply(reader)
    assert comparable(at_once) == comparable(usual)


async def until_read(desk: HttpDesk) -> None:
    """Return once the listener has read what was sent before."""
    for _ in range(3):
        assert (await desk.ask("GET", "/healthz")).status == 200


async def alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(HEALTHZ)
    return (await read_reply(reader)).status == 200


@pytest.mark.usefixtures("express_only")
async def test_a_repeat_is_answered_with_the_first_id_and_another_body_refused(
    desk: HttpDesk, delivery: Delivery
) -> None:
    async with connected(desk.port) as (reader, writer):
        replies = []
        for body in (GOOD, GOOD, json.dumps(record(data=1)).encode()):
            writer.write(message(delivery, body, Idempotency_Key="k"))
            replies.append(await read_reply(reader))
    first, again, other = (json.loads(reply.body) for reply in replies)
    assert [reply.status for reply in replies] == [202, 202, 409]
    assert again == {"id": first["id"], "duplicate": True}
    assert other["type"].endswith("conflict")
    assert await stored(desk) == 2


@pytest.mark.usefixtures("express_only")
async def test_what_is_sent_before_the_answer_is_answered_after_it(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(desk, monkeypatch)
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery))
        await gate.reached.wait()
        writer.write(HEALTHZ)
        await until_read(desk)
        writer.write(message(delivery, path="/v1/records/int_01JD0000000000000000000000"))
        await until_read(desk)
        gate.opened.set()
        assert json.loads((await read_reply(reader)).body)["duplicate"] is False
        assert json.loads((await read_reply(reader)).body) == {"status": "ok"}
        assert (await read_reply(reader)).status in (404, 500), "the usual way, behind the one before it"


async def test_a_flood_behind_an_unanswered_record_is_held_back_and_answered(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(desk, monkeypatch)
    more = MOST_HELD // len(message(delivery)) * 3
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery))
        await gate.reached.wait()
        flood = asyncio.create_task(flooded(writer, message(delivery) * more))
        await until_read(desk)
        gate.opened.set()
        replies = [await read_reply(reader) for _ in range(1 + more)]
        await flood
    assert {reply.status for reply in replies} == {202}
    assert len({json.loads(reply.body)["id"] for reply in replies}) == 1 + more
    assert await stored(desk) == 2 + more


async def flooded(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_requests_in_one_packet_are_answered_in_order(desk: HttpDesk, delivery: Delivery) -> None:
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery) + HEALTHZ + message(delivery, b"{") + message(delivery)[:40])
        assert [(await read_reply(reader)).status for _ in range(3)] == [202, 200, 400]
        writer.write(message(delivery)[40:])
        assert (await read_reply(reader)).status == 202


async def test_a_record_and_the_beginning_of_the_next_are_two_records(
    desk: HttpDesk, delivery: Delivery
) -> None:
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery) + message(delivery)[:50])
        assert (await read_reply(reader)).status == 202
        writer.write(message(delivery)[50:])
        assert (await read_reply(reader)).status == 202
    assert await stored(desk) == 3


async def test_a_caller_that_hangs_up_before_its_answer_leaves_its_record(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(desk, monkeypatch)
    async with connected(desk.port) as (_, writer):
        writer.write(message(delivery))
        await gate.reached.wait()
        writer.transport.abort()
    await until_read(desk)
    gate.opened.set()

    async def both() -> bool:
        return await stored(desk) == 2

    await until(both)
    assert not [entry for entry in caplog.records if entry.levelname == "ERROR"]


async def test_a_listener_that_stops_answers_what_it_has_taken(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(build_public_app(desk.engine), shutdown_timeout_s=20)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:  # this listener has a memory of its own
        headers = {"Authorization": f"Bearer {delivery.key}"}
        async with session.post(
            f"http://127.0.0.1:{port}/v1/records/{delivery.id}", json=record(), headers=headers
        ) as first:
            assert first.status == 202
    gate = Gate(desk, monkeypatch)
    async with connected(port) as (reader, writer):
        writer.write(message(delivery))
        await gate.reached.wait()
        stopping = asyncio.create_task(runner.cleanup())
        await until_read(desk)
        gate.opened.set()
        assert (await read_reply(reader)).status == 202
        assert await reader.read() == b""
        await stopping


async def test_a_connection_between_records_is_not_late_with_its_head(
    desk: HttpDesk, delivery: Delivery
) -> None:
    async with connected(desk.port) as (reader, writer):
        for body in (GOOD, b"{"):
            writer.write(message(delivery, body))
            await read_reply(reader)
        async with asyncio.timeout(30):  # another one that is late: all that was due by then is over
            late_reader, late_writer = await asyncio.open_connection("127.0.0.1", desk.port)
            late_writer.write(b"POST")
            assert (await read_reply(late_reader)).status == 408
            late_writer.close()
        assert await alive(reader, writer)
        writer.write(message(delivery)[:30])
        assert (await read_reply(reader)).status == 408, "a head that is begun has to end"


async def test_idle_connections_are_closed_and_busy_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_desk(tmp_path, SERVER__IDLE_TIMEOUT="0.3s") as desk:
        delivery = await desk.delivery()
        assert (await delivery.post()).status == 202
        gate = Gate(desk, monkeypatch)
        async with connected(desk.port) as (idle, _), connected(desk.port) as (reader, writer):
            writer.write(message(delivery))
            await gate.reached.wait()
            assert await idle.read() == b"", "the idle one is closed, and its time began no later"
            async with connected(desk.port) as (later, _):
                assert await later.read() == b""
            gate.opened.set()
            assert (await read_reply(reader)).status == 202
            assert await reader.read() == b"", "and this one once it is idle"


@pytest.mark.usefixtures("express_only")
async def test_a_database_that_cannot_be_written_is_503(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_new: NewRecord, _accept: Accept) -> AcceptedRecord:
        raise StoreUnavailable("the disk is full")

    intercept(monkeypatch, desk.engine.ctx.store, full)
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery))
        reply = await read_reply(reader)
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        monkeypatch.undo()
        assert await alive(reader, writer)


async def test_answers_that_nobody_reads_do_not_pile_up(desk: HttpDesk, delivery: Delivery) -> None:
    """A caller that posts one by one and reads nothing is not answered past what its connection takes."""
    refused = message(delivery, Authorization="x")
    async with connected(desk.port) as (_, writer):
        sock = writer.get_extra_info("socket")
        (mine,) = [each for each in public_connections() if each.peername == sock.getsockname()]
        sent = 0
        while mine.transport.is_reading() and sent < 100_000:
            writer.write(refused)
            sent += 1
            await asyncio.sleep(0)
        assert mine.transport.get_write_buffer_size() < 1_000_000
        assert sent < 100_000, "it is no longer read"


def public_connections() -> list[ExpressConnection]:
    return [each for each in gc.get_objects() if isinstance(each, ExpressConnection) and each.transport]


@pytest.mark.parametrize("sign", ["1.0", "close", "expect"])
async def test_callers_who_want_something_else_take_the_usual_way(
    desk: HttpDesk, delivery: Delivery, express_only: None, sign: str
) -> None:
    more = {"close": {"Connection": "close"}, "expect": {"Expect": "x"}}.get(sign, {})
    async with connected(desk.port) as (reader, writer):
        writer.write(message(delivery, version="1.0" if sign == "1.0" else "1.1", **more))
        reply = await read_reply(reader)
        assert reply.status == (417 if sign == "expect" else 500)
