"""`GET /v1/events`: what changes, as server-sent events that can be resumed."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from healthdesk.api.desk import Event
from healthdesk.clock import Clock
from healthdesk.engine.bus import BusEvent, EventBus
from healthdesk.http.problem_details import BASE_HEADERS

KEEP_ALIVE_S = 15.0
GATHER_S = 0.05
"""What changes within this is sent together, once per object."""

MOST_WAITING = 1024
"""Changes a reader that does not take them may fall behind before it is told to read again."""

_HEADERS = {**BASE_HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class _Gathered:
    """Changes that wait to be sent; of several of one object the newest is kept."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], BusEvent] = {}
        self.wake = asyncio.Event()

    async def collect(self, bus: EventBus, last_event_id: str | None) -> None:
        """Take events from the bus until cancelled."""
        async with contextlib.aclosing(bus.subscribe(last_event_id)) as events:  # type: ignore[type-var]
            async for event in events:
                self._add(event)

    def _add(self, event: BusEvent) -> None:
        if event.kind == "reset" or len(self.events) >= MOST_WAITING:
            self.events = {("reset", ""): BusEvent(event.id, event.at, "reset")}
        else:
            self.events.pop((event.kind, event.object_id), None)
            self.events[event.kind, event.object_id] = event
        self.wake.set()

    def take(self) -> list[BusEvent]:
        """Return what waits, in order."""
        taken, self.events = self.events, {}
        self.wake.clear()
        return list(taken.values())


class EventStreams:
    """The open streams of one listener; they end when it shuts down."""

    def __init__(self, bus: EventBus, clock: Clock, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._bus = bus
        self._clock = clock
        self._keep_alive_s = keep_alive_s
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream."""
        self._closing.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answer one request for as long as the reader stays."""
        gathered = _Gathered()
        collector = asyncio.create_task(
            gathered.collect(self._bus, request.headers.get("Last-Event-ID") or None), name="events:collect"
        )
        response = web.StreamResponse(headers=_HEADERS)
        try:
            # The subscription begins before the answer does, so that a reader that has the headers misses nothing.
            await asyncio.sleep(0)
            await response.prepare(request)
            await response.write(b"retry: 2000\n: healthdesk\n\n")
            await self._send(response, gathered, collector)
        except ConnectionError:
            # The reader went away, which is how streams end.
            pass
        finally:
            collector.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await collector
        return response

    async def _send(
        self, response: web.StreamResponse, gathered: _Gathered, collector: asyncio.Task[None]
    ) -> None:
        closing = asyncio.create_task(self._closing.wait(), name="events:closing")
        try:
            while not closing.done():
                waking = asyncio.create_task(gathered.wake.wait(), name="events:wake")
                done, _ = await asyncio.wait(
                    {waking, closing, collector},
                    timeout=self._keep_alive_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                waking.cancel()
                if collector in done:
                    collector.result()
                    return
                if waking in done:
                    await response.write(b"".join(encode(event) for event in gathered.take()))
                    await asyncio.wait({closing}, timeout=GATHER_S)
                elif not done:
                    await response.write(b": keep-alive\n\n")
        finally:
            closing.cancel()


def encode(event: BusEvent) -> bytes:
    """Return an event as it is sent."""
    data = Event.model_validate(event, from_attributes=True).model_dump_json()
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()
