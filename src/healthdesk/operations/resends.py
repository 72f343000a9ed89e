"""Resends of one record, or of those that are marked; all that a filter matches are a job."""

from __future__ import annotations

from healthdesk.api.fixes import FixResend
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
        row = again(conn, desk, [record_id], choice)
        refuse_none(row, record_id)
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
    """Resend the marked records in one transaction, saying why for each that is not; or say what that would do."""
    desk.require("records.resend")
    ids = list(dict.fromkeys(choice.ids))
    if choice.dry_run:
        wanted = {"delivered_too": choice.delivered_too, "asked_too": choice.asked_too}
        return _view(await desk.read(queries.would_resend, ids, **wanted))

    def change(conn: Conn) -> ResentRow:
        row = again(conn, desk, ids, choice)
        if row.resent:
            detail = {"resent": row.resent, "skipped": len(row.skipped)}
            desk.note(conn, Verb.RESENT_MARKED, "record", "", "", detail)
        return row

    row = await desk.write(change, ("record", ""))
    return _woken(desk, row)


def again(conn: Conn, desk: Desk, ids: list[str], choice: ResendOne | FixResend) -> ResentRow:
    """Queue records again as an operator wants it."""
    return queries.resend(
        conn,
        ids,
        by=desk.operator.user,
        now=desk.now(),
        new_webhook_id=choice.new_webhook_id,
        delivered_too=choice.delivered_too,
        asked_too=choice.asked_too,
    )


def refuse_none(row: ResentRow, record_id: str) -> None:
    """Raise Conflict, saying why and what can be done, where the one record was not queued."""
    if row.resent:
        return
    fix = ""
    if row.delivered:
        fix = "Say `delivered_too` to send it again, with `new_webhook_id` where the endpoint drops what it has seen"
    elif row.asked:
        fix = f"Look it up: `healthdesk records look-up {record_id}`; or say `asked_too` to send it all the same"
    raise Conflict(row.skipped.get(record_id) or "this record cannot be resent now", fix=fix)


def _woken(desk: Desk, row: ResentRow) -> Resent:
    for integration_id, environment in row.environments:
        desk.engine.wake(integration_id, environment)
    return _view(row)


def _view(row: ResentRow) -> Resent:
    return Resent(resent=row.resent, skipped=row.skipped, delivered=row.delivered, asked=row.asked)
