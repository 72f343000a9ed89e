"""The hooks into aiohttp: how far a request got, the policy on every socket, and one deadline for everything."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType, Connection

from healthdesk.connectors.policy import AddressPolicy


class Cancellable(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None:
        """Call the timer off."""
        ...


CallLater = Callable[[float, Callable[[], object]], Cancellable]


class Progress:
    """How far one request got, filled in by the hooks below while it is under way."""

    __slots__ = (
        "answered_s", "connected_s", "headers", "monotonic", "protocol", "ready_s", "refusals", "requests", "sockets",
        "started", "waited_s", "waits_since_s", "written",
    )  # fmt: skip

    waited_s: float
    waits_since_s: float | None

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        # When a new connection was there, when it could be written to (after TLS), and when the answer's head had come,
        # in seconds of `monotonic`; None for what did not happen. A connection that was open has neither of the first two.
        self.connected_s: float | None = None
        self.ready_s: float | None = None
        self.answered_s: float | None = None
        self.requests = 0
        self.sockets = 0
        self.refusals: list[str] = []
        self.headers: Mapping[str, str] = {}
        # Set once a connection is there, taken from the pool or new: what fails before was never sent.
        self.protocol: ResponseHandler | None = None
        self.started = False
        self.written = False

    def take_waited_s(self) -> float:
        """Return for how long it waited for its turn since this was last asked: no part of what an answer may take.

        What counts it is unset where there is no rate, which costs such requests nothing.
        """
        waited_s: float = getattr(self, "waited_s", 0.0)
        since_s: float | None = getattr(self, "waits_since_s", None)
        if since_s is not None:
            self.waits_since_s = self.monotonic()
            waited_s += self.waits_since_s - since_s
        self.waited_s = 0.0
        return waited_s

    def flushed(self) -> bool:
        """Return whether the whole request has left this process. Ask while the connection is still open."""
        transport = self.protocol.transport if self.protocol is not None else None
        return self.written and transport is not None and transport.get_write_buffer_size() == 0


current: ContextVar[Progress | None] = ContextVar("current", default=None)

turn: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("turn", default=None)
"""What a request of the current task waits for before it leaves, once its connection is there."""

leaving: ContextVar[Callable[[], None] | None] = ContextVar("leaving", default=None)
"""What is called after that, right before a request of the current task is written; where it raises, nothing is."""


async def pass_turn(wait: Callable[[], Awaitable[None]], progress: Progress) -> None:
    """Wait for the turn of a request; its deadline comes that much later."""
    progress.waits_since_s = progress.monotonic()
    try:
        await wait()
    finally:
        progress.waited_s = progress.take_waited_s()
        progress.waits_since_s = None


class ResendRefused(aiohttp.ClientError):
    """The transport wanted to send a request a second time."""


class BadAnswer(aiohttp.ClientError):
    """What came is not HTTP; `message` is the parser's."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class GuardedConnector(aiohttp.TCPConnector):
    """aiohttp's pool, without connections on which something came that nobody had asked for.

    A second answer to one request would be taken for the answer to the next one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        make = self._factory

        def noted() -> ResponseHandler:
            # The event loop makes the protocol once TCP is connected and before TLS begins. The last one counts: of
            # several addresses, and behind a proxy, where TLS begins once the proxy is through.
            progress = current.get()
            if progress is not None:
                progress.connected_s = progress.monotonic()
            return make()

        self._factory = noted  # type: ignore[assignment]

    async def _get(self, key: ConnectionKey, traces: list[Any]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None


class TrackedRequest(aiohttp.ClientRequest):
    """aiohttp's request, which tells the current Progress how far it got and is sent at most once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        progress = current.get() or Progress()
        # aiohttp resends idempotent methods on a connection that went stale by making a second request.
        # The session turns that off; this guard holds even if the switch were renamed.
        if progress.requests:
            raise ResendRefused("one attempt is one request")
        progress.requests += 1
        self._progress = progress
        super().__init__(*args, **kwargs)
        progress.headers = self.headers

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Note that a connection is there, and send."""
        progress = self._progress
        progress.protocol = protocol = conn.protocol
        if progress.connected_s is not None:
            progress.ready_s = progress.monotonic()
        if (wait := turn.get()) is not None:
            await pass_turn(wait, progress)
        if (check := leaving.get()) is not None:
            check()
        if self.body:
            return await super().send(conn)
        progress.started = protocol is not None and protocol.is_connected()
        response = await super().send(conn)
        progress.written = True
        return response

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Note when the first byte and the last byte are handed to the connection."""
        progress = self._progress
        protocol = progress.protocol
        progress.started = protocol is not None and protocol.is_connected()
        await super().write_bytes(writer, conn, content_length)
        progress.written = protocol is not None and protocol.exception() is None


def guarded_sockets(policy: AddressPolicy) -> Callable[[AddrInfoType], socket.socket]:
    """Return a socket factory that makes no socket for an address the policy refuses.

    It sees every address that is about to be connected to: literals, resolved names and proxies alike.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        progress = current.get()
        if refusal := policy.refusal(str(address[0])):
            if progress is not None:
                progress.refusals.append(refusal)
            raise OSError(errno.EACCES, refusal)
        if progress is not None:
            progress.sockets += 1
        return socket.socket(family, kind, protocol)

    return make


SHORTEST_S = 0.05
"""How often a deadline that is up looks whether its request still waits for its turn."""


class Deadline:
    """Ends the current task's work when its time is up: at `connect_s` without a connection, else at `total_s`, and later
    by as long as the request waited for its turn.

    It is no context manager, because two more calls a request are felt on the hot path.
    """

    __slots__ = ("_call_later", "_cancelling", "_left_s", "_task", "_timer", "flushed", "progress", "rang")

    def __init__(self, call_later: CallLater, progress: Progress) -> None:
        self.progress = progress
        self.rang = False
        self.flushed = False
        self._call_later = call_later
        self._task: asyncio.Task[Any] | None = None

    def start(self, total_s: float, connect_s: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start the clock for the current task. Given the loop, it need not be looked up (a system call in Python 3.11)."""
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a request is sent inside a task")
        self._task = task
        self._cancelling = task.cancelling()
        first_s = min(total_s, connect_s)
        self._left_s = total_s - first_s
        self._timer = self._call_later(first_s, self._ring)

    def stop(self) -> None:
        """Stop the clock, and take back a cancellation that nobody met."""
        self._timer.cancel()
        self.expired()
        self._task = None

    def expired(self) -> bool:
        """Return whether a CancelledError that was just caught is this deadline's and nobody else's."""
        task = self._task
        if not self.rang or task is None:
            return False
        self._task = None
        return task.uncancel() <= self._cancelling

    def _ring(self) -> None:
        if (waited_s := self.progress.take_waited_s()) > 0:
            self._timer = self._call_later(max(waited_s, SHORTEST_S), self._ring)
            return
        if self._left_s > 0 and self.progress.protocol is not None:
            left_s, self._left_s = self._left_s, 0.0
            self._timer = self._call_later(left_s, self._ring)
            return
        if self._task is not None:
            self.rang = True
            self.flushed = self.progress.flushed()
            self._task.cancel()
