"""Connections that wait too long with their request or do not read their answers, and connections that are too many.

aiohttp closes a connection on which nothing is under way (`keepalive_timeout`), but gives the head of a request as long.
Here a head that was begun has to be complete in time; so has the first one of a connection.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from healthdesk.http import ready
from healthdesk.http.problem_details import respond_status

log = logging.getLogger(__name__)

FILES_KEPT_FREE = 256
"""Of the files that this process may have open: for the database, deliveries, alerts and the operators."""

FEWEST = 64


@dataclass(slots=True)
class Patience:
    """How long a listener waits for the head of a request and for a reader, and how many connections it holds at once."""

    head_s: float
    most_connections: int
    unread_s: float
    """How long answers may wait for a caller that does not read them."""
    full: bool = False
    """Whether it was said that there are too many."""


def most_connections(wanted: int) -> int:
    """Return how many connections a listener may hold: what is wanted, as far as open files suffice."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(FEWEST, files - FILES_KEPT_FREE))


class PatientHandler(web.RequestHandler):
    """aiohttp's connection with a deadline for heads. Without `patience` it waits as aiohttp does."""

    __slots__ = ("_deadline", "_head", "_patience", "_unread")

    def __init__(self, manager: web.Server, *, patience: Patience | None = None, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._patience = patience
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head = 0
        """How many requests had come when the head that is waited for began."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request, or turn the connection away."""
        super().connection_made(transport)
        patience, manager = self._patience, self._manager
        if patience is None or manager is None:
            return
        if len(manager._connections) > patience.most_connections:  # noqa: SLF001 - the public property copies them all
            self._refuse(503, "too many connections: try again later")
            if not patience.full:
                patience.full = True
                log.warning(
                    "more than %d connections: further ones are turned away ([server] max_connections, "
                    "or the limit of open files)",
                    patience.most_connections,
                )
            return
        patience.full = False
        self._wait_for_head(patience)

    def data_received(self, data: bytes) -> None:
        """Take what came; what is no whole request yet has to become one in time."""
        count = self._request_count
        super().data_received(data)
        waiter = self._waiter
        if (
            waiter is not None
            and not waiter.done()
            and not self._request_in_progress
            and self._head != self._request_count == count
        ):
            patience = self._patience
            if patience is not None:
                self._wait_for_head(patience)

    def pause_writing(self) -> None:
        """Begin to wait for the caller to read: what it was told fills all buffers."""
        super().pause_writing()
        transport = self.transport
        if self._patience is not None and transport is not None:
            # Not closed but aborted: closing would wait for the reader, too.
            self._unread = self._loop.call_later(self._patience.unread_s, transport.abort)

    def resume_writing(self) -> None:
        """Go on: the caller reads."""
        self._forget_unread()
        super().resume_writing()

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the deadlines with the connection."""
        self._forget_unread()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    def _wait_for_head(self, patience: Patience) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._head = self._request_count
        self._deadline = self._loop.call_later(patience.head_s, self._is_late)

    def _is_late(self) -> None:
        self._deadline = None
        if self._head == self._request_count:
            self._refuse(408, "the head of the request did not arrive in time")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without a request, and close."""
        transport = self.transport
        if transport is not None:
            transport.write(ready.whole(respond_status(status, detail), close=True))
        self.force_close()
