"""The public listener spoken to byte by byte: what no client library would send, and what hostile ones do."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from tests.integration.http_desk import Delivery, HttpDesk, http_desk, record

from healthdesk.store import callbacks, records
from healthdesk.store.rows import RecordQuery
from healthdesk.testing import FakeClock

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
RECORD = json.dumps(record()).encode()


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=clock, SECURITY__MAX_BODY_BYTES="20000") as made:
        yield made


@pytest.fixture
async def delivery(desk: HttpDesk) -> Delivery:
    return await desk.delivery()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    status = int(first.split()[1])
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(status, headers, body)


async def speak(desk: HttpDesk, *parts: bytes, replies: int = 1) -> list[Reply]:
    """Send the parts one after the other on one connection, and return the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    try:
        async with asyncio.timeout(60):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            return [await read_reply(reader) for _ in range(replies)]
    finally:
        writer.close()


def post(delivery: Delivery, body: bytes = RECORD, *lines: bytes, length: bytes | None = None) -> bytes:
    """Return a whole request; `lines` are more header lines."""
    head = [
        f"POST /v1/records/{delivery.id} HTTP/1.1".encode(),
        b"Host: desk",
        f"Authorization: Bearer {delivery.key}".encode(),
        b"Content-Type: application/json",
        *([b"Content-Length: " + (length or str(len(body)).encode())] if length != b"" else []),
        *lines,
    ]
    return b"\r\n".join([*head, b"", body])


def chunked(parts: Iterable[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def refused(reply: Reply, status: int, sent: object = "") -> dict[str, str]:
    assert reply.status == status, (sent, reply)
    assert reply.headers["content-type"] == "application/problem+json", (sent, reply)
    assert reply.headers["healthdesk-api-version"] == "1"
    problem = json.loads(reply.body)
    assert problem["status"] == status
    assert problem["type"].startswith("urn:healthdesk:problem/")
    return problem


async def stored(desk: HttpDesk) -> int:
    return (await desk.engine.ctx.store.read(records.count, RecordQuery())).total


async def test_chunks_with_extensions_and_trailers_are_one_record(desk: HttpDesk, delivery: Delivery) -> None:
    body = b"5;name=value\r\n" + RECORD[:5] + b"\r\n" + chunked([RECORD[5:]])
    body = body.removesuffix(b"\r\n") + b"X-Trailer: ignored\r\n\r\n"
    [reply] = await speak(desk, post(delivery, body, b"Transfer-Encoding: chunked", length=b""))
    assert reply.status == 202
    kept = await desk.engine.ctx.store.read(records.body, json.loads(reply.body)["id"])
    assert kept is not None
    assert kept.body == RECORD


BROKEN_CHUNKS = [
    b"zz\r\nabc\r\n0\r\n\r\n",
    b"-5\r\nabcde\r\n0\r\n\r\n",
    b"5\r\nabcdeXX\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\n",
]


async def test_broken_chunks_are_refused_and_nothing_is_kept(desk: HttpDesk, delivery: Delivery) -> None:
    for body in BROKEN_CHUNKS:
        [reply] = await speak(desk, post(delivery, body, b"Transfer-Encoding: chunked", length=b""))
        refused(reply, 400, body)
    assert await stored(desk) == 0


AMBIGUOUS = [
    ((b"Transfer-Encoding: chunked",), None),
    ((b"Content-Length: 3",), None),
    ((), b"12abc"),
    ((), b"+12"),
    ((), b"0x10"),
    ((b"Transfer-Encoding: gzip, identity",), b""),
    ((b"X-A: 1\r\n folded",), None),
    ((b"X A: 1",), None),
    ((b"X-A: a\x00b",), None),
]


async def test_ambiguous_framing_is_refused(desk: HttpDesk, delivery: Delivery) -> None:
    for lines, length in AMBIGUOUS:
        [reply] = await speak(desk, post(delivery, RECORD, *lines, length=length))
        refused(reply, 400, (lines, length))
    assert await stored(desk) == 0


async def test_huge_headers_are_refused(desk: HttpDesk, delivery: Delivery) -> None:
    for lines in ((b"X-Big: " + b"a" * 100_000,), tuple(b"X-%d: a" % number for number in range(100_000))):
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        try:
            writer.write(post(delivery, RECORD, *lines))
            async with asyncio.timeout(60):
                refused(await read_reply(reader), 400)
        finally:
            writer.close()
    assert await stored(desk) == 0


async def test_pipelined_requests_are_answered_in_order_each_for_itself(
    desk: HttpDesk, delivery: Delivery
) -> None:
    broken = post(delivery, b"{")
    sent = [post(delivery), broken, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", post(delivery)] * 5
    replies = await speak(desk, b"".join(sent), replies=20)
    assert [reply.status for reply in replies] == [202, 400, 200, 202] * 5
    assert await stored(desk) == 10


async def test_a_body_that_comes_byte_by_byte_is_one_record(desk: HttpDesk, delivery: Delivery) -> None:
    whole = post(delivery)
    [reply] = await speak(desk, *(bytes([byte]) for byte in whole))
    assert reply.status == 202


async def test_a_body_that_never_comes_ends(
    desk: HttpDesk, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthdesk.http.bodies.READ_TIMEOUT_S", 0.05)
    [reply] = await speak(desk, post(delivery, b'{"source"', length=b"500"))
    assert "did not arrive" in refused(reply, 400)["detail"]
    assert await stored(desk) == 0


async def test_more_than_announced_makes_no_second_record(desk: HttpDesk, delivery: Delivery) -> None:
    length = str(len(RECORD)).encode()
    # The parser gives up on what it read at once, the request before the garbage too: answered, and not kept.
    [reply] = await speak(desk, post(delivery, RECORD + RECORD, length=length))
    refused(reply, 400)
    assert await stored(desk) == 0


async def test_expect_is_answered_before_the_body_is_sent(desk: HttpDesk, delivery: Delivery) -> None:
    whole = post(delivery, RECORD, b"Expect: 100-continue")
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    writer.write(whole.removesuffix(RECORD))
    async with asyncio.timeout(60):
        assert (await read_reply(reader)).status == 100
        writer.write(RECORD)
        assert (await read_reply(reader)).status == 202
    writer.close()


DATA = b'{"source":"heart","completed_at":"2026-03-02T09:00:00Z","data":%s}'


DISPUTED = [
    DATA % b'{"a":1,"a":2}',
    DATA % b'{"deep":[{"a":1,"\\u0061":2}]}',
    DATA.replace(b'"data"', b'"source":"heart","data"') % b"1",
    DATA % b"Infinity",
    DATA % b"[-NaN]",
    DATA % b"1" + b"0" * 10,
    DATA % (b"9" * 10_000),
    DATA % b"'a'",
    DATA % b"{} // no",
    DATA % b'"\xed\xa0\x80"',
    DATA % b'"\xc0\xaf"',
    b"\xef\xbb\xbf" + DATA % b"{}",
    b"\x00" + DATA % b"{}",
    (DATA % b"{}").decode().encode("utf-16"),
    DATA % (b'{"a":' * 3000 + b"1" + b"}" * 3000),
    (DATA % b"{}").replace(b"heart", b"he\\u0000rt"),
    (DATA % b"{}").replace(b"heart", b"\\ud800"),
    (DATA % b"{}").replace(b"2026-", b"9999999-"),
    (DATA % b"{}").replace(b"2026-03-02T09:00:00Z", b"0001-01-01T00:00:00+14:00"),
    b"null",
    b'"' + b"a" * 100 + b'"',
]


async def test_json_that_readers_disagree_about_is_refused(desk: HttpDesk, delivery: Delivery) -> None:
    for body in DISPUTED:
        [reply] = await speak(desk, post(delivery, body))
        refused(reply, 400, body[:200])
    assert await stored(desk) == 0


async def test_what_json_can_name_and_text_cannot_hold_is_kept_as_it_came(
    desk: HttpDesk, delivery: Delivery
) -> None:
    body = DATA % b'{"lone \\ud83d":"\\udead", "nul":"\\u0000", "big":1e400, "precise":0.1000000000000000055}'
    [reply] = await speak(desk, post(delivery, body))
    assert reply.status == 202
    record_id = json.loads(reply.body)["id"]
    kept = await desk.engine.ctx.store.read(records.body, record_id)
    assert kept is not None
    assert kept.body == body
    assert (await desk.call("GET", f"/v1/records/{record_id}")).status == 200
    assert (await desk.call("POST", f"/v1/records/{record_id}/reveal")).status == 200


CONTRADICTIONS = [
    ((b"Idempotency-Key: a", b"Idempotency-Key: b"), 400),
    ((b"Idempotency-Key: a", b"idempotency-key: a"), 400),
    ((b"Idempotency-Key: caf\xc3\xa9",), 400),
    ((b"Idempotency-Key: \xff",), 400),
    ((b"Idempotency-Key: a\tb",), 400),
    ((b"Idempotency-Key:",), 400),
    ((b"Idempotency-Key: " + b"k" * 256,), 400),
    ((b"Authorization: Bearer other",), 400),
    ((b"Content-Type: text/plain",), 400),
    ((b"Content-Encoding: br",), 415),
    ((b"X-Latin: caf\xe9",), 202),
]


async def test_header_lines_that_contradict_each_other(desk: HttpDesk, delivery: Delivery) -> None:
    for lines, status in CONTRADICTIONS:
        before = await stored(desk)
        [reply] = await speak(desk, post(delivery, RECORD, *lines))
        assert reply.status == status, (lines, reply)
        if status != 202:
            refused(reply, status, lines)
            assert await stored(desk) == before


OTHER_MEDIA = [
    *(b"", b"application/x-www-form-urlencoded", b"text/json", b"application/json; charset=utf-16"),
    *(
        b"application/json; charset=",
        b"application/jsonp",
        b"application/json\xff",
        b"multipart/form-data; boundary=a",
    ),
]


async def test_other_media_are_415(desk: HttpDesk, delivery: Delivery) -> None:
    for media in OTHER_MEDIA:
        request = post(delivery).replace(b"Content-Type: application/json", b"Content-Type: " + media)
        [reply] = await speak(desk, request)
        refused(reply, 415, media)
    assert await stored(desk) == 0


async def test_fifty_clients_with_one_key_are_one_record_whatever_they_send(
    desk: HttpDesk, delivery: Delivery
) -> None:
    bodies = [RECORD, json.dumps(record(level="x")).encode()]
    replies = await asyncio.gather(
        *(speak(desk, post(delivery, bodies[n % 2], b"Idempotency-Key: one")) for n in range(50))
    )
    answers = [reply for [reply] in replies]
    ids = {json.loads(reply.body)["id"] for reply in answers if reply.status == 202}
    assert len(ids) == 1
    assert [reply.status for reply in answers].count(202) == 25
    for reply in answers:
        if reply.status != 202:
            assert refused(reply, 409)["type"].endswith("/idempotency-conflict")
    assert await stored(desk) == 1


async def test_unknown_methods_and_odd_targets_are_problem_details(desk: HttpDesk) -> None:
    for line, status in (
        (b"BREW /v1/records/x HTTP/1.1", (400, 405)),
        (b"PROPFIND /healthz HTTP/1.1", (405,)),
        (b"OPTIONS * HTTP/1.1", (400, 404)),
        (b"CONNECT evil:80 HTTP/1.1", (400, 404, 405)),
        (b"GET http://evil/healthz HTTP/1.1", (200, 400, 404)),
        (b"GET /%ff%fe HTTP/1.1", (404,)),
        (b"GET /../../etc/passwd HTTP/1.1", (404,)),
        (b"GET /healthz/ HTTP/1.1", (404,)),
        (b"GET //healthz HTTP/1.1", (404,)),
        (b"GET /v1/status HTTP/1.1", (404,)),
        (b"POST /v1/callbacks/%00 HTTP/1.1", (404,)),
        (b"POST /v1/callbacks/%ff%d8 HTTP/1.1", (404,)),
        (b"POST /v1/callbacks/" + b"c" * 5000 + b" HTTP/1.1", (404,)),
    ):
        [reply] = await speak(desk, line + b"\r\nHost: x\r\n\r\n")
        assert reply.status in status, (line, reply)
        if reply.status != 200:
            refused(reply, reply.status, line)


async def taking(desk: HttpDesk) -> str:
    made = await desk.connection(verification={"scheme": "standard_webhooks"}, callback_secret=SECRET)
    return str(made["id"])


def callback(
    connection_id: str,
    clock: FakeClock,
    *lines: bytes,
    at_s: float = 0.0,
    name: str = "msg_1",
    secret: str = SECRET,
) -> bytes:
    at, body = clock.now() + timedelta(seconds=at_s), '{"type":"record.received"}'
    head = [
        f"POST /v1/callbacks/{connection_id} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}",
        f"webhook-id: {name}",
        f"webhook-timestamp: {int(at.timestamp())}",
        f"webhook-signature: {Webhook(secret).sign(name, at, body)}",
    ]
    return b"\r\n".join(["\r\n".join(head).encode(), *lines, b"", body.encode()])


async def kept_callbacks(desk: HttpDesk, connection_id: str) -> list[str]:
    page = await desk.engine.ctx.store.read(callbacks.page, connection_id=connection_id, limit=500)
    return [row.state.value for row in page.items]


async def test_a_replayed_callback_changes_nothing_and_an_old_or_early_one_is_refused(
    desk: HttpDesk, clock: FakeClock
) -> None:
    connection_id = await taking(desk)
    first = callback(connection_id, clock)
    [told, again] = await speak(desk, first + first, replies=2)
    assert json.loads(told.body)["duplicate"] is False
    assert json.loads(again.body) == {"id": json.loads(told.body)["id"], "duplicate": True}
    assert await kept_callbacks(desk, connection_id) == ["accepted"]
    for at_s in (-301, 302):
        [reply] = await speak(desk, callback(connection_id, clock, at_s=at_s, name=f"msg{at_s}"))
        refused(reply, 401)
    for at_s in (-299, 299):
        [reply] = await speak(desk, callback(connection_id, clock, at_s=at_s, name=f"msg{at_s}"))
        assert reply.status == 202
    clock.advance(301)
    [late] = await speak(desk, first)
    refused(late, 401)
    states = await kept_callbacks(desk, connection_id)
    assert (states.count("accepted"), states.count("rejected")) == (3, 3)


async def test_fifty_of_the_same_callback_at_once_are_one(desk: HttpDesk, clock: FakeClock) -> None:
    connection_id = await taking(desk)
    replies = await asyncio.gather(*(speak(desk, callback(connection_id, clock)) for _ in range(50)))
    assert {reply.status for [reply] in replies} == {202}
    assert len({json.loads(reply.body)["id"] for [reply] in replies}) == 1
    assert await kept_callbacks(desk, connection_id) == ["accepted"]


@pytest.mark.parametrize("genuine", [True, False])
async def test_a_callback_with_headers_that_are_no_text_is_kept_and_shown(
    desk: HttpDesk, clock: FakeClock, *, genuine: bool
) -> None:
    connection_id = await taking(desk)
    other = "whsec_" + base64.b64encode(b"another secret, also long").decode()
    sent = callback(
        connection_id,
        clock,
        b"Content-Type: text/\xff\xfe",
        b"X-Odd: \xf0\x28\x8c",
        b"X-Odd: again",
        secret=SECRET if genuine else other,
    )
    [reply] = await speak(desk, sent)
    assert reply.status == (202 if genuine else 401), reply
    [row] = (await desk.ok("GET", "/v1/callbacks"))["items"]
    shown = await desk.ok("GET", f"/v1/callbacks/{row['id']}")
    assert shown["headers"]["X-Odd"].endswith(", again")


@pytest.mark.parametrize("genuine", [True, False])
async def test_an_id_that_is_no_text_is_verified_as_the_bytes_that_came(
    desk: HttpDesk, clock: FakeClock, *, genuine: bool
) -> None:
    connection_id = await taking(desk)
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    at = int(clock.now().timestamp())
    digest = hmac.digest(key if genuine else b"another key", b"\xff.%d.{}" % at, "sha256")
    sent = (
        b"POST /v1/callbacks/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nwebhook-id: \xff\r\n"
        b"webhook-timestamp: %d\r\nwebhook-signature: v1,%b\r\n\r\n{}"
    ) % (connection_id.encode(), at, base64.b64encode(digest))
    first, again = await speak(desk, sent + sent, replies=2)
    if genuine:
        assert (first.status, json.loads(again.body)["duplicate"]) == (202, True)
        assert await kept_callbacks(desk, connection_id) == ["accepted"]
    else:
        refused(first, 401)
        refused(again, 401)
        assert await kept_callbacks(desk, connection_id) == ["rejected", "rejected"]
