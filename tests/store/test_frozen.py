"""A PostgreSQL that keeps its connections and answers nothing: a host that hangs, a network that drops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

from healthdesk.errors import StoreUnavailable
from healthdesk.store import desk, postgres
from tests.store.test_notifications import collect, listeners
from tests.store.world import World


class Proxy:
    """Stands on loopback before PostgreSQL's socket; while it is frozen it takes everything and passes nothing on."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.flows = asyncio.Event()
        self.flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(self._target)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (OSError, asyncio.CancelledError):
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.flows.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Yield a proxy before the server of `url`, and the URL that leads through it."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    proxy = Proxy(f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}")
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        user = f"{parts.username}@" if parts.username else ""
        port = server.sockets[0].getsockname()[1]
        yield proxy, f"postgresql://{user}127.0.0.1:{port}{parts.path}"
    finally:
        proxy.flows.set()
        server.close()


async def test_a_database_that_hangs_is_unavailable_in_time_and_comes_back(
    postgres_url, opened, clock, ids, monkeypatch
):
    async with proxied(postgres_url) as (proxy, url), asyncio.timeout(60):
        store = await opened(url)
        world = await World.made(store, clock, ids)
        await world.accept(2)
        monkeypatch.setattr(postgres, "ACCEPT_TIMEOUT_S", 0.2)
        monkeypatch.setattr(postgres, "QUERY_TIMEOUT_S", 0.2)
        proxy.flows.clear()
        answers = await asyncio.gather(
            store.accept(world.record()),
            store.check_writable(),
            store.read(desk.setting, "x"),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
        assert "no answer within" in str(answers[0])
        monkeypatch.undo()
        proxy.flows.set()
        await world.accept(2)
        assert (await world.check_ledger())["queued"] >= 4
        await store.close()


async def test_a_database_that_hangs_keeps_nobody_from_listening_later_or_from_closing(
    postgres_url, opened, clock, ids, monkeypatch, caplog
):
    async with proxied(postgres_url) as (proxy, url), asyncio.timeout(60):
        world = await World.made(await opened(url), clock, ids)
        heard: list[tuple[str, str]] = []
        monkeypatch.setattr(postgres, "QUERY_TIMEOUT_S", 0.2)
        proxy.flows.clear()
        listening = asyncio.ensure_future(collect(world, heard))
        await clock.wait_for_sleepers()
        assert "cannot listen to other daemons, polling goes on: " in caplog.text
        assert "no answer within" in caplog.text
        monkeypatch.undo()
        proxy.flows.set()
        clock.advance(1)
        await listeners(world, 1)
        proxy.flows.clear()
        record = asyncio.ensure_future(world.store.accept(world.record()))
        await asyncio.sleep(0)
        for bound in ("ACCEPT_TIMEOUT_S", "CLOSE_TIMEOUT_S"):
            monkeypatch.setattr(postgres, bound, 0.05)
        await world.store.close()
        assert "the database did not commit within 0.05 s the records that were handed in" in caplog.text
        assert not record.done(), "nothing that is not committed is answered"
        await listening
        proxy.flows.set()
        await asyncio.gather(record, return_exceptions=True)


async def test_the_kernel_watches_connections_to_another_host(postgres_url, opened):
    async with proxied(postgres_url) as (_, url):
        store = await opened(url)
        async with store._backend._engine.connect() as conn:
            sock = (await postgres._driver(conn))._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
        await store.close()
