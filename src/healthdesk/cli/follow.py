"""`healthdesk records list --follow`: records of a filter as they arrive and change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from healthdesk.cli.desk import Desk
from healthdesk.cli.tail import changes

if TYPE_CHECKING:
    from healthdesk.api.records import Record, RecordFilter

WATCHED = 100
"""Records of the filter, the newest ones, whose changes are followed."""

PAUSE_S = 0.5
"""Between two looks: what changes in a burst is read once."""

_OF_THE_LOG = ("record.changed", "reset")
Seen = tuple[str, ...]


async def follow(desk: Desk, chosen: RecordFilter, *, count: int | None) -> None:
    """Print each record that arrives or changes, oldest first, until `count` were printed or for ever."""
    import asyncio

    known = {row.id: _state(row) for row in await _newest(desk, chosen)}
    changed = asyncio.Event()

    async def watch() -> None:
        async for event in changes(desk, None):
            if event.kind in _OF_THE_LOG:
                changed.set()

    watching = asyncio.create_task(watch(), name="follow the log")
    watching.add_done_callback(lambda _: changed.set())
    printed = 0
    try:
        while True:
            await changed.wait()
            changed.clear()
            rows = await _newest(desk, chosen)
            for row in reversed(rows):
                if known.get(row.id) != _state(row):
                    print_row(desk, row)
                    printed += 1
                    if printed == count:
                        return
            known = {row.id: _state(row) for row in rows}
            if watching.done():
                watching.result()
                return
            await desk.clock.sleep(PAUSE_S)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _newest(desk: Desk, chosen: RecordFilter) -> Sequence[Record]:
    page = await desk.collect(
        lambda after, limit: desk.client.records_list(chosen, after=after, limit=limit),
        limit=WATCHED,
        after=None,
    )
    return page.items


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
