"""What follows from records that were accepted, once for all that one turn of the loop accepted."""

from __future__ import annotations

import asyncio

from healthdesk.domain.states import Environment
from healthdesk.engine.bus import publish_records
from healthdesk.engine.engine import Engine


class Arrivals:
    """Counts accepted records, wakes their deliveries and tells readers of the desk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: list[str] = []
        self._places: set[tuple[str, Environment]] = set()
        self._loop = asyncio.get_running_loop()

    def note(self, record_id: str, place: tuple[str, Environment] | None) -> None:
        """Say that a record was accepted, and where it may be sent now (None for one that is held)."""
        if not self._ids:
            self._loop.call_soon(self._tell)
        self._ids.append(record_id)
        if place is not None:
            self._places.add(place)

    def _tell(self) -> None:
        ids, self._ids = self._ids, []
        places, self._places = self._places, set()
        self._engine.ctx.metrics.records_accepted.inc(len(ids))
        for integration_id, environment in places:
            self._engine.wake(integration_id, environment)
        publish_records(self._engine.ctx.bus, ids)
