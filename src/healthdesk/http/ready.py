"""The 202 of the hot path, written in one piece: building a response object costs more than the handler.

It stands in for aiohttp's response for a caller that speaks HTTP/1.1 and keeps its connection; every other
caller gets an ordinary one.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import cast

from aiohttp import HttpVersion11, web

from healthdesk.http.problem_details import BASE_HEADERS

HEADERS = {**BASE_HEADERS, "Content-Type": "application/json"}
_HEAD = b"HTTP/1.1 202 Accepted\r\n" + b"".join(
    f"{name}: {value}\r\n".encode("ascii") for name, value in HEADERS.items()
)


class _Dates:
    """The Date header, made once a second."""

    second = 0
    line = b""

    @classmethod
    def now(cls) -> bytes:
        second = int(time.time())
        if second != cls.second:
            cls.second, cls.line = second, f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return cls.line


class _Ready:
    """What aiohttp's connection asks of a response: `prepare`, `write_eof`, `keep_alive`."""

    __slots__ = ("_body", "_request")

    status = 202
    keep_alive = True

    def __init__(self, request: web.Request, body: bytes) -> None:
        self._request = request
        self._body = body

    async def prepare(self, _request: web.BaseRequest) -> None:
        """Write everything."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller hung up before its answer")
        length = b"Content-Length: %d\r\n\r\n" % len(self._body)
        transport.write(b"".join((_HEAD, _Dates.now(), length, self._body)))

    async def write_eof(self) -> None:
        """Nothing is left to write."""


def accepted(request: web.Request, body: bytes) -> web.StreamResponse:
    """Return the answer 202 with this JSON body."""
    if request.version == HttpVersion11 and request.keep_alive:
        return cast("web.StreamResponse", _Ready(request, body))
    return web.Response(status=202, body=body, headers=HEADERS)
