"""Resends of one record, or of those that are marked; all that a filter matches are a job."""

from __future__ import annotations

from healthdesk.api.resends import ResendMarked, ResendOne, Resent
from healthdesk.domain.activity import Verb
from healthdesk.errors import Conflict
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import records as queries
from healthdesk.store.rows import ResentRow


async def one(desk: Desk, record_id: str, choice: ResendOne) -> Resent:
    """Resend a record, or raise Conflict saying why it cannot be."""
    desk.require("records.resend")

    def change(conn: Conn) -> ResentRow:
        queries.get(conn, record_id)
        row = _resend(conn, desk, [record_id], choice.new_webhook_id)
        if row.resent == 0:
            raise Conflict(row.skipped.get(record_id) or "this record cannot be resent now")
        desk.note(
            conn,
            Verb.RESENT,
            "record",
            record_id,
            "",
            {"new_webhook_id": True} if choice.new_webhook_id else {},
        )
        return row

    row = await desk.write(change, ("record", record_id))
    return _woken(desk, row)


async def marked(desk: Desk, choice: ResendMarked) -> Resent:
    """Resend the marked records in one transaction, saying why for each that is not."""
    desk.require("records.resend")
    ids = list(dict.fromkeys(choice.ids))

    def change(conn: Conn) -> ResentRow:
        row = _resend(conn, desk, ids, choice.new_webhook_id)
        if row.resent:
            detail = {"resent": row.resent, "skipped": len(row.skipped)}
            desk.note(conn, Verb.RESENT_MARKED, "record", "", "", detail)
        return row

    row = await desk.write(change, ("record", ""))
    return _woken(desk, row)


def _resend(conn: Conn, desk: Desk, ids: list[str], new_webhook_id: bool) -> ResentRow:  # noqa: FBT001 - passed on
    return queries.resend(conn, ids, by=desk.operator.user, now=desk.now(), new_webhook_id=new_webhook_id)


def _woken(desk: Desk, row: ResentRow) -> Resent:
    for integration_id, environment in row.environments:
        desk.engine.wake(integration_id, environment)
    return Resent(resent=row.resent, skipped=row.skipped)
