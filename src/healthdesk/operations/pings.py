"""Push heartbeats: set, show, remove."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.pings import Ping, PingSet
from healthdesk.api.pings import PingSchedule as WireSchedule
from healthdesk.domain.activity import Verb
from healthdesk.domain.pings import PingSchedule, check_schedule, due_at
from healthdesk.errors import Conflict, NotFound
from healthdesk.operations.before_after import differences
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, to_page
from healthdesk.operations.secrets import hash_key
from healthdesk.store import connections
from healthdesk.store import pings as queries
from healthdesk.store.rows import ConnectionRow, PingRow
from healthdesk.vault import hint

_TOKEN_BYTES = 24


def _view(row: PingRow, name: str = "", url: str = "") -> Ping:
    fields = {key: getattr(row, key) for key in PingRow.__slots__} | {
        "schedule": WireSchedule(**row.schedule.to_json()),
        "object_name": name or row.object_name,
        "url": url,
    }
    return Ping(**fields)


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Ping]:
    """Return every push heartbeat."""
    desk.require("pings.list")
    rows = await desk.read(queries.page, after=cursor("png", after), limit=limit)
    return to_page(rows, _view)


async def show(desk: Desk, connection_id: str) -> Ping:
    """Return the push heartbeat of a connection; NotFound where it has none."""
    desk.require("pings.show")
    connection = await desk.read(connections.get, connection_id)
    row = await desk.read(queries.of, queries.CONNECTION, connection_id)
    if row is None:
        raise NotFound(
            f"{connection.name} has no push heartbeat", fix="`healthdesk pings set` makes it expect pings"
        )
    return _view(row, connection.name)


async def put(desk: Desk, connection_id: str, wanted: PingSet) -> Ping:
    """Expect pings of a connection, or change what is expected; the address is shown when it is new.

    Conflict where a request decides its health: two judges would contradict each other.
    """
    now = desk.now()
    schedule = check_schedule(PingSchedule(**wanted.schedule.model_dump()), now)
    due = due_at(schedule, wanted.grace_s, now)
    ping_id, token = desk.ctx.ids.new("png", now), _token(desk)

    def change(conn: Conn) -> Ping:
        connection = connections.get(conn, connection_id)
        desk.require("pings.set", desk.standing_on(connection))
        _refuse_called(connection)
        before = queries.of(conn, queries.CONNECTION, connection_id)
        after = _words(schedule, wanted.grace_s)
        detail = differences(_words(before.schedule, before.grace_s) if before is not None else {}, after)
        if before is not None and wanted.new_address:
            detail["replaced"] = ["address"]
        desk.note(conn, Verb.SET_PING, "connection", connection_id, connection.name, detail)
        if before is not None and not wanted.new_address:
            queries.change(conn, before.id, schedule, wanted.grace_s, now)
            changed = replace(before, schedule=schedule, grace_s=wanted.grace_s, due_at=due)
            return _view(changed, connection.name)
        row = PingRow(
            id=ping_id,
            object_kind=queries.CONNECTION,
            object_id=connection_id,
            hint=hint(token),
            schedule=schedule,
            grace_s=wanted.grace_s,
            created_at=now,
            created_by=desk.operator.user,
            due_at=due,
        )
        queries.put(conn, row, hash_key(token))
        url = f"{desk.ctx.config.server.public_url.rstrip('/')}/v1/ping/{token}"
        return _view(row, connection.name, url)

    made = await desk.write(change, ("connection", connection_id))
    desk.engine.pings.wake()
    return made


async def remove(desk: Desk, connection_id: str) -> None:
    """Expect no pings any more; the address is not valid from now on."""

    def change(conn: Conn) -> None:
        connection = connections.get(conn, connection_id)
        desk.require("pings.remove", desk.standing_on(connection))
        before = queries.of(conn, queries.CONNECTION, connection_id)
        if before is None or not queries.remove(conn, queries.CONNECTION, connection_id):
            raise NotFound(f"{connection.name} has no push heartbeat")
        detail = {"before": _words(before.schedule, before.grace_s)}
        desk.note(conn, Verb.REMOVED_PING, "connection", connection_id, connection.name, detail)

    await desk.write(change, ("connection", connection_id))


def _words(schedule: PingSchedule, grace_s: float) -> dict[str, Any]:
    """Return what is expected, for the activity log."""
    return {**schedule.to_json(), "grace_s": grace_s}


def _token(desk: Desk) -> str:
    return base64.urlsafe_b64encode(desk.ctx.random_bytes(_TOKEN_BYTES)).decode("ascii")


def _refuse_called(connection: ConnectionRow) -> None:
    if connection.heartbeat is not None:
        raise Conflict(
            f"{connection.name} is called: its heartbeat decides its health",
            fix="a push heartbeat is for what cannot be called; take the heartbeat away first:"
            f" `healthdesk connections edit {connection.id} --no-heartbeat`",
        )
