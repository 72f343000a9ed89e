"""Receipts: stored once, and applied to the record they are of in the same transaction, or once that is not sent any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.problems import key_for_delivery
from healthdesk.domain.receipts import Told
from healthdesk.domain.states import CallbackState, Environment, RecordEventKind, RecordState
from healthdesk.domain.undecided import Decision, Said, after_receipt, refused
from healthdesk.store import callbacks, records
from healthdesk.store.rows import (
    Carried,
    NewCallback,
    Outcome,
    StoredReceipt,
    UndecidedRow,
    WaitingReceipt,
    Whose,
)
from healthdesk.store.schema import WAITING, callback_bodies
from healthdesk.store.schema import callbacks as table
from healthdesk.store.schema_jobs import fixes
from healthdesk.store.undecided import carry_out, find

CONFIRMED = "The endpoint confirmed it."
CONFIRMED_LATE = "The endpoint confirmed it after all."


def accept(
    conn: Connection, new: NewCallback, given: Mapping[Environment, tuple[Told, Whose]], now: datetime
) -> StoredReceipt:
    """Store a receipt once per delivery id, and apply it; a repeat is counted and changes nothing.

    `given` are the environments whose secret it was verified with, each with what it tells there: it is of a record of
    theirs.
    """
    integration_id = new.integration_id or ""
    environment = _place(conn, integration_id, given)
    told, whose = given[environment]
    stored = callbacks.accept(
        conn,
        replace(new, connection_id=callbacks.sender(integration_id, environment), environment=environment),
    )
    if stored.duplicate:
        return StoredReceipt(stored.id, duplicate=True)
    return apply(conn, stored.id, integration_id, environment, told, whose, now)


def _place(
    conn: Connection, integration_id: str, given: Mapping[Environment, tuple[Told, Whose]]
) -> Environment:
    """Return the environment that has the record, or the first where none does."""
    for environment, (told, _) in given.items():
        record = find(conn, integration_id, told.webhook_id) if told.webhook_id else None
        if record is not None and record.environment is environment:
            return environment
    return next(iter(given))


def apply(
    conn: Connection,
    receipt_id: str,
    integration_id: str,
    environment: Environment,
    told: Told,
    whose: Whose,
    now: datetime,
) -> StoredReceipt:
    """Let a stored receipt have its effect, once: another daemon may have applied it."""
    here = (table.c.id == receipt_id, text(WAITING))
    if conn.execute(select(table.c.id).where(*here).with_for_update()).first() is None:
        return StoredReceipt(receipt_id)
    record = find(conn, integration_id, told.webhook_id) if told.webhook_id else None
    if record is not None and record.environment is not environment:
        record = None
    if record is not None and told.said is not None and record.state is RecordState.SENDING:
        return StoredReceipt(receipt_id, waits=True)
    carried, why, failed = Carried(), told.why, bool(told.why)
    if told.said is not None and record is None:
        why, failed = f"There is no record of {environment.value} with this webhook-id.", True
    elif told.said is not None and record is not None:
        of_last = record.webhook_id == told.webhook_id
        state, why = after_receipt(record.state, told.said, of_last=of_last, attempts=record.attempts)
        if state is not None:
            carried = carry_out(conn, [_outcome(conn, record, state, told, whose, receipt_id)], now)
    conn.execute(
        sa.update(table)
        .where(*here)
        .values(
            state=CallbackState.FAILED if failed else CallbackState.PROCESSED,
            reason=why,
            processed_at=now,
            event=told.said.value if told.said else "",
            records=told.webhook_id if record is None else record.id,
        )
    )
    return StoredReceipt(receipt_id, carried=carried)


def fail(conn: Connection, receipt_id: str, why: str, now: datetime) -> None:
    """Keep why a stored receipt cannot be applied."""
    conn.execute(
        sa.update(table)
        .where(table.c.id == receipt_id, text(WAITING))
        .values(state=CallbackState.FAILED, reason=why, processed_at=now)
    )


def waiting(conn: Connection, *, after: str = "", limit: int, most_bytes: int) -> list[WaitingReceipt]:
    """Return receipts that are still to be applied, oldest first: up to `limit`, and one at least."""
    sizes = conn.execute(
        select(table.c.id, table.c.size)
        .where(text(WAITING), table.c.integration_id.is_not(None), table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
    )
    found = conn.execute(
        select(table.c.id, table.c.integration_id, table.c.environment, callback_bodies.c.body)
        .outerjoin(callback_bodies, callback_bodies.c.callback_id == table.c.id)
        .where(table.c.id.in_(callbacks.fitting(sizes, most_bytes)))
        .order_by(table.c.id)
    )
    return [
        WaitingReceipt(row.id, row.integration_id, row.environment, bytes(row.body or b"")) for row in found
    ]


def _outcome(
    conn: Connection, record: UndecidedRow, state: RecordState, told: Told, whose: Whose, receipt_id: str
) -> Outcome:
    detail = {"receipt": receipt_id}
    if told.said is Said.DELIVERED:
        sentence = CONFIRMED if record.state is RecordState.AWAITING_RECEIPT else CONFIRMED_LATE
        return Outcome(record, Decision(state, None, sentence), RecordEventKind.RECEIPT, detail=detail)
    failure = refused(told.message, _sent(conn, record))
    return Outcome(
        record,
        Decision(state, None, f"The endpoint's receipt says that it failed: {failure.sentence}", failure),
        RecordEventKind.RECEIPT,
        key_for_delivery(
            failure,
            integration_id=record.integration_id,
            environment=record.environment,
            connection_id=whose.connection_id,
            connection_name=whose.connection_name,
            owner=whose.owner,
        ),
        detail=detail,
    )


def _sent(conn: Connection, record: UndecidedRow) -> Sequence[bytes]:
    """Return what was posted, and what was sent instead of it: no value of either may be in a sentence."""
    posted = records.body(conn, record.id)
    sent = [posted.data] if posted is not None else []
    if record.fix_id is not None:
        fixed = conn.execute(select(fixes.c.body).where(fixes.c.id == record.fix_id)).scalar_one_or_none()
        sent += [bytes(fixed)] if fixed is not None else []
    return sent
