"""Answers as bytes, for requests that have no aiohttp response: building one costs more than the handler."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import cast

from aiohttp import web

from healthdesk.http.problem_details import BASE_HEADERS

HEADERS = {**BASE_HEADERS, "Content-Type": "application/json"}


def _lines(headers: list[tuple[str, str]]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


_ACCEPTED = b"HTTP/1.1 202 Accepted\r\n" + _lines(list(HEADERS.items()))


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


def _whole(head: bytes, body: bytes) -> bytes:
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (head, _Dates.now(), len(body), body)


def accepted(body: bytes) -> bytes:
    """Return the whole answer 202 with this JSON body."""
    return _whole(_ACCEPTED, body)


def whole(response: web.Response, *, close: bool = False) -> bytes:
    """Return a response whose body is bytes as it goes over the wire; `close` says that nothing will follow it."""
    status = f"HTTP/1.1 {response.status} {response.reason}\r\n".encode("latin-1")
    headers = [*response.headers.items(), *([("Connection", "close")] if close else [])]
    return _whole(status + _lines(headers), cast("bytes", response.body))
