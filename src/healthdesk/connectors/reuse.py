"""Requests over a connection that is open already, written in one piece.

aiohttp builds a request, a writer with a task of its own, and a response for each request; for a small one that is
most of the work. Where its pool has an idle connection to the endpoint, the request is written straight to it and
aiohttp's parser reads the answer. Every other request (a new connection, a proxy, a large or unusual one) goes
aiohttp's way. What is touched here is private to aiohttp, which is why its version is pinned, and the tests compare
both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from healthdesk.connectors.wire import BadAnswer, Progress, leaving, pass_turn, turn

LARGEST = 65_536
"""Bytes of a body that are written at once; larger ones go in pieces, as the other side takes them."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITHOUT_BODY = "GET"
_NOT_PLAIN = frozenset(
    {"connection", "content-encoding", "content-length", "cookie", "expect", "host", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests of one method and URL go."""

    line: str
    host: str
    key: ConnectionKey


@lru_cache(maxsize=1024)
def place_of(method: str, url: str) -> Place | None:
    """Return where to send to, or None for a URL that needs more thought (or is none)."""
    try:
        parsed = URL(url)
        host = parsed.host_port_subcomponent
    except ValueError:
        return None
    if (
        (method not in _WITH_BODY and method != _WITHOUT_BODY)
        or parsed.scheme not in ("http", "https")
        or not parsed.raw_host
        or host is None
        or parsed.raw_user is not None
        or parsed.raw_password is not None
        or parsed.raw_fragment
    ):
        return None
    key = ConnectionKey(parsed.raw_host, parsed.port, parsed.scheme == "https", True, None, None, None, None)
    return Place(f"{method} {parsed.raw_path_qs} HTTP/1.1", host, key)


@lru_cache(maxsize=1024)
def _are_plain(names: tuple[str, ...], *, with_body: bool) -> bool:
    """Tell whether headers of these names change nothing about how the request is sent."""
    lower = {name.lower() for name in names}
    return ("content-type" in lower or not with_body) and lower.isdisjoint(_NOT_PLAIN)


class ReusedResponse:
    """The head of an answer; `content` is its body, still to be read. Close it at the end."""

    __slots__ = ("_connection", "content", "headers", "status")

    closed = False

    def __init__(
        self,
        connection: Connection,
        status: int,
        headers: CIMultiDictProxy[str],
        content: aiohttp.StreamReader,
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._connection = connection

    def close(self) -> None:
        """Give the connection back to the pool, or end it when the body was not read to its end."""
        protocol = self._connection.protocol
        if self.content.is_eof() and protocol is not None and not protocol.upgraded:
            self._connection.release()
        else:
            self._connection.close()


class Reuse:
    """The idle connections of a session."""

    def __init__(self, connector: aiohttp.TCPConnector, default_headers: Mapping[str, str]) -> None:
        self._connector = connector
        self._defaults = tuple(default_headers.items())

    async def send(
        self, method: str, url: str, given: Mapping[str, str], body: bytes, progress: Progress
    ) -> ReusedResponse | None:
        """Send a request and return its answer; None, and nothing was sent, where it has to go the usual way."""
        with_body = method != _WITHOUT_BODY
        if (
            len(body) > LARGEST
            or bool(body) != with_body
            or not _are_plain(tuple(given), with_body=with_body)
        ):
            return None
        place = place_of(method, url)
        if place is None:
            return None
        headers: CIMultiDict[str] = CIMultiDict(((hdrs.HOST, place.host), *self._defaults))
        headers.update(given)
        if with_body:
            headers[hdrs.CONTENT_LENGTH] = str(len(body))
        head = _serialize_headers(place.line, headers)
        connection = await self._connector._get(place.key, [])  # noqa: SLF001 - see above
        if connection is None:
            return None
        protocol = connection.protocol
        assert protocol is not None
        wait, check = turn.get(), leaving.get()
        if wait is not None or check is not None:
            try:
                if wait is not None:
                    await pass_turn(wait, progress)
                if check is not None:
                    check()
            except BaseException:
                connection.release()
                raise
        transport = protocol.transport
        if transport is None or transport.is_closing() or protocol.should_close or protocol.writing_paused:
            connection.close()
            return None
        try:
            progress.headers = headers
            progress.requests += 1
            progress.protocol = protocol
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            progress.started = protocol.is_connected()
            transport.write(head + body)
            progress.written = protocol.exception() is None
            message, content = await _answer(protocol)
        except BaseException:
            connection.close()
            raise
        return ReusedResponse(connection, message.code, message.headers, content)


async def _answer(protocol: Any) -> tuple[Any, aiohttp.StreamReader]:
    """Return the head and the body of the final answer, interim ones left out."""
    while True:
        try:
            message, content = await protocol.read()
        except HttpProcessingError as error:
            raise BadAnswer(error.message) from error
        if not 100 <= message.code <= 199 or message.code == 101:
            return message, content
