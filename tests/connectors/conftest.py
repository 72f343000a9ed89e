"""A clock by hand, an endpoint on loopback, and a session that may reach it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from healthdesk.connectors.session import GuardedSession
from healthdesk.testing import FakeClock, FakeEndpoint

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Names(AbstractResolver):
    """Resolves the names it was given; a callable is called, so that it can hang or fail."""

    def __init__(self, names: dict[str, list[str] | Callable[[], object]]) -> None:
        self.names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.names.get(host)
        if found is None:
            raise OSError(None, "Name or service not known")
        if callable(found):
            return await found()
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in found
        ]

    async def close(self) -> None:
        return None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as running:
        yield running


@pytest.fixture
async def session(clock: FakeClock) -> AsyncIterator[GuardedSession]:
    """Its deadlines follow the fake clock: they ring when a test advances it, and never by themselves."""
    async with GuardedSession(LOOPBACK, clock=clock, call_later=clock.call_later) as opened:
        yield opened


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port nobody listens on: it stays bound, so that nobody else gets it meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
