"""Repeating tasks: creates each one when it is due, exactly once, whatever stops in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from healthdesk.domain.pings import PingSchedule
from healthdesk.domain.repeating import next_after, said, try_again_at
from healthdesk.engine import new_tasks
from healthdesk.engine.context import Context
from healthdesk.engine.new_tasks import NewTask
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import ConnectorError, RequestError
from healthdesk.store import templates as queries
from healthdesk.store.rows_instances import TemplateRow

log = logging.getLogger(__name__)

POLL_S = 1.0
Conn = Any
"""The store's connection inside a transaction, handed to queries and never looked into."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one template that was due: the task, or why there is none."""

    template_id: str
    task_id: str = ""
    linked: bool = False
    error: str = ""


class Templates:
    """Looks for templates whose next task is due."""

    def __init__(self, ctx: Context, wake_instances: Callable[[], None]) -> None:
        self._ctx = ctx
        self._wake_instances = wake_instances
        self._pulse = Pulse(ctx.clock, POLL_S)

    def wake(self) -> None:
        """Look for due ones now."""
        self._pulse.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Create tasks when they are due until `stop`."""

        async def look() -> None:
            while not stop.is_set() and await self.turn():
                pass

        await self._pulse.repeat(stop, look, what="repeating tasks wait")

    async def turn(self) -> bool:
        """Create the task that is longest due; False when none is."""
        now = self._ctx.clock.now()
        due = await self._ctx.store.read(queries.next_due_at)
        if due is None or due > now:
            return False
        turn = await self._ctx.store.write(self._take, now)
        if turn is None:
            return False
        if turn.error:
            log.warning("template %s: no task could be created: %s", turn.template_id, turn.error)
        else:
            self._ctx.bus.publish("task.changed", turn.task_id)
            if turn.linked:
                self._ctx.bus.publish("instance.changed", turn.task_id)
                self._wake_instances()
        self._ctx.bus.publish("template.changed", turn.template_id)
        return True

    def _take(self, conn: Conn, now: datetime) -> Turn | None:
        """Create one task and move its template on, in one transaction: a crash leaves both or neither."""
        row = queries.take_due(conn, now)
        if row is None or row.next_at is None:
            return None
        schedule = schedule_of(row)
        if schedule is None:
            queries.update(conn, row.id, {"next_at": None})
            return Turn(row.id, error="it has no schedule any more")
        try:
            task_id = create(conn, self._ctx, row, now, by=row.owner)
        except (RequestError, ConnectorError) as error:
            told = f"{error.what}. {error.fix}" if error.fix else error.what
            again_at = try_again_at(schedule, row.next_at, now)
            queries.update(conn, row.id, {"error": told, "next_at": again_at})
            return Turn(row.id, error=told)
        queries.created(conn, row.id, now, next_after(schedule, row.next_at, now))
        return Turn(row.id, task_id, linked=row.integration_id is not None)


def create(conn: Conn, ctx: Context, row: TemplateRow, now: datetime, *, by: str) -> str:
    """Create a task from a template, under its owner's connection; return its id.

    Malformed where it has an integration and no connection for it.
    """
    through = None
    if row.integration_id is not None:
        through = new_tasks.link_of(conn, ctx, row.integration_id, row.owner, row.connection_id)
    new = NewTask(by=by, template_id=row.id, link=through, **said(row.task, schedule_of(row), now))
    return new_tasks.insert(conn, ctx, new, now)


def schedule_of(row: TemplateRow) -> PingSchedule | None:
    """Return when a template creates tasks, None for by hand."""
    return None if row.schedule is None else PingSchedule.from_json(dict(row.schedule))
