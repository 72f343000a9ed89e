"""The least HTTP there is, so that load and sink are never what bounds a figure: prebuilt bytes over asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from tests.harness.desk import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


def request(path: str, host: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a POST that keeps its connection."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [
        f"{name}: {value}" for name, value in {"Content-Type": "application/json", **(headers or {})}.items()
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Client(asyncio.Protocol):
    """Sends one request after the other on one connection and counts the answers by status."""

    def __init__(self, requests: Iterator[bytes], done: Callable[[int], None]) -> None:
        self.requests, self.done = requests, done
        self.buffer = b""
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._next()

    def _next(self) -> None:
        message = next(self.requests, None)
        if message is None:
            self.transport.close()
        else:
            self.transport.write(message)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self.buffer[:head_end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < head_end + 4 + length:
            return
        status = int(self.buffer[9:12])
        self.buffer = b""
        self.done(status)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.finished.done():
            self.finished.set_result(None)


async def closed_loop(
    port: int, messages: Callable[[], Iterator[bytes]], connections: int, seconds: float
) -> dict[int, int]:
    """Keep `connections` busy for `seconds`; return answers by status."""
    statuses: dict[int, int] = {}
    until = time.perf_counter() + seconds

    def timed() -> Iterator[bytes]:
        for message in messages():
            if time.perf_counter() >= until:
                return
            yield message

    def done(status: int) -> None:
        statuses[status] = statuses.get(status, 0) + 1

    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(timed(), done), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.finished for client in clients))
    return statuses


class _Server(asyncio.Protocol):
    """Answers every request with 200 and tells when its first byte came and what its head and body were."""

    def __init__(self, seen: Callable[[float, bytes], None], answer: bytes) -> None:
        self.seen, self.answer = seen, answer
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.buffer += data
        while True:
            head_end = self.buffer.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = self.buffer[:head_end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head_end + 4 + length
            if len(self.buffer) < end:
                return
            message, self.buffer = self.buffer[:end], self.buffer[end:]
            self.seen(now, message)
            self.transport.write(self.answer)


@contextlib.asynccontextmanager
async def sink(
    seen: Callable[[float, bytes], None], *, answer: bytes = OK, hosts: Sequence[str] = ("127.0.0.1",)
) -> AsyncIterator[int]:
    """Serve a sink on loopback addresses and yield its port, the same on each."""
    loop = asyncio.get_running_loop()
    port = free_port()
    server = await loop.create_server(lambda: _Server(seen, answer), hosts, port, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
