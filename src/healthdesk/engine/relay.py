"""News between daemons that share one PostgreSQL: wake-ups for latency, configuration changes, live events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from healthdesk.engine.bus import BusEvent
from healthdesk.engine.context import Context
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.holds import Holds
from healthdesk.engine.notify import Notifier
from healthdesk.engine.targets import Targets
from healthdesk.errors import StoreUnavailable

log = logging.getLogger(__name__)

TOPIC = "changed"
SETUP = {"connection.changed", "integration.changed", "source.changed"}
COALESCE_S = 0.25
TOLD_ONE_BY_ONE = 16
"""Up to this many objects of one kind are told by id; more are told as one piece of news without."""


class Relay:
    """Tells other daemons what changed here, and acts on what they tell. Silent on SQLite."""

    def __init__(
        self, ctx: Context, targets: Targets, deliverer: Deliverer, holds: Holds, notifier: Notifier
    ) -> None:
        self._ctx = ctx
        self._targets = targets
        self._deliverer = deliverer
        self._holds = holds
        self._notifier = notifier
        self._outgoing: dict[tuple[str, str], None] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop`."""
        if self._ctx.store.dialect == "sqlite":
            await stop.wait()
            return
        self._ctx.bus.on_event(self._note)
        tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._listen())]
        stopper = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*tasks, stopper}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, stopper):
                task.cancel()
            await asyncio.gather(*tasks, stopper, return_exceptions=True)

    def _note(self, event: BusEvent) -> None:
        if not event.data.get("relayed"):
            self._outgoing[event.kind, event.object_id] = None

    async def _tell(self) -> None:
        while True:
            await self._ctx.clock.sleep(COALESCE_S)
            outgoing, self._outgoing = self._outgoing, {}
            try:
                for kind, object_id in _condensed(outgoing):
                    await self._ctx.store.notify(TOPIC, f"{self._ctx.daemon_id} {kind} {object_id}")
            except StoreUnavailable as error:
                log.warning("other daemons are told later by polling: %s", error)

    async def _listen(self) -> None:
        async for topic, payload in self._ctx.store.notifications():
            sender, _, rest = payload.partition(" ")
            if topic != TOPIC or sender == self._ctx.daemon_id:
                continue
            kind, _, object_id = rest.partition(" ")
            self._ctx.bus.publish(kind, object_id, {"relayed": True})
            if kind in SETUP:
                try:
                    await self._targets.refresh()
                except StoreUnavailable as error:
                    log.warning("a change of another daemon is seen later by polling: %s", error)
                self._holds.wake()
            self._deliverer.wake_all()
            self._notifier.wake()


def _condensed(outgoing: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the news to tell: each is a transaction of its own."""
    by_kind: dict[str, list[str]] = {}
    for kind, object_id in outgoing:
        by_kind.setdefault(kind, []).append(object_id)
    return [
        (kind, object_id)
        for kind, ids in by_kind.items()
        for object_id in (ids if len(ids) <= TOLD_ONE_BY_ONE else [""])
    ]
