"""Push heartbeats: takes the pings of what cannot be called, and notices those that do not come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from healthdesk.domain.exchange import Failure
from healthdesk.domain.pings import after_ping, due_at, ends_by, late, told_failed
from healthdesk.domain.problems import key_for_connection
from healthdesk.domain.states import Trigger
from healthdesk.engine.context import Context
from healthdesk.engine.heartbeats import facts
from healthdesk.engine.pulse import Pulse
from healthdesk.errors import NotFound, StoreUnavailable
from healthdesk.store import connections, daemons
from healthdesk.store import pings as queries
from healthdesk.store.rows import HeartbeatRow, PingRow, ProblemChanges

log = logging.getLogger(__name__)

POLL_S = 1.0
BATCH = 50
START, FAIL, GOOD = "start", "fail", "good"
FIRST_LINE_CHARS = 150


class Pings:
    """Takes pings, and looks for those that are late."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse = Pulse(ctx.clock, POLL_S)
        self.on_change: Callable[[], None] = lambda: None
        self.on_alerts: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Look for late pings now."""
        self._pulse.set()

    async def receive(self, token_hash: bytes, kind: str, method: str, body: bytes, *, cut: bool) -> bool:
        """Keep a ping (`good`, `start` or `fail`) with what it says; False when the token is not known.

        Returns once it is committed; StoreUnavailable when that cannot be.
        """
        if await self._ctx.store.read(queries.find, token_hash) is None:
            # Whoever guesses must not keep the one writer busy.
            return False
        now = self._ctx.clock.now()

        def change(conn: Any) -> tuple[PingRow, ProblemChanges | None] | None:
            row = queries.find(conn, token_hash, lock=True)
            if row is None:
                return None
            if kind == START:
                due = ends_by(row.due_at, row.grace_s, now, again=row.started_at is not None)
                queries.received(conn, row, kind=kind, now=now, due=due, started_at=now)
                return row, None
            due = due_at(row.schedule, row.grace_s, now)
            queries.received(conn, row, kind=kind, now=now, due=due, started_at=None)
            failure = told_failed(_first_line(body)) if kind == FAIL else None
            took_ms = (now - row.started_at).total_seconds() * 1000 if row.started_at else 0.0
            said = {"response_body": body, "response_cut": cut, "method": method}
            return row, self._judge(conn, row, failure, now, took_ms, said)

        done = await self._ctx.store.write(change)
        if done is None:
            return False
        self._tell(*done)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Look for late pings until `stop`."""
        await self._forgive()

        async def look() -> None:
            while not stop.is_set() and await self._some():
                pass

        await self._pulse.repeat(stop, look, what="pings wait")

    async def _forgive(self) -> None:
        """Nobody could ping while no daemon ran: what is late by now is given its grace once more."""
        store, now = self._ctx.store, self._ctx.clock.now()
        try:
            if len(await store.read(daemons.running, now)) <= 1:
                await store.write(queries.forgive, now)
        except StoreUnavailable as error:
            log.warning("pings that were missed while the desk was down count as late: %s", error)

    async def _some(self) -> bool:
        """Judge those that are late; True when there may be more."""
        now = self._ctx.clock.now()
        due = await self._ctx.store.read(queries.next_due_at)
        if due is None or due > now:
            return False

        def change(conn: Any) -> list[tuple[PingRow, ProblemChanges | None]]:
            return [
                (row, self._judge(conn, row, late(started=row.started_at is not None), now, 0.0, {}))
                for row in queries.claim_due(conn, now, BATCH)
            ]

        judged = await self._ctx.store.write(change)
        for row, changes in judged:
            log.info("%s %s: no ping in time", row.object_kind, row.object_id)
            self._tell(row, changes)
        return len(judged) == BATCH

    def _judge(
        self,
        conn: Any,
        row: PingRow,
        failure: Failure | None,
        now: datetime,
        took_ms: float,
        said: dict[str, Any],
    ) -> ProblemChanges | None:
        """Keep what a ping, or its absence, says of a connection's health, in the caller's transaction."""
        if row.object_kind != queries.CONNECTION:
            return None
        try:
            connection = connections.get(conn, row.object_id)
        except NotFound:
            return None
        change = after_ping(facts(connection), good=failure is None)
        key = None
        if failure is not None:
            key = key_for_connection(failure, connection.id, connection.name, connection.owner)
        heartbeat = HeartbeatRow(
            id=self._ctx.new_id("hbt"),
            connection_id=connection.id,
            at=now,
            trigger=Trigger.PING,
            ok=failure is None,
            duration_ms=took_ms,
            state_after=change.state,
            kind=failure.kind.value if failure else "",
            sentence=failure.sentence if failure else "",
            **said,
        )
        return connections.set_health(
            conn,
            connection.id,
            change,
            failure,
            key,
            heartbeat,
            now,
            version=connection.settings_version,
        )

    def _tell(self, row: PingRow, changes: ProblemChanges | None) -> None:
        self._ctx.bus.publish(f"{row.object_kind}.changed", row.object_id)
        self.on_change()
        if changes is None:
            return
        for problem_id in changes.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if changes.alerts_queued:
            self.on_alerts()


def _first_line(body: bytes) -> str:
    """Return the first line of what a job says, as far as it is text."""
    text = body.decode("utf-8", "replace").strip()
    line = text.splitlines()[0] if text else ""
    return "".join(each for each in line if each.isprintable())[:FIRST_LINE_CHARS].strip()
