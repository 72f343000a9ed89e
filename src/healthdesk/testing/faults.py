"""What a FakeEndpoint can do with a request: answer it, or misbehave in a chosen way."""

from __future__ import annotations

import asyncio
import gzip
import json as json_module
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it arrived. Header names are in lower case; `path` holds the query too."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    """Which connection it came on, counted from 1: equal numbers mean the connection was kept alive."""

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json_module.loads(self.body)


@dataclass(slots=True)
class Visit:
    """One request on its connection, for a behaviour to deal with."""

    request: SeenRequest | None
    writer: asyncio.StreamWriter
    released: asyncio.Event
    wrote: Callable[[], Awaitable[None]]
    """Tells the endpoint that a part of an endless or broken answer left, for `wait_for_parts`."""


Act = Callable[[Visit], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the endpoint does with one request. `act` returns whether the connection may be used again.

    `before_reading` acts as soon as the first byte of the request is there, without reading the rest.
    """

    name: str
    act: Act = field(repr=False)
    before_reading: bool = False


def reply(
    status: int = 200,
    *,
    json: Any = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    close: bool = False,
) -> Behaviour:
    """Answer with `status` and the body, or `json` as one; `close` ends the connection afterwards."""
    sent = dict(headers or {})
    if json is not None:
        body = json_module.dumps(json).encode()
        sent = {"Content-Type": "application/json", **sent}
    if close:
        sent["Connection"] = "close"

    async def act(visit: Visit) -> bool:
        head_only = visit.request is not None and visit.request.method == "HEAD"
        visit.writer.write(head(status, sent, len(body)) + (b"" if head_only else body))
        await visit.writer.drain()
        return not close

    return Behaviour(f"reply {status}", act)


def hold() -> Behaviour:
    """Read the request and never answer, until `FakeEndpoint.release()` lets it be answered 200."""

    async def act(visit: Visit) -> bool:
        await visit.released.wait()
        visit.writer.write(head(200, {}, 0))
        await visit.writer.drain()
        return True

    return Behaviour("hold", act)


def reset_before_request() -> Behaviour:
    """Reset the connection as soon as a request begins to arrive, without reading it."""
    return Behaviour("reset before the request", _reset, before_reading=True)


def reset_after_request() -> Behaviour:
    """Read the whole request, then reset the connection."""
    return Behaviour("reset after the request", _reset)


def close_before_request() -> Behaviour:
    """Close the connection as soon as a request begins to arrive."""
    return Behaviour("close before the request", _close, before_reading=True)


def close_after_request() -> Behaviour:
    """Read the whole request, then close the connection without an answer."""
    return Behaviour("close after the request", _close)


def reset_in_answer(status: int = 200, *, body: bytes = b"half an ans") -> Behaviour:
    """Announce a longer body than is sent, then reset the connection."""

    async def act(visit: Visit) -> bool:
        visit.writer.write(head(status, {}, len(body) * 2) + body)
        await visit.writer.drain()
        await visit.wrote()
        return await _reset(visit)

    return Behaviour("reset in the answer", act)


def drip(status: int = 200, *, every_s: float = 0.005, in_headers: bool = False) -> Behaviour:
    """Answer a byte at a time, for ever: a read timeout never fires, only a total deadline helps."""

    async def act(visit: Visit) -> bool:
        start = f"HTTP/1.1 {status} Fake\r\n".encode()
        visit.writer.write(start + (b"X-Drip: " if in_headers else b"Content-Length: 1000000\r\n\r\n"))
        while not visit.writer.is_closing():
            visit.writer.write(b".")
            await visit.writer.drain()
            await visit.wrote()
            await asyncio.sleep(every_s)
        return False

    return Behaviour("drip", act)


def huge(size: int, *, status: int = 200, chunk: bytes = b"x" * 65_536) -> Behaviour:
    """Answer with a body of `size` bytes."""

    async def act(visit: Visit) -> bool:
        visit.writer.write(head(status, {}, size))
        left = size
        while left > 0 and not visit.writer.is_closing():
            visit.writer.write(chunk[:left])
            left -= len(chunk)
            await visit.writer.drain()
        return True

    return Behaviour(f"huge body of {size} bytes", act)


def gzip_bomb(size: int, *, status: int = 200, encoding: str = "gzip") -> Behaviour:
    """Answer with a few bytes that inflate to `size`."""
    plain = bytes(size)
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    return reply(status, body=packed, headers={"Content-Encoding": encoding})


def garbage(text: bytes = b"SSH-2.0-OpenSSH_9.6\r\n\r\n", *, before_reading: bool = False) -> Behaviour:
    """Answer with something that is not HTTP, and close; `before_reading` does so at the first byte, as to TLS."""

    async def act(visit: Visit) -> bool:
        visit.writer.write(text)
        await visit.writer.drain()
        return False

    return Behaviour("garbage", act, before_reading)


def head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    """Return the status line and headers of an answer."""
    lines = [f"HTTP/1.1 {status} Fake"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status >= 200 and status not in (204, 304) and "Content-Length" not in headers:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _reset(visit: Visit) -> bool:
    sock = visit.writer.get_extra_info("socket")
    # A lingering close of zero seconds makes the kernel send RST rather than FIN.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.writer.transport.abort()
    return False


async def _close(visit: Visit) -> bool:
    visit.writer.close()
    return False
