"""How long the parts of a request took."""

from tests.connectors.conftest import LOOPBACK

from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.testing import FakeClock, FakeEndpoint, close_after_request


class TickingClock(FakeClock):
    """Each look at it is a millisecond later than the one before."""

    def monotonic(self) -> float:
        self.advance(0.001)
        return super().monotonic()


def asked(endpoint: FakeEndpoint, **more) -> Request:
    headers = {"content-type": "application/json"}
    return Request("POST", f"{endpoint.url}/", headers=headers, body=b"{}", **more)


async def test_a_new_connection_is_timed_and_one_that_is_used_again_is_not(endpoint):
    async with GuardedSession(LOOPBACK, clock=TickingClock()) as session:
        first = await session.send(asked(endpoint))
        second = await session.send(asked(endpoint))
    assert endpoint.connections == 1
    assert 0 < first.connect_ms < first.first_byte_ms < first.duration_ms
    assert first.tls_ms is None
    assert (second.connect_ms, second.tls_ms) == (None, None)
    assert 0 < second.first_byte_ms < second.duration_ms


async def test_what_never_answered_has_no_first_byte(endpoint):
    endpoint.behave(close_after_request())
    async with GuardedSession(LOOPBACK, clock=TickingClock()) as session:
        exchange = await session.send(asked(endpoint))
    assert exchange.status is None
    assert exchange.connect_ms > 0
    assert exchange.first_byte_ms is None


async def test_what_was_never_connected_has_no_times(refused_port):
    async with GuardedSession(LOOPBACK, clock=TickingClock()) as session:
        exchange = await session.send(Request("POST", f"http://127.0.0.1:{refused_port}/", body=b"x"))
    assert (exchange.connect_ms, exchange.tls_ms, exchange.first_byte_ms) == (None, None, None)
