"""How many instances each connection has of each integration: counted when asked, beyond so many at most once a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from healthdesk.engine.context import Context
from healthdesk.store import instance_totals
from healthdesk.store.instance_totals import Where
from healthdesk.store.rows_instances import InstanceTotals

EXACT_TO = 10_000
"""Up to so many instances, each answer is counted anew; a count of 100,000 takes longer than all else on a screen."""
LASTS = timedelta(seconds=1)


class InstanceCounts:
    """Counts instances for the screens of all operators. `exact_to`: see `EXACT_TO`."""

    def __init__(self, ctx: Context, exact_to: int = EXACT_TO) -> None:
        self._ctx = ctx
        self._exact_to = exact_to
        self._kept: Mapping[Where, InstanceTotals] = {}
        self._until: datetime | None = None

    async def by_place(self) -> Mapping[Where, InstanceTotals]:
        """Return the numbers, those of many instances up to a second old; StoreUnavailable."""
        now = self._ctx.clock.now()
        if self._until is not None and now < self._until:
            return self._kept
        found = await self._ctx.store.read(instance_totals.totals_by)
        many = sum(each.total for each in found.values()) > self._exact_to
        self._kept, self._until = (found, now + LASTS) if many else ({}, None)
        return found
