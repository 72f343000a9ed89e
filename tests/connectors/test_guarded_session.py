import asyncio

import pytest
from tests.connectors.conftest import LOOPBACK, Names
from yarl import URL

from healthdesk.connectors.policy import FIX
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.wire import Progress, ResendRefused, TrackedRequest, current
from healthdesk.domain.exchange import Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import Behaviour, FakeClock, FakeEndpoint, close_before_request, hold, reply


async def test_an_exchange_holds_the_request_as_it_left_and_the_answer_as_it_came(session, endpoint, clock):
    endpoint.answer(201, json={"id": 7}, headers={"X-Trace": "abc"})
    exchange = await session.send(
        Request(
            "POST",
            f"{endpoint.url}/submissions?x=1",
            headers={"content-type": "application/json", "webhook-id": "rec_1"},
            body=b'{"a":1}',
        )
    )
    assert (exchange.status, exchange.response_body, exchange.error) == (201, b'{"id": 7}', None)
    assert exchange.response_headers["X-Trace"] == "abc"
    assert exchange.started_at == clock.now()
    assert exchange.duration_ms == 0
    assert not exchange.response_cut
    [seen] = endpoint.requests
    assert (seen.method, seen.path, seen.body) == ("POST", "/submissions?x=1", b'{"a":1}')
    left = {name.lower(): value for name, value in exchange.request_headers.items()}
    assert left == dict(seen.headers)
    assert seen.headers["content-length"] == "7"
    assert seen.headers["user-agent"].startswith("healthdesk/")


async def test_secrets_go_to_the_endpoint_and_not_into_the_exchange(session, endpoint):
    endpoint.answer(200, headers={"Set-Cookie": "session=cookie-monster-1"})
    exchange = await session.send(
        Request(
            "POST",
            f"{endpoint.url}/",
            headers={"Authorization": "Bearer tok-en-0001-abcd", "X-Crm-Login": "key-0002-efgh-ijkl"},
            body=b"{}",
            secret_headers=frozenset({"authorization", "x-crm-login"}),
        )
    )
    [seen] = endpoint.requests
    assert seen.headers["authorization"] == "Bearer tok-en-0001-abcd"
    assert seen.headers["x-crm-login"] == "key-0002-efgh-ijkl"
    for secret in ("tok-en-0001", "key-0002", "cookie-monster"):
        assert secret not in repr(exchange)


async def test_connections_are_kept_alive_and_reused(session, endpoint):
    for _ in range(3):
        await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert [seen.connection for seen in endpoint.requests] == [1, 1, 1]


async def test_many_requests_to_one_host_are_under_way_at_once(session, endpoint):
    endpoint.behave(hold())
    sends = [
        asyncio.ensure_future(session.send(Request("POST", f"{endpoint.url}/", body=b"x")))
        for _ in range(150)
    ]
    await endpoint.wait_for(150)
    endpoint.release()
    assert {exchange.status for exchange in await asyncio.gather(*sends)} == {200}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"])
async def test_a_request_on_a_stale_connection_is_never_sent_again(session, endpoint, method):
    endpoint.script(reply(200), close_before_request())
    first = await session.send(Request(method, f"{endpoint.url}/"))
    second = await session.send(Request(method, f"{endpoint.url}/"))
    assert first.status == 200
    assert second.error is not None
    assert (second.error.kind, second.error.sent) == (ErrorKind.RESET, Sent.MAYBE)
    assert "a second time" not in second.error.sentence, "aiohttp tried to resend: its switch has moved"
    assert endpoint.connections == 1


async def test_a_second_request_object_for_one_attempt_is_refused(session, endpoint):
    """The guard that holds even if aiohttp renames its switch."""
    progress = Progress()
    token = current.set(progress)
    try:
        loop = asyncio.get_running_loop()
        TrackedRequest("GET", URL(endpoint.url), loop=loop, session=session._http)
        with pytest.raises(ResendRefused):
            TrackedRequest("GET", URL(endpoint.url), loop=loop, session=session._http)
    finally:
        current.reset(token)


async def test_with_the_switch_broken_the_guard_still_keeps_it_to_one_request(session, endpoint):
    session._http._retry_connection = True
    endpoint.script(reply(200), close_before_request())
    await session.send(Request("DELETE", f"{endpoint.url}/"))
    second = await session.send(Request("DELETE", f"{endpoint.url}/"))
    assert second.error is not None
    assert (second.error.kind, second.error.sent) == (ErrorKind.RESET, Sent.MAYBE)
    assert "not sent a second time" in second.error.sentence
    assert endpoint.connections == 1


async def test_redirects_are_answers_and_not_followed(session, endpoint):
    endpoint.answer(307, headers={"Location": f"{endpoint.url}/elsewhere"})
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert exchange.status == 307
    assert len(endpoint.requests) == 1


async def test_cookies_are_not_kept(session, endpoint):
    endpoint.answer(200, headers={"Set-Cookie": "who=me; Path=/"})
    for _ in range(2):
        await session.send(Request("GET", f"{endpoint.url}/"))
    assert "cookie" not in endpoint.requests[1].headers


async def test_repeated_and_undecodable_response_headers_become_plain_text(session, endpoint):
    async def act(visit):
        visit.writer.write(
            b"HTTP/1.1 200 OK\r\nX-A: one\r\nX-A: two\r\nX-B: caf\xe9\r\nContent-Length: 0\r\n\r\n"
        )
        return True

    endpoint.behave(Behaviour("raw", act))
    exchange = await session.send(Request("GET", f"{endpoint.url}/"))
    assert exchange.response_headers["X-A"] == "one, two"
    assert exchange.response_headers["X-B"] == "caf�"
    exchange.response_headers["X-B"].encode("utf-8")


async def test_a_head_answer_has_no_body(session, endpoint):
    endpoint.answer(200, body=b"not sent")
    exchange = await session.send(Request("HEAD", f"{endpoint.url}/"))
    assert (exchange.status, exchange.response_body, exchange.response_cut) == (200, b"", False)


class TestPolicy:
    async def test_loopback_is_blocked_unless_it_is_listed(self, endpoint, clock):
        async with GuardedSession(clock=clock) as session:
            exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
        assert exchange.error is not None
        assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.ADDRESS_BLOCKED, Sent.NO)
        assert FIX in exchange.error.sentence
        assert "security.allow_private_networks" in exchange.error.sentence
        assert endpoint.connections == 0

    @pytest.mark.parametrize(
        "host",
        ["[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "[::]"],
    )
    async def test_no_spelling_of_loopback_gets_through(self, endpoint, clock, host):
        async with GuardedSession(clock=clock) as session:
            exchange = await session.send(Request("GET", f"http://{host}:{endpoint.port}/"))
        assert exchange.error is not None
        assert exchange.error.kind is ErrorKind.ADDRESS_BLOCKED
        assert endpoint.connections == 0

    @pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001"])
    async def test_loose_spellings_of_loopback_do_not_get_through(self, endpoint, clock, host):
        async with GuardedSession(clock=clock) as session:
            exchange = await session.send(Request("GET", f"http://{host}:{endpoint.port}/"))
        assert exchange.error is not None
        assert exchange.error.kind in {ErrorKind.ADDRESS_BLOCKED, ErrorKind.CONFIGURATION, ErrorKind.DNS}
        assert endpoint.connections == 0

    async def test_a_name_is_judged_by_the_address_it_resolves_to(self, endpoint, clock):
        names = Names({"rebound.example": ["127.0.0.1", "10.0.0.1"]})
        async with GuardedSession(clock=clock, resolver=names) as session:
            exchange = await session.send(Request("GET", f"http://rebound.example:{endpoint.port}/"))
        assert exchange.error is not None
        assert exchange.error.kind is ErrorKind.ADDRESS_BLOCKED
        assert "rebound.example" in exchange.error.sentence
        assert endpoint.connections == 0

    async def test_a_name_reaches_its_allowed_address_beside_a_refused_one(self, endpoint, clock):
        names = Names({"both.example": ["10.0.0.1", "127.0.0.1"]})
        async with GuardedSession(LOOPBACK, clock=clock, resolver=names) as session:
            exchange = await session.send(Request("GET", f"http://both.example:{endpoint.port}/"))
        assert exchange.status == 200


class TestProxy:
    async def test_proxy_variables_are_ignored_unless_configured(self, endpoint, session, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        exchange = await session.send(Request("GET", f"{endpoint.url}/direct"))
        assert exchange.status == 200
        assert endpoint.requests[0].path == "/direct"

    async def test_a_configured_proxy_is_used_and_its_password_is_not_kept(
        self, endpoint, clock, monkeypatch
    ):
        monkeypatch.setenv("http_proxy", f"http://user:pass-word-1@127.0.0.1:{endpoint.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        async with GuardedSession(LOOPBACK, clock=clock, use_proxy=True) as session:
            exchange = await session.send(Request("GET", "http://crm.example/api"))
        [seen] = endpoint.requests
        assert seen.path == "http://crm.example/api"
        assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwYXNzLXdvcmQtMQ=="
        assert exchange.status == 200
        assert "dXNlcjpwYXNz" not in repr(exchange)

    async def test_a_private_literal_is_blocked_behind_a_proxy_too(self, endpoint, clock, monkeypatch):
        monkeypatch.setenv("http_proxy", endpoint.url)
        monkeypatch.delenv("no_proxy", raising=False)
        async with GuardedSession(LOOPBACK, clock=clock, use_proxy=True) as session:
            exchange = await session.send(Request("GET", "http://169.254.169.254/latest/meta-data"))
        assert exchange.error is not None
        assert exchange.error.kind is ErrorKind.ADDRESS_BLOCKED
        assert endpoint.connections == 0


async def test_closing_drops_idle_connections_and_closing_twice_is_nothing(
    clock: FakeClock, endpoint: FakeEndpoint
):
    session = GuardedSession(LOOPBACK, clock=clock)
    await session.send(Request("GET", endpoint.url))
    (kept_alive,) = endpoint._tasks
    assert not kept_alive.done()
    await session.close()
    await kept_alive
    await session.close()
    with pytest.raises(RuntimeError, match="closed"):
        await session.send(Request("GET", endpoint.url))
    assert (endpoint.connections, len(endpoint.requests)) == (1, 1)
