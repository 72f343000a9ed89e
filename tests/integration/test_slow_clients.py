"""Connections that do not get on with their request, and connections that are too many."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.harness.serving import until
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.test_public_wire import read_reply

from healthdesk.http import bodies, slow_clients
from healthdesk.http.slow_clients import most_connections

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n"


class Client:
    """A connection that says what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def alive(self) -> bool:
        await self.say(HEALTHZ)
        return (await read_reply(self.reader)).status == 200

    async def refusal(self) -> tuple[int, str]:
        """Return status and type of the answer that is the last one of this connection."""
        reply = await read_reply(self.reader)
        assert await self.reader.read() == b"", "it is closed after that"
        assert reply.headers["connection"] == "close"
        return reply.status, json.loads(reply.body)["type"].rpartition("/")[2]


@contextlib.asynccontextmanager
async def connected(desk: HttpDesk) -> AsyncIterator[Client]:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, SERVER__HEADER_TIMEOUT="0.2s") as made:
        yield made


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: desk\r\nX-Slow: 1\r\n"])
async def test_a_first_head_that_never_ends_is_cut_off(desk: HttpDesk, sent: bytes) -> None:
    async with connected(desk) as client:
        await client.say(sent)
        assert await client.refusal() == (408, "request-timeout")


async def test_a_later_head_that_never_ends_is_cut_off(desk: HttpDesk) -> None:
    async with connected(desk) as client:
        assert await client.alive()
        await client.say(HEALTHZ[:20])
        assert await client.refusal() == (408, "request-timeout")


async def test_a_head_that_drips_is_cut_off_however_often_a_byte_comes(desk: HttpDesk) -> None:
    async with connected(desk) as client:
        assert await client.alive()
        await client.say(b"GET /healthz HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                await client.say(b"X-A: b\r\n")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            assert (await read_reply(client.reader)).status == 408
        finally:
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)


async def test_a_connection_between_requests_and_a_slow_body_have_other_limits(desk: HttpDesk) -> None:
    async with connected(desk) as idle, connected(desk) as posting:
        assert await idle.alive()
        await posting.say(b"POST /v1/records/int_x HTTP/1.1\r\nHost: desk\r\nContent-Length: 10\r\n\r\n12345")
        for _ in range(2):
            async with connected(desk) as slow:
                assert await slow.refusal() == (408, "request-timeout")
        assert await idle.alive()
        await posting.say(b"67890")
        assert (await read_reply(posting.reader)).status == 401


async def test_a_connection_without_a_request_is_closed_in_time(tmp_path: Path) -> None:
    async with http_desk(tmp_path, SERVER__IDLE_TIMEOUT="0.2s") as desk, connected(desk) as client:
        assert await client.alive()
        assert await client.reader.read() == b""


async def test_a_caller_that_reads_no_answers_is_cut_off(tmp_path: Path) -> None:
    async with http_desk(tmp_path, SERVER__IDLE_TIMEOUT="0.2s") as desk:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", desk.port))
            sock.setblocking(False)
            request = b"GET /metrics HTTP/1.1\r\nHost: desk\r\nX-Fill: " + b"x" * 4000 + b"\r\n\r\n"

            async def ask_on() -> None:
                async with asyncio.timeout(30):
                    while True:
                        await asyncio.get_running_loop().sock_sendall(sock, request)

            with pytest.raises(ConnectionError):
                await ask_on()


async def test_bodies_under_way_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_UNDER_WAY", 20_000)
    async with (
        http_desk(tmp_path, SECURITY__MAX_BODY_BYTES="4000") as desk,
        contextlib.AsyncExitStack() as stack,
    ):
        delivery = await desk.delivery()
        path = f"/v1/callbacks/{delivery.connection_id}"
        begun = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n".encode() + b"x" * 3990
        clients = [await stack.enter_async_context(connected(desk)) for _ in range(5)]
        for client in clients:
            await client.say(begun)

        async def answered(status: int) -> bool:
            answer = await desk.ask("POST", path, data=b"y" * 4000)
            if answer.status == 503:
                assert answer.json["type"].endswith("/overloaded")
                assert int(answer.headers["Retry-After"]) > 0
            return answer.status == status

        await until(lambda: answered(503))
        assert (await delivery.post()).status == 202, "who has a key is not kept out by those without"
        await clients[0].say(b"x" * 10)
        assert (await read_reply(clients[0].reader)).status == 202
        clients[1].writer.close()
        await until(lambda: answered(202))
        for client in clients[2:]:
            await client.say(b"x" * 10)
            assert (await read_reply(client.reader)).status == 202
        for _ in range(6):
            assert await answered(202), "what was answered is free again"


async def test_connections_over_the_limit_are_turned_away_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with http_desk(tmp_path, SERVER__MAX_CONNECTIONS="2") as desk, connected(desk) as one:
        assert await one.alive()
        async with connected(desk) as two:
            assert await two.alive()
            for _ in range(2):
                async with connected(desk) as three:
                    assert await three.refusal() == (503, "service-unavailable")
            assert await two.alive()
            assert await one.alive()
        assert caplog.text.count("more than 2 connections") == 1

        async def free() -> bool:
            async with connected(desk) as again:
                await again.say(HEALTHZ)
                return (await read_reply(again.reader)).status == 200

        await until(free)


def test_a_listener_leaves_open_files_to_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(files: int) -> None:
        monkeypatch.setattr(slow_clients.resource, "getrlimit", lambda _: (files, files))

    limited(1024)
    assert most_connections(4096) == 1024 - 256
    assert most_connections(10) == 10
    limited(100)
    assert most_connections(4096) == 64
    limited(resource.RLIM_INFINITY)
    assert most_connections(4096) == 4096
