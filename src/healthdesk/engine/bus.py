"""Live news of the desk: what changed, in order, with ids a reader can resume from."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.clock import Clock

KEPT = 2048
"""Events kept for readers that come back with a Last-Event-ID."""

QUEUE = 1024
"""Events a slow reader may lag behind before it is told to read again (`reset`)."""


TOLD_ONE_BY_ONE = 16
"""Up to this many records that change together are told by id; more are told as one event."""


@dataclass(frozen=True, slots=True)
class BusEvent:
    """A change: field names are those of the wire model."""

    id: str
    at: datetime
    kind: str
    object_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class _Reader:
    """One subscriber's queue; `lost` is set when it overflowed."""

    __slots__ = ("lost", "pending", "wake")

    def __init__(self) -> None:
        self.pending: deque[BusEvent] = deque()
        self.wake = asyncio.Event()
        self.lost = False

    def offer(self, event: BusEvent) -> None:
        if len(self.pending) >= QUEUE:
            self.pending.clear()
            self.lost = True
        self.pending.append(event)
        self.wake.set()


class EventBus:
    """Publishes to every reader in this process, and through `relay` to other daemons.

    Ids are `<epoch>-<number>`: the epoch is new for every daemon start, so an id of another run is known
    to be unknown and answered with `reset`. Publishing never waits and never fails.
    """

    def __init__(self, clock: Clock, *, epoch: str) -> None:
        self._clock = clock
        self._epoch = epoch
        self._number = 0
        self._kept: deque[BusEvent] = deque(maxlen=KEPT)
        self._readers: set[_Reader] = set()
        self._listeners: list[Callable[[BusEvent], None]] = []
        self.relay: Callable[[BusEvent], Awaitable[None]] | None = None

    def publish(self, kind: str, object_id: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Tell every reader that something changed; `kind` is `<noun>.changed`."""
        self._spread(self._event(kind, object_id, data or {}))

    def on_event(self, listener: Callable[[BusEvent], None]) -> None:
        """Call `listener` for every event from now on, in this process. It must not block."""
        self._listeners.append(listener)

    def _event(self, kind: str, object_id: str, data: Mapping[str, Any]) -> BusEvent:
        self._number += 1
        return BusEvent(f"{self._epoch}-{self._number}", self._clock.now(), kind, object_id, data)

    def _spread(self, event: BusEvent) -> None:
        self._kept.append(event)
        for reader in self._readers:
            reader.offer(event)
        for listener in self._listeners:
            listener(event)

    def _missed_since(self, last_event_id: str) -> list[BusEvent] | None:
        """Return the events after `last_event_id`, or None when some are no longer kept."""
        epoch, _, number = last_event_id.rpartition("-")
        if epoch != self._epoch or not number.isdigit() or int(number) > self._number:
            return None
        seen = int(number)
        if self._kept and int(self._kept[0].id.rpartition("-")[2]) > seen + 1:
            return None
        return [event for event in self._kept if int(event.id.rpartition("-")[2]) > seen]

    async def subscribe(self, last_event_id: str | None = None) -> AsyncIterator[BusEvent]:
        """Yield events as they come, first those missed since `last_event_id`.

        A reader that lagged or came back too late gets one event of kind `reset`.
        """
        reader = _Reader()
        if last_event_id:
            missed = self._missed_since(last_event_id)
            if missed is None:
                reader.offer(self._event("reset", "", {}))
            else:
                for event in missed:
                    reader.offer(event)
        self._readers.add(reader)
        try:
            while True:
                await reader.wake.wait()
                reader.wake.clear()
                if reader.lost:
                    reader.lost = False
                    reader.pending.clear()
                    yield self._event("reset", "", {})
                while reader.pending:
                    yield reader.pending.popleft()
        finally:
            self._readers.discard(reader)


def publish_records(bus: EventBus, record_ids: Collection[str]) -> None:
    """Tell that records changed together."""
    if len(record_ids) > TOLD_ONE_BY_ONE:
        bus.publish("record.changed")
        return
    for record_id in record_ids:
        bus.publish("record.changed", record_id)
