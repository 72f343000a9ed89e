"""One deadline for everything, kept by a clock that only the tests move."""

import asyncio

import aiohttp
import pytest
from tests.connectors.conftest import LOOPBACK, Names

from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.wire import Deadline, Progress, leaving, turn
from healthdesk.domain.exchange import Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import Behaviour, drip, hold, reply


def sending(session, request):
    return asyncio.ensure_future(session.send(request))


@pytest.mark.parametrize(("method", "body"), [("POST", b"x"), ("GET", b"")])
async def test_no_answer_in_time_is_a_timeout_of_a_request_that_arrived(
    session, endpoint, clock, method, body
):
    endpoint.behave(hold())
    task = sending(session, Request(method, f"{endpoint.url}/", body=body, timeout_s=30))
    await endpoint.wait_for(1)
    clock.advance(29.9)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(0.1)
    exchange = await task
    assert exchange.status is None
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.TIMEOUT, Sent.YES)
    assert exchange.error.sentence == "127.0.0.1 received the request and did not answer within 30 s."
    assert exchange.duration_ms == pytest.approx(30_000)


async def test_a_request_the_endpoint_does_not_take_whole_may_have_arrived(session, endpoint, clock):
    """The kernel's buffers fill up: the end of the request never leaves this process."""
    endpoint.behave(stops_reading())
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x" * 50_000_000, timeout_s=30))
    await endpoint.wait_for_parts(1)
    clock.advance(30)
    exchange = await task
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.TIMEOUT, Sent.MAYBE)
    assert exchange.error.sentence == "127.0.0.1 did not take the whole request within 30 s."


async def test_a_slow_drip_of_the_body_ends_at_the_deadline_and_keeps_the_status(session, endpoint, clock):
    endpoint.behave(drip(200))
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
    await endpoint.wait_for_parts(5)
    clock.advance(5)
    exchange = await task
    assert (exchange.status, exchange.error) == (200, None)
    assert exchange.response_cut
    assert set(exchange.response_body) == {ord(".")}
    assert (exchange.body_error.kind, exchange.body_error.sent) == (ErrorKind.TIMEOUT, Sent.YES)


async def test_a_slow_drip_of_the_headers_is_a_timeout(session, endpoint, clock):
    endpoint.behave(drip(200, in_headers=True))
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
    await endpoint.wait_for_parts(5)
    clock.advance(5)
    exchange = await task
    assert exchange.status is None
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.TIMEOUT, Sent.YES)


async def test_a_lookup_that_hangs_ends_at_the_shorter_limit_for_connecting(clock):
    asked = asyncio.Event()

    async def never():
        asked.set()
        await asyncio.Event().wait()

    names = Names({"slow.example": never})
    async with GuardedSession(
        LOOPBACK, clock=clock, call_later=clock.call_later, resolver=names, connect_timeout_s=10
    ) as session:
        task = sending(session, Request("POST", "http://slow.example/", body=b"x", timeout_s=30))
        await asked.wait()
        clock.advance(10)
        exchange = await task
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.DNS, Sent.NO)
    assert exchange.error.sentence == "The name of slow.example could not be looked up within 10 s."


async def test_a_tls_handshake_that_hangs_is_a_connect_timeout(session, endpoint, clock):
    """A plain server waits for the end of a line that TLS never sends."""
    task = sending(session, Request("POST", f"https://127.0.0.1:{endpoint.port}/", body=b"x", timeout_s=30))
    await endpoint.wait_for_connections(1)
    clock.advance(10)
    exchange = await task
    assert (exchange.error.kind, exchange.error.sent) == (ErrorKind.CONNECT_TIMEOUT, Sent.NO)
    assert endpoint.requests == []


async def test_a_total_shorter_than_the_limit_for_connecting_wins(session, endpoint, clock):
    endpoint.behave(hold())
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=2))
    await endpoint.wait_for(1)
    clock.advance(2)
    assert (await task).error.kind is ErrorKind.TIMEOUT


async def test_an_answer_after_the_limit_for_connecting_is_still_taken(session, endpoint, clock):
    endpoint.behave(hold())
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=30))
    await endpoint.wait_for(1)
    clock.advance(20)
    endpoint.release()
    assert (await task).status == 200
    assert clock.sleepers == 0


async def test_cancelling_passes_through_and_closes_the_connection(session, endpoint, clock):
    endpoint.behave(hold())
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x"))
    await endpoint.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleepers == 0


async def test_cancelled_in_the_moment_of_the_deadline_is_cancelled(session, endpoint, clock):
    endpoint.behave(hold())
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
    await endpoint.wait_for(1)
    clock.advance(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_leaves_no_cancellation_behind(session, endpoint, clock):
    endpoint.behave(hold())

    async def twice():
        first = await session.send(Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return first, await session.send(Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))

    task = asyncio.ensure_future(twice())
    await endpoint.wait_for(1)
    clock.advance(5)
    await endpoint.wait_for(2)
    endpoint.release()
    first, second = await task
    assert first.error.kind is ErrorKind.TIMEOUT
    assert second.status == 200


async def test_a_deadline_the_transport_turned_into_another_error_is_still_the_deadline(
    session, endpoint, clock
):
    under_way = asyncio.Event()

    async def stubborn(*args, **kwargs):
        under_way.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise aiohttp.ClientConnectionError("lost while being cancelled") from None

    session._http.request = stubborn
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
    await under_way.wait()
    clock.advance(5)
    exchange = await task
    assert exchange.error.sentence.endswith("within 5 s.")


async def test_a_ring_that_somebody_else_caught_is_taken_back(clock):
    deadline = Deadline(clock.call_later, Progress())
    deadline.start(5, 5)
    clock.advance(5)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    deadline.stop()
    assert asyncio.current_task().cancelling() == 0


async def test_a_connection_that_timed_out_is_not_used_again(session, endpoint, clock):
    endpoint.script(hold(), reply(200))
    task = sending(session, Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=5))
    await endpoint.wait_for(1)
    clock.advance(5)
    await task
    await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert [seen.connection for seen in endpoint.requests] == [1, 2]


async def test_the_loops_own_timers_serve_where_none_are_given(endpoint, clock):
    endpoint.behave(hold())
    async with GuardedSession(LOOPBACK, clock=clock) as session:
        exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x", timeout_s=0.05))
    assert exchange.error.kind is ErrorKind.TIMEOUT


def stops_reading():
    async def act(visit):
        await visit.wrote()
        await visit.released.wait()
        return False

    return Behaviour("stops reading", act, before_reading=True)


@pytest.mark.parametrize("warm", [False, True])
async def test_what_may_not_leave_after_its_turn_is_not_written(session, endpoint, warm):
    request = Request("POST", f"{endpoint.url}/", {"Content-Type": "text/plain"}, body=b"x", timeout_s=3)
    if warm:
        await session.send(request)
    asked = []

    async def wait():
        asked.append("turn")

    def refuse():
        asked.append("leaving")
        raise LookupError

    waits, checked = turn.set(wait), leaving.set(refuse)
    with pytest.raises(LookupError):
        await session.send(request)
    leaving.reset(checked)
    turn.reset(waits)
    assert asked == ["turn", "leaving"]
    assert (await session.send(request)).status == 200
    assert len(endpoint.requests) == (2 if warm else 1)


@pytest.mark.parametrize("warm", [False, True])
async def test_waiting_for_its_turn_is_no_part_of_the_time_a_request_has(session, endpoint, clock, warm):
    waits, go = asyncio.Event(), asyncio.Event()

    async def wait():
        waits.set()
        await go.wait()

    request = Request("POST", f"{endpoint.url}/", {"Content-Type": "text/plain"}, body=b"x", timeout_s=3)
    if warm:
        await session.send(request)
    endpoint.behave(hold())
    token = turn.set(wait)
    task = sending(session, request)
    turn.reset(token)
    await waits.wait()
    for _ in range(20):
        clock.advance(1)
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    await endpoint.wait_for(2 if warm else 1)
    clock.advance(2)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(3)
    assert (await task).error.kind is ErrorKind.TIMEOUT
