"""Follows the event stream, and takes it up again after the daemon was away."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from healthdesk.cli.desk import Desk
from healthdesk.errors import DaemonUnreachable

if TYPE_CHECKING:
    from healthdesk.api.desk import Event

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0


async def changes(
    desk: Desk, after: str | None, *, opened: Callable[[], None] | None = None
) -> AsyncGenerator[Event, None]:
    """Yield events for ever. While the daemon is away it is waited for, and the stream goes on after the last event.

    `opened` is called each time that a daemon answers: before the first event it knows nothing of what was missed.
    """
    last, wait_s = after, FIRST_WAIT_S
    while True:
        try:
            async with aclosing(desk.client.events(last, opened=opened)) as stream:
                async for event in stream:
                    last, wait_s = event.id or last, FIRST_WAIT_S
                    yield event
        except DaemonUnreachable as error:
            desk.out.note(f"{error.what}; trying again in {wait_s:g} s")
            await desk.clock.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)


async def tail(desk: Desk, *, after: str | None, count: int | None) -> None:
    """Print events until `count` were printed, or for ever.

    A daemon that does not answer at first is an error; one that goes away later is waited for, and the
    stream goes on after the last event printed.
    """
    await desk.client.status()
    printed = 0
    async with aclosing(changes(desk, after)) as stream:
        async for event in stream:
            if desk.out.as_json:
                desk.out.json_line(event.model_dump(mode="json"))
            else:
                desk.out.now_line(f"{desk.out.time(event.at)}  {event.kind}  {event.object_id}".rstrip())
            printed += 1
            if printed == count:
                return
