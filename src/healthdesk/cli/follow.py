"""`healthdesk records list --follow`: records of a filter as they arrive and change."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from healthdesk.cli.desk import Desk
from healthdesk.cli.tail import changes

if TYPE_CHECKING:
    from healthdesk.api.records import Order, Record, RecordFilter

WATCHED = 100
"""Records of the filter, the first ones as it sorts them, that are read again at each look, whatever changed of them."""

AT_ONCE = 500
KEPT = 10_000
"""Records whose state is kept, those seen last: what was printed is not printed again."""

PAUSE_S = 0.5
"""Between two looks: what changes in a burst is read once."""

LATE = timedelta(seconds=5)
"""What arrived or was tried before a look may be committed, or come from a daemon whose clock is behind, after it."""

_OF_THE_LOG = ("record.changed", "reset")
Seen = tuple[str, ...]


async def follow(desk: Desk, chosen: RecordFilter, *, count: int | None) -> None:
    """Print each record that arrives or changes, oldest first, until `count` were printed or for ever."""
    import asyncio

    looks = Looks(desk, chosen, (await desk.client.status()).now)
    changed = asyncio.Event()
    last = looks.since

    async def watch() -> None:
        nonlocal last
        async for event in changes(desk, None, opened=changed.set):
            if event.kind in _OF_THE_LOG:
                last = max(last, event.at)
                changed.set()

    watching = asyncio.create_task(watch(), name="follow the log")
    watching.add_done_callback(lambda _: changed.set())
    printed = 0
    try:
        # The stream is open before the first look: what changes after that look is told. A daemon that answers again knows
        # nothing of what changed while it was away: that is looked for, too.
        await changed.wait()
        changed.clear()
        if not watching.done():
            await looks.fresh()
        while True:
            if not watching.done():
                await changed.wait()
            changed.clear()
            until = last
            for row in await looks.fresh():
                print_row(desk, row)
                printed += 1
                if printed == count:
                    return
            looks.since = until
            if watching.done():
                watching.result()
                return
            await desk.clock.sleep(PAUSE_S)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class Looks:
    """What of the records that match is new since the look before, however the filter sorts and however many they are.

    A record that arrives is found by its arrival, one that is tried by its last attempt; `since` is when that look was.
    What else becomes of records (held, confirmed) is seen of the first ones of the filter.
    """

    def __init__(self, desk: Desk, chosen: RecordFilter, since: datetime) -> None:
        self._desk = desk
        self._chosen = chosen
        self._known: dict[str, Seen] = {}
        self.since = since

    async def fresh(self) -> list[Record]:
        """Return what arrived or changed, in the order that it did."""
        watched = await self._desk.client.records_list(self._chosen, limit=WATCHED)
        found = {row.id: row for row in watched.items}
        found |= await self._all(self._since("arrived_from"), "arrived")
        found |= await self._all(self._since("last_attempt_from"), "last_attempt")
        new = [row for row in found.values() if self._known.get(row.id) != _state(row)]
        for row in found.values():
            self._known.pop(row.id, None)
            self._known[row.id] = _state(row)
        for record_id in list(islice(self._known, max(0, len(self._known) - max(KEPT, len(found))))):
            del self._known[record_id]
        return sorted(new, key=lambda row: (row.last_attempt_at or row.arrived_at, row.id))

    def _since(self, part: str) -> RecordFilter:
        bound = getattr(self._chosen, part)
        late = self.since - LATE
        return self._chosen.model_copy(update={part: late if bound is None else max(bound, late)})

    async def _all(self, chosen: RecordFilter, order: Order) -> dict[str, Record]:
        found: dict[str, Record] = {}
        after: str | None = None
        while True:
            page = await self._desk.client.records_list(chosen, after=after, limit=AT_ONCE, order=order)
            found |= {row.id: row for row in page.items}
            after = page.next
            if after is None:
                return found


def _state(row: Record) -> Seen:
    return (row.state.value, str(row.attempts_total), str(row.last_status), str(row.hold_reason))


def print_row(desk: Desk, row: Record) -> None:
    """Print a record on a line of its own."""
    if desk.out.as_json:
        desk.out.json_line(row.model_dump(mode="json"))
        return
    parts = (
        desk.out.time(row.last_attempt_at or row.arrived_at),
        row.id,
        row.state.value if row.last_status is None else f"{row.state.value} {row.last_status}",
        f"{row.source_name or row.source}{' · ' + row.level if row.level else ''}",
        row.environment.shown + (" sample" if row.sample else ""),
        row.error,
    )
    desk.out.now_line("  ".join(part for part in parts if part))
