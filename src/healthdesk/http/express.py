"""Requests that need to wait for nothing but their commit, answered past aiohttp's machinery for requests.

aiohttp makes a request, a stream writer and two tasks' worth of switches for every message. For a record of a
kilobyte that is most of the work, so a whole message that is for an express handler is handed over where it was
parsed, and its answer is written when it is known. Everything else goes aiohttp's way, and so does whatever the
handler declines. The parser is aiohttp's; what of its connection is touched here is private to it, which is why its
version is pinned, and the tests compare both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDictProxy

from healthdesk.http.slow_clients import PatientHandler

Reply = Callable[[bytes], None]
Parsed = tuple[Sequence[Any], bool, bytes]
"""Messages, whether the last asks for another protocol, and what follows it."""

LARGEST = 32 * 1024
"""Bytes that arrive at once; larger requests take the usual way, with its flow control."""

MOST_HELD = 64 * 1024
"""Bytes of further requests that are kept while one is under way, before the connection is no longer read."""


class ExpressHandler(Protocol):
    """What takes a message at once."""

    def __call__(
        self, path: str, object_id: str, headers: CIMultiDictProxy[str], body: bytes, reply: Reply
    ) -> bool:
        """Take the message and call `reply` once with a whole answer, now or later; or return False and do nothing."""
        ...


Express = Mapping[str, ExpressHandler]
"""Express handlers of POST by path prefix; what follows the prefix is the object's id."""


def split_path(path: str) -> tuple[str, str]:
    """Return the prefix of a path and the id that ends it; no id where it has other than letters, digits and `_`."""
    cut = path.rfind("/") + 1
    return path[:cut], path[cut:] if path[cut:].isidentifier() else ""


class _Tap:
    """Stands before a connection's parser: what comes goes to `feed_data`, everything else to the parser."""

    __slots__ = ("_parser", "feed_data")

    def __init__(self, parser: Any, feed_data: Callable[[bytes], Parsed]) -> None:
        self._parser = parser
        self.feed_data = feed_data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


class ExpressConnection(PatientHandler):
    """A connection that gives an express handler what it takes. Without `express` it is like any other."""

    __slots__ = ("_busy", "_express", "_held", "_inner")

    def __init__(self, manager: web.Server, *, express: Express | None = None, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._express = express or {}
        self._inner: Any = self._parser
        self._busy = False
        """Whether an express handler has a message that is not answered yet."""
        self._held = b""
        if express:
            self._parser = cast("Any", _Tap(self._parser, self._feed))

    def _feed(self, data: bytes) -> Parsed:
        """Parse what came. Messages that are taken here are not among those returned."""
        if self._busy:
            self._hold(data)
            return (), False, b""
        messages, upgraded, tail = self._inner.feed_data(data)
        # Answers that nobody reads pile up: aiohttp's way waits until they are taken.
        if len(messages) == 1 and len(data) <= LARGEST and not upgraded and not self._paused:
            waiter = self._waiter  # set while the connection's task waits for a message: nothing is under way
            if waiter is not None and not waiter.done() and not self._messages and messages[0][1].is_eof():
                return self._take(*messages[0]), upgraded, tail
        return messages, upgraded, tail

    def _take(self, message: RawRequestMessage, payload: StreamReader) -> Sequence[Any]:
        """Hand a message to its handler; return it where there is none, or where the handler declines."""
        if message.method != hdrs.METH_POST or message.should_close or message.version != HttpVersion11:
            return ((message, payload),)
        prefix, object_id = split_path(message.path)
        handler = self._express.get(prefix)
        if handler is None or not object_id or hdrs.EXPECT in message.headers:
            return ((message, payload),)
        self._busy = self._request_in_progress = True
        # Looked at, not read: a handler that declines leaves it as it was, and reading would have the parser go on.
        body = b"" if payload is EMPTY_PAYLOAD else b"".join(payload._buffer)  # noqa: SLF001 - as this module's docstring says
        if handler(message.path, object_id, message.headers, body, self._reply):
            self._inner.message_consumed()
            self._request_count += 1
            if self._manager is not None:
                self._manager.requests_count += 1
            return ()
        self._busy = self._request_in_progress = False
        return ((message, payload),)

    def _hold(self, data: bytes) -> None:
        """Keep what comes before the answer is out: answers go out in the order of their requests."""
        if not data:
            return
        self._held += data
        if len(self._held) > MOST_HELD:
            self._pause_reading_for_buffer()

    def _reply(self, answer: bytes) -> None:
        """Write the answer, as far as somebody is still there, and go on with what was held."""
        self._busy = self._request_in_progress = False
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(answer)
        self._stay_open()
        waiter = self._handler_waiter
        if waiter is not None and not waiter.done():  # the listener is closing and waits for this answer
            waiter.set_result(None)
        if self._held:
            held, self._held = self._held, b""
            if self._buffer_paused:
                self._resume_reading_for_buffer()
            self.data_received(held)

    def _process_keepalive(self) -> None:
        """Close an idle connection; one whose message is under way is not idle, though its task waits."""
        if self._busy:
            self._keepalive_handle = None  # the answer starts the time anew
        else:
            super()._process_keepalive()

    def _stay_open(self) -> None:
        """Count the time without a request from now on, as aiohttp does after each of its answers."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
