"""A real HTTP endpoint on 127.0.0.1 that records what it sees and misbehaves when told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Mapping
from typing import Any, Self

from healthdesk.testing.faults import Behaviour, SeenRequest, Visit, reply

_MAX_HEAD = 1 << 20


class FakeEndpoint:
    """An HTTP/1.1 server; use it as an async context manager.

    Each request takes the next behaviour of `script`, or else the standing one that `answer` and `behave` set.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[SeenRequest] = []
        self.connections = 0
        self.parts = 0
        self._host = host
        self._ssl = ssl_context
        self._standing = reply(200)
        self._script: deque[Behaviour] = deque()
        self._by_path: dict[str, Behaviour] = {}
        self._released = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"{'https' if self._ssl else 'http'}://{self._host}:{self._port}"

    @property
    def port(self) -> int:
        """The port it listens on; the same one after `stop` and `start`."""
        return self._port

    def answer(
        self,
        status: int = 200,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer every request from now on with this."""
        self._standing = reply(status, json=json, body=body, headers=headers)

    def behave(self, behaviour: Behaviour) -> None:
        """Do this with every request from now on."""
        self._standing = behaviour

    def script(self, *behaviours: Behaviour | int) -> None:
        """Do these with the next requests, one each, before the standing behaviour; a number is a status."""
        self._script.extend(reply(each) if isinstance(each, int) else each for each in behaviours)

    def on_path(self, path: str, behaviour: Behaviour) -> None:
        """Do this with every request for `path` (without its query), whatever the script says."""
        self._by_path[path] = behaviour

    def release(self) -> None:
        """Let every held request be answered, and those that are held later too."""
        self._released.set()

    async def wait_for(self, count: int) -> list[SeenRequest]:
        """Wait until at least `count` requests were seen, and return all."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def wait_for_connections(self, count: int) -> None:
        """Wait until `count` connections were made, whether or not a request came on them."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.connections >= count)

    async def wait_for_parts(self, count: int) -> None:
        """Wait until `count` parts of dripping or broken answers were sent."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.parts >= count)

    async def _wrote(self) -> None:
        async with self._arrived:
            self.parts += 1
            self._arrived.notify_all()

    async def start(self) -> None:
        """Listen; on the former port if it was started before."""
        self._server = await asyncio.start_server(
            self._serve, self._host, self._port, ssl=self._ssl, limit=_MAX_HEAD, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection: whoever connects now is refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Stop."""
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        async with self._arrived:
            self.connections += 1
            number = self.connections
            self._arrived.notify_all()
        # A client that hangs up is nothing an endpoint reports; cancelling is how `stop` ends us.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._visit(reader, writer, number):
                pass
        writer.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        first = await reader.read(1)
        if not first:
            return False
        scripted = self._script[0] if self._script else self._standing
        if scripted.before_reading:
            if self._script:
                self._script.popleft()
            return await scripted.act(Visit(None, writer, self._released, self._wrote))
        request = await _read_request(first, reader, number)
        behaviour = self._by_path.get(request.path.partition("?")[0])
        if behaviour is None:
            behaviour = self._script.popleft() if self._script else self._standing
        async with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return await behaviour.act(Visit(request, writer, self._released, self._wrote))


async def _read_request(first: bytes, reader: asyncio.StreamReader, number: int) -> SeenRequest:
    top = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = top.rstrip("\r\n").split("\r\n")
    method, path, _ = line.split(" ", 2)
    headers = {}
    for each in rest:
        name, _, value = each.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method, path, headers, body, number)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        body += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
        if size == 0:
            return body
