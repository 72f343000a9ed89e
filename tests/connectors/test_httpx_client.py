import asyncio
import gzip

import httpx
import pytest

from healthdesk.connectors.httpx_transport import httpx_client, transport_error
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.domain.exchange import Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import (
    close_before_request,
    drip,
    garbage,
    gzip_bomb,
    hold,
    huge,
    reply,
    reset_after_request,
)


async def test_a_connector_talks_json_through_the_session(session, endpoint):
    endpoint.answer(201, json={"key": "OPS-1"})
    async with httpx_client(session, base_url=f"{endpoint.url}/rest", headers={"X-A": "b"}) as client:
        response = await client.post("/issues", json={"title": "zoë"}, params={"q": "1"})
    assert response.status_code == 201
    assert response.json() == {"key": "OPS-1"}
    [seen] = endpoint.requests
    assert (seen.method, seen.path) == ("POST", "/rest/issues?q=1")
    assert seen.json() == {"title": "zoë"}
    assert seen.headers["x-a"] == "b"
    assert seen.headers["user-agent"].startswith("healthdesk/")


async def test_closing_the_client_leaves_the_session_open(session, endpoint):
    async with httpx_client(session) as client:
        await client.get(endpoint.url)
    assert (await session.send(Request("GET", endpoint.url))).status == 200
    assert endpoint.connections == 1


async def test_gzip_is_inflated_once(session, endpoint):
    endpoint.answer(200, body=gzip.compress(b"plain words"), headers={"Content-Encoding": "gzip"})
    async with httpx_client(session) as client:
        response = await client.get(endpoint.url)
    assert response.text == "plain words"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("behaviour", [gzip_bomb(50_000_000), huge(50_000_000)])
async def test_a_body_beyond_the_cap_is_an_error_and_not_half_an_answer(session, endpoint, behaviour):
    endpoint.behave(behaviour)
    async with httpx_client(session, max_body_bytes=100_000) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.get(endpoint.url)
    assert transport_error(caught.value).kind is ErrorKind.RESPONSE_TOO_LARGE


async def test_no_cookie_is_kept(session, endpoint):
    endpoint.answer(200, headers={"Set-Cookie": "who=me; Path=/"})
    async with httpx_client(session) as client:
        await client.get(endpoint.url)
        await client.get(endpoint.url)
    assert "cookie" not in endpoint.requests[1].headers


async def test_redirects_are_followed_only_when_asked_and_pass_the_policy_again(session, endpoint):
    endpoint.on_path("/away", reply(302, headers={"Location": "http://169.254.169.254/"}))
    endpoint.on_path("/here", reply(302, headers={"Location": "/there"}))
    async with httpx_client(session, base_url=endpoint.url) as client:
        assert (await client.get("/away")).status_code == 302
        assert (await client.get("/here", follow_redirects=True)).url.path == "/there"
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get("/away", follow_redirects=True)
    assert transport_error(caught.value).kind is ErrorKind.ADDRESS_BLOCKED


@pytest.mark.parametrize(
    ("behaviour", "raised", "kind", "sent"),
    [
        (reset_after_request(), httpx.ReadError, ErrorKind.RESET, Sent.MAYBE),
        (garbage(), httpx.RemoteProtocolError, ErrorKind.PROTOCOL, Sent.YES),
    ],
)
async def test_errors_are_httpx_errors_with_their_typed_cause(
    session, endpoint, behaviour, raised, kind, sent
):
    endpoint.behave(behaviour)
    async with httpx_client(session) as client:
        with pytest.raises(raised) as caught:
            await client.post(endpoint.url, content=b"x")
    error = transport_error(caught.value)
    assert (error.kind, error.sent) == (kind, sent)


async def test_a_refusal_is_a_connect_error(session, refused_port):
    async with httpx_client(session) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(f"http://127.0.0.1:{refused_port}/")
    assert transport_error(caught.value).kind is ErrorKind.CONNECTION_REFUSED


@pytest.mark.parametrize("behaviour", [hold(), drip()])
async def test_the_deadline_is_a_total(session, endpoint, clock, behaviour):
    endpoint.behave(behaviour)
    async with httpx_client(session, timeout_s=7) as client:
        task = asyncio.ensure_future(client.get(endpoint.url))
        await endpoint.wait_for(1)
        if behaviour.name == "drip":
            await endpoint.wait_for_parts(5)
        clock.advance(7)
        with pytest.raises(httpx.ReadTimeout) as caught:
            await task
    assert transport_error(caught.value).sent is Sent.YES


async def test_nothing_is_sent_twice(session, endpoint):
    endpoint.script(reply(200), close_before_request())
    async with httpx_client(session) as client:
        await client.get(endpoint.url)
        with pytest.raises(httpx.ReadError):
            await client.get(endpoint.url)
    assert endpoint.connections == 1


async def test_the_policy_is_the_sessions(endpoint, clock):
    async with GuardedSession(clock=clock) as strict, httpx_client(strict) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(endpoint.url)
    assert "allow_private_networks" in str(caught.value)


async def test_head_keeps_the_length_it_was_told(session, endpoint):
    endpoint.answer(200, body=b"abc")
    async with httpx_client(session) as client:
        response = await client.head(endpoint.url)
    assert response.headers["content-length"] == "3"
    assert response.content == b""
