"""Who is asked whether the desk is online, and what counts as an answer."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.engine_desk import engine_on

from healthdesk.engine import sentinels
from healthdesk.engine.sentinels import GuardedConnects, Sentinels, place_of
from healthdesk.testing import FakeClock, FakeEndpoint


class Network:
    """A network in which these places accept connections; `asked` are those that were tried."""

    def __init__(self, *up: str) -> None:
        self.up = set(up)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> bool:
        self.asked.append(f"{host}:{port}")
        return f"{host}:{port}" in self.up


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def heard(guard: Sentinels, clock: FakeClock, *urls: str) -> None:
    for url in urls:
        guard.answered(url)
    clock.advance(10)


def test_the_place_of_a_url_is_its_host_and_port() -> None:
    assert place_of("https://crm.example/v2") == ("crm.example", 443)
    assert place_of("http://[::1]:8080/") == ("::1", 8080)
    assert place_of("") is place_of("crm.example") is place_of("http://x:bad/") is None


async def test_the_last_three_other_hosts_are_asked(tmp_path, clock) -> None:
    async with engine_on(tmp_path, clock) as engine:
        network = Network("b:443")
        guard = Sentinels(engine.ctx, network)
        heard(guard, clock, *(f"https://{name}/x" for name in "abcdea"))
        assert await guard.offline("https://e/")
        assert sorted(network.asked) == ["a:443", "c:443", "d:443"]


async def test_one_that_accepts_is_enough_and_the_accused_is_no_witness(tmp_path, clock) -> None:
    async with engine_on(tmp_path, clock) as engine:
        network = Network("a:443", "b:443")
        guard = Sentinels(engine.ctx, network)
        heard(guard, clock, "https://a/", "https://b/")
        assert not await guard.offline("https://a/")
        assert network.asked == ["b:443"]
        network.up = {"a:443"}
        clock.advance(10)
        assert await guard.offline("https://a/"), "a accepts, and is the one accused"
        alone = Sentinels(engine.ctx, Network())
        heard(alone, clock, "https://a/")
        assert not await alone.offline("https://a/"), "nobody else is known"


async def test_configured_sentinels_decide_whoever_else_answers(tmp_path, clock) -> None:
    async with engine_on(tmp_path, clock, HEALTHDESK_HEARTBEAT__SENTINELS="s.example:443") as engine:
        network = Network("b:443")
        guard = Sentinels(engine.ctx, network)
        guard.answered("https://b/")
        assert await guard.offline("https://a/")
        assert network.asked == ["s.example:443"]
        assert guard.offline_since == clock.now()


async def test_it_is_back_when_a_sentinel_accepts_and_that_is_asked_every_few_seconds(
    tmp_path, clock
) -> None:
    async with engine_on(tmp_path, clock, HEALTHDESK_HEARTBEAT__SENTINELS="s.example:443") as engine:
        network = Network()
        guard = Sentinels(engine.ctx, network)
        assert await guard.offline("https://a/")
        for _ in range(10):
            assert await guard.offline("https://b/")
            assert not await guard.back()
        assert network.asked == ["s.example:443"], "a burst of failures asks once"
        network.up.add("s.example:443")
        clock.advance(sentinels.ASK_EVERY_S)
        assert await guard.back()
        assert not await guard.offline("https://a/")
        guard.forget()
        assert guard.offline_since is None


async def test_behind_a_proxy_only_configured_sentinels_tell(tmp_path, clock) -> None:
    async with engine_on(tmp_path, clock, HEALTHDESK_SECURITY__USE_PROXY="true") as engine:
        guard = Sentinels(engine.ctx, Network())
        heard(guard, clock, "https://a/", "https://b/")
        assert not await guard.offline("https://a/")


async def test_a_sentinel_that_never_answers_is_not_waited_for_long(tmp_path, clock, monkeypatch) -> None:
    monkeypatch.setattr(sentinels, "CONNECT_S", 0.01)

    async def never(host: str, port: int) -> bool:
        await asyncio.Event().wait()
        return True

    async with engine_on(tmp_path, clock, HEALTHDESK_HEARTBEAT__SENTINELS="s.example:443") as engine:
        assert await Sentinels(engine.ctx, never).offline("https://a/")


async def test_a_real_connection_is_made_under_the_address_policy(tmp_path, clock) -> None:
    async with FakeEndpoint() as server:
        async with engine_on(tmp_path, clock) as engine:
            assert await GuardedConnects(engine.ctx)("127.0.0.1", server.port)
        denied = {"HEALTHDESK_SECURITY__ALLOW_PRIVATE_NETWORKS": "10.0.0.0/8"}
        async with engine_on(tmp_path / "other", clock, **denied) as engine:
            assert not await GuardedConnects(engine.ctx)("127.0.0.1", server.port)
        assert server.connections == 1
        await server.stop()
        async with engine_on(tmp_path / "third", clock) as engine:
            assert not await GuardedConnects(engine.ctx)("127.0.0.1", server.port)
