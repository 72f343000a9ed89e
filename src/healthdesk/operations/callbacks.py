"""Callbacks: list, show, reveal, process again."""

from __future__ import annotations

from healthdesk.api.callbacks import Callback, CallbackDetail, CallbackFilter
from healthdesk.api.common import Page
from healthdesk.api.records import Body, Direction
from healthdesk.domain.activity import Verb
from healthdesk.operations.bodies import clear_body, gone, masked_body
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.store import callbacks as queries
from healthdesk.store.rows import CallbackRow


async def list_all(
    desk: Desk, chosen: CallbackFilter, after: str | None, limit: int, direction: Direction
) -> Page[Callback]:
    """Return a page of callbacks."""
    desk.require("callbacks.list")
    rows = await desk.read(
        queries.page,
        connection_id=chosen.connection_id,
        integration_id=chosen.integration_id,
        states=tuple(dict.fromkeys(chosen.states)),
        arrived_from=chosen.arrived_from,
        arrived_to=chosen.arrived_to,
        after=cursor("cbk", after),
        limit=limit,
        newest_first=direction == "newest",
    )
    return to_page(rows, model_of(Callback))


async def show(desk: Desk, callback_id: str) -> CallbackDetail:
    """Return a callback with headers and body, values masked."""
    desk.require("callbacks.show")
    return _detail(await desk.read(queries.get, callback_id))


async def reveal(desk: Desk, callback_id: str) -> CallbackDetail:
    """Return a callback with its values in clear; who looked is in the activity log before they see it."""
    desk.require("callbacks.reveal")

    def change(conn: Conn) -> CallbackDetail:
        detail = _detail(queries.get(conn, callback_id), revealed=True)
        desk.note(conn, Verb.REVEALED, "callback", callback_id)
        return detail

    return await desk.write(change)


async def reprocess(desk: Desk, callback_id: str) -> CallbackDetail:
    """Process a callback again; Conflict for a rejected one."""
    desk.require("callbacks.reprocess")

    def change(conn: Conn) -> CallbackRow:
        queries.reprocess(conn, callback_id)
        desk.note(conn, Verb.REPROCESSED, "callback", callback_id)
        return queries.get(conn, callback_id)

    row = await desk.write(change, ("callback", callback_id))
    desk.engine.wake_callbacks()
    return _detail(row)


def _detail(row: CallbackRow, *, revealed: bool = False) -> CallbackDetail:
    return CallbackDetail(
        **Callback.model_validate(row, from_attributes=True).model_dump(),
        headers=dict(row.headers),
        body=_body(row, revealed=revealed),
    )


def _body(row: CallbackRow, *, revealed: bool) -> Body:
    if row.body is None:
        return gone(row.content_type)
    show = clear_body if revealed else masked_body
    return show(row.body, row.content_type, cut=row.body_cut)
