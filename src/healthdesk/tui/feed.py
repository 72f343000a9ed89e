"""The live feed: one stream of events, reconnected with backoff, resynchronised, told at most four times a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from healthdesk.api.desk import Event, Status
from healthdesk.clock import Clock
from healthdesk.errors import ApiRefused, HealthdeskError, IncompatibleDaemon

COALESCE_S = 0.25
BACKOFF_S = (1.0, 2.0, 3.0, 5.0)
EVERYTHING = "reset"


@dataclass(frozen=True, slots=True)
class Link:
    """Whether the daemon answers. `since` is when it stopped; `retry_at` when it is tried next.

    `refused` says that it answers, but not to this operator or this client.
    """

    live: bool
    known: bool = True
    since: datetime | None = None
    retry_at: datetime | None = None
    error: str = ""
    fix: str = ""
    refused: bool = False


CONNECTING = Link(live=False, known=False)
LIVE = Link(live=True)


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed lately: nouns, and the ids named. `everything` says events were missed."""

    nouns: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    everything: bool = False

    def touches(self, nouns: frozenset[str]) -> bool:
        """Return whether a region that shows these nouns has to be read again."""
        return self.everything or bool(self.nouns & nouns)


class FeedClient(Protocol):
    """The part of the client the feed needs."""

    def events(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Return the event stream."""
        ...

    async def status(self) -> Status:
        """Return how the desk is."""
        ...


@dataclass
class Feed:
    """Runs until cancelled. Tells `on_link`, `on_status` and `on_changes`, which only post messages."""

    client: FeedClient
    clock: Clock
    on_link: Callable[[Link], None]
    on_status: Callable[[Status], None]
    on_changes: Callable[[Changes], None]
    last_id: str | None = None
    _lost_at: datetime | None = None
    _retry_now: asyncio.Event = field(default_factory=asyncio.Event)

    def retry_now(self) -> None:
        """Stop waiting for the next try."""
        self._retry_now.set()

    async def run(self) -> None:
        """Follow the stream for ever."""
        failures = 0
        while True:
            try:
                self.on_status(await self.client.status())
                failures = 0
                self._lost_at = None
                self.on_link(LIVE)
                await self._follow()
                error = HealthdeskError("the event stream ended")
            except HealthdeskError as failure:
                error = failure
            await self._wait(failures, error)
            failures += 1

    async def _wait(self, failures: int, error: HealthdeskError) -> None:
        now = self.clock.now()
        self._lost_at = self._lost_at or now
        delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
        refused = isinstance(error, ApiRefused | IncompatibleDaemon)
        self.on_link(
            Link(False, True, self._lost_at, now + timedelta(seconds=delay), error.what, error.fix, refused)
        )
        self._retry_now.clear()
        sleeper = asyncio.ensure_future(self.clock.sleep(delay))
        waker = asyncio.ensure_future(self._retry_now.wait())
        try:
            await asyncio.wait((sleeper, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()

    async def _follow(self) -> None:
        """Read events; tell of them once per window of COALESCE_S, so a burst costs one refresh.

        The first telling is of everything: what changed before the stream was open is read again.
        """
        pending: dict[str, set[str]] = {EVERYTHING: set()}
        arrived = asyncio.Event()
        arrived.set()
        teller = asyncio.create_task(self._tell(pending, arrived), name="feed-teller")
        try:
            async for event in self.client.events(self.last_id):
                self.last_id = event.id or self.last_id
                noun = event.kind.partition(".")[0]
                pending.setdefault(noun, set()).add(event.object_id)
                arrived.set()
        finally:
            teller.cancel()
            await asyncio.gather(teller, return_exceptions=True)

    async def _tell(self, pending: dict[str, set[str]], arrived: asyncio.Event) -> None:
        while True:
            await arrived.wait()
            await self.clock.sleep(COALESCE_S)
            arrived.clear()
            nouns = frozenset(pending)
            ids = frozenset(row_id for found in pending.values() for row_id in found if row_id)
            pending.clear()
            self.on_changes(Changes(nouns, ids, EVERYTHING in nouns))
            # A lost daemon ends the stream too, and that is where it is told.
            with contextlib.suppress(HealthdeskError):
                self.on_status(await self.client.status())
