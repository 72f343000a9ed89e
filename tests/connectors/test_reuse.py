"""Requests over a connection that is open already give what the usual way gives, fault for fault."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from tests.connectors.conftest import LOOPBACK
from tests.harness.serving import until

from healthdesk.connectors.reuse import LARGEST, place_of
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.wire import turn
from healthdesk.domain.exchange import Exchange, Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import (
    Behaviour,
    FakeClock,
    FakeEndpoint,
    close_after_request,
    close_before_request,
    garbage,
    gzip_bomb,
    hold,
    huge,
    reply,
    reset_after_request,
    reset_before_request,
    reset_in_answer,
)

JSON = {"content-type": "application/json", "webhook-id": "rec_1"}


def request(
    endpoint: FakeEndpoint, body: bytes = b'{"a":1}', method: str = "POST", **headers: str
) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, f"{endpoint.url}/in?x=1&y=%20", headers={**JSON, **named}, body=body)


async def warmed(session: GuardedSession, endpoint: FakeEndpoint) -> None:
    """Leave an idle connection in the pool, and let whatever takes the usual way from now on fail."""
    endpoint.script(reply(200))
    assert (await session.send(request(endpoint))).status == 200

    def usual(*_args: object, **_kw: object) -> object:
        raise AssertionError("this went the usual way")

    session._http.request = usual


@pytest.fixture
async def warm(session: GuardedSession, endpoint: FakeEndpoint) -> GuardedSession:
    await warmed(session, endpoint)
    return session


def raw(data: bytes, *, keep: bool = True) -> Behaviour:
    async def act(visit):
        visit.writer.write(data)
        await visit.writer.drain()
        return keep

    return Behaviour("raw", act)


BEHAVIOURS = {
    "answer": reply(201, json={"id": 7}, headers={"X-Trace": "abc"}),
    "empty": reply(204),
    "two cookies": raw(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
    ),
    "redirect": reply(307, headers={"Location": "/elsewhere"}),
    "refusal": reply(422, json={"error": "no"}),
    "interim": raw(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "chunked": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "until the end": raw(b"HTTP/1.0 200 OK\r\n\r\nwhole", keep=False),
    "switching": raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", keep=False
    ),
    "close": reply(200, body=b"bye", close=True),
    "compressed": gzip_bomb(1000),
    "bomb": gzip_bomb(100_000_000),
    "huge": huge(20_000_000),
    "garbage": garbage(),
    "half a head": raw(b"HTTP/1.1 200 O", keep=False),
    "bad length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    "bad chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", keep=False),
    "closed before": close_before_request(),
    "closed after": close_after_request(),
    "reset before": reset_before_request(),
    "reset after": reset_after_request(),
    "reset within": reset_in_answer(),
}


def comparable(exchange: Exchange) -> dict[str, object]:
    """Return all but what differs by nature: when it began, and how long a new connection took."""
    return dataclasses.asdict(exchange) | {"started_at": None, "connect_ms": None}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_each_answer_and_fault_is_the_same_as_over_a_new_connection(
    warm: GuardedSession, endpoint: FakeEndpoint, clock: FakeClock, name: str, method: str
) -> None:
    asked = request(endpoint, b"" if method == "GET" else b'{"a":1}', method)
    async with GuardedSession(LOOPBACK, clock=clock, call_later=clock.call_later) as cold:
        endpoint.script(BEHAVIOURS[name])
        usual = await cold.send(asked)
    endpoint.script(BEHAVIOURS[name])
    assert comparable(await warm.send(asked)) == comparable(usual)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
async def test_the_same_request_arrives_and_is_kept(
    session: GuardedSession, endpoint: FakeEndpoint, method: str
) -> None:
    body = b"" if method == "GET" else b'{"a":"\xc3\xa9"}'
    sent = request(endpoint, body, method, X_Trace="7", Authorization="Bearer secret-0001")
    first = await session.send(sent)
    await warmed(session, endpoint)
    second = await session.send(sent)
    usual, _, reused = endpoint.requests
    assert (reused.method, reused.path, reused.body) == (usual.method, usual.path, usual.body)
    assert list(reused.headers.items()) == list(usual.headers.items())
    assert list(second.request_headers.items()) == list(first.request_headers.items())
    assert "secret-0001" not in repr(second)


@pytest.mark.parametrize("kept", ["answer", "empty", "interim", "chunked", "compressed"])
async def test_a_connection_whose_answer_ended_is_used_again(
    warm: GuardedSession, endpoint: FakeEndpoint, kept: str
) -> None:
    endpoint.script(BEHAVIOURS[kept])
    for _ in range(3):
        await warm.send(request(endpoint))
    assert endpoint.connections == 1


@pytest.mark.parametrize("ended", ["close", "huge", "reset within", "garbage", "switching"])
async def test_a_connection_that_cannot_go_on_is_not_used_again(
    session: GuardedSession, endpoint: FakeEndpoint, ended: str
) -> None:
    endpoint.script(reply(200), BEHAVIOURS[ended])
    for _ in range(3):
        await session.send(request(endpoint))
    assert [seen.connection for seen in endpoint.requests if seen.connection > 1] == [2]
    assert (await session.send(request(endpoint))).status == 200
    assert endpoint.connections == 2


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_an_answer_nobody_asked_for_is_not_the_next_requests(
    session: GuardedSession, endpoint: FakeEndpoint, method: str
) -> None:
    answer, go = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", asyncio.Event()

    async def twice(visit):
        visit.writer.write(answer)
        await go.wait()
        visit.writer.write(answer)
        await visit.writer.drain()
        return True

    body = b"" if method == "GET" else b"1"
    endpoint.script(Behaviour("twice", twice), reply(500), reply(500))
    assert (await session.send(request(endpoint, body, method))).status == 200
    ((kept, _),) = next(iter(session._http.connector._conns.values()))
    go.set()

    async def astray() -> bool:
        return kept.should_close

    await until(astray)
    for _ in range(2):
        assert (await session.send(request(endpoint, body, method))).status == 500
    assert [seen.connection for seen in endpoint.requests] == [1, 2, 2]


async def test_the_deadline_ends_the_attempt_and_the_connection(
    warm: GuardedSession, endpoint: FakeEndpoint, clock: FakeClock
) -> None:
    endpoint.script(hold())
    task = asyncio.ensure_future(warm.send(request(endpoint)))
    await endpoint.wait_for(2)
    clock.advance(30)
    exchange = await task
    assert exchange.error is not None
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.TIMEOUT, Sent.YES)
    endpoint.release()
    assert not warm._http.connector._conns, "what comes late must not be taken for the next answer"


async def test_a_cancelled_attempt_ends_its_connection(warm: GuardedSession, endpoint: FakeEndpoint) -> None:
    endpoint.script(hold())
    task = asyncio.ensure_future(warm.send(request(endpoint)))
    await endpoint.wait_for(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not warm._http.connector._conns
    assert not warm._http.connector._acquired

    # nor does one that is cut off while it waits for its turn keep the connection, which is as good as before
    endpoint.release()
    del warm._http.request
    assert (await warm.send(request(endpoint))).status == 200
    waits = asyncio.Event()

    async def never() -> None:
        waits.set()
        await asyncio.Event().wait()

    token = turn.set(never)
    sending = asyncio.create_task(warm.send(request(endpoint)))
    turn.reset(token)
    await waits.wait()
    sending.cancel()
    await asyncio.wait([sending])
    assert not warm._http.connector._acquired


async def test_a_header_that_would_break_the_request_is_not_sent(
    session: GuardedSession, endpoint: FakeEndpoint
) -> None:
    bad = request(endpoint, X_Name="a\r\nX-Injected: b")
    cold = await session.send(bad)
    await warmed(session, endpoint)
    exchange = await session.send(bad)
    assert exchange.error == cold.error
    assert exchange.error is not None
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.CONFIGURATION, Sent.NO)
    assert (await session.send(request(endpoint))).status == 200
    assert endpoint.connections == 1


@pytest.mark.parametrize(
    "change",
    [
        {"body": b""},
        {"body": b"x" * (LARGEST + 1)},
        {"method": "GET"},
        {"method": "HEAD", "body": b""},
        {"method": "DELETE", "body": b""},
        {"method": "GET", "body": b"", "headers": {"Host": "elsewhere.example"}},
        {"headers": {"webhook-id": "rec_1"}},
        {"headers": {**JSON, "Host": "elsewhere.example"}},
        {"headers": {**JSON, "Transfer-Encoding": "chunked"}},
        {"headers": {**JSON, "Expect": "100-continue"}},
    ],
)
async def test_what_is_not_plain_goes_the_usual_way(
    warm: GuardedSession, endpoint: FakeEndpoint, change: dict[str, object]
) -> None:
    with pytest.raises(AssertionError, match="usual way"):
        await warm.send(dataclasses.replace(request(endpoint), **change))


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@crm.example/",
        "ftp://crm.example/",
        "/relative",
        "http://crm.example:99999/",
        "http://[::1/",
        "http://crm.example/#part",
    ],
)
def test_urls_that_need_more_thought_have_no_place(url: str) -> None:
    assert place_of("POST", url) is None


def test_a_place_names_the_port_unless_it_is_the_schemes_own() -> None:
    plain, tls, other = (
        place_of("POST", url)
        for url in ("http://crm.example:80/a?b=c d", "https://crm.example/", "http://[::1]:8080/")
    )
    assert plain is not None
    assert tls is not None
    assert other is not None
    assert (plain.line, plain.host, plain.key.port) == ("POST /a?b=c+d HTTP/1.1", "crm.example", 80)
    assert (tls.key.is_ssl, tls.key.port) == (True, 443)
    assert (other.host, other.key.host) == ("[::1]:8080", "::1")
