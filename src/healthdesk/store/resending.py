"""Resending: records are queued again in one transaction, as the operator confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, text, update

from healthdesk.domain.states import HoldReason, RecordState, Trigger
from healthdesk.domain.transitions import RESEND_ALL_STATES, can_resend
from healthdesk.store import ledger
from healthdesk.store.log_plan import Ranges, ranges
from healthdesk.store.ordering import goes_first
from healthdesk.store.rows import RecordQuery, ResentRow
from healthdesk.store.schema import HAS_BODY, attempts, records
from healthdesk.store.scope import scope_of

DELIVERED = (RecordState.DELIVERED, RecordState.AWAITING_RECEIPT)
BODY_GONE = "its body was removed by retention"
DELIVERED_ALREADY = "its endpoint took it already"
DELIVERED_MEANWHILE = "it was delivered meanwhile"
BEING_ASKED = "its endpoint is asked whether it has it: it is sent again by itself where it has not"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Rows that are sent again, why the others are not, and how many of those the first two states have."""

    rows: list[Any]
    skipped: dict[str, str]
    delivered: int
    asked: int


def resend(
    conn: Connection,
    ids: Sequence[str],
    *,
    by: str,
    now: datetime,
    new_webhook_id: bool = False,
    delivered_too: bool = False,
    asked_too: bool = False,
) -> ResentRow:
    """Queue these records again, in one transaction; say why for each that is not."""
    row, _ = again(
        conn,
        ids,
        by=by,
        now=now,
        new_webhook_id=new_webhook_id,
        delivered_too=delivered_too,
        asked_too=asked_too,
    )
    return row


def would_resend(
    conn: Connection, ids: Sequence[str], *, delivered_too: bool = False, asked_too: bool = False
) -> ResentRow:
    """Return what `resend` would do with these records now."""
    chosen = _choose(conn, ids, Trigger.RESEND, delivered_too=delivered_too, asked_too=asked_too)
    return ResentRow(len(chosen.rows), chosen.skipped, delivered=chosen.delivered, asked=chosen.asked)


def again(
    conn: Connection,
    ids: Sequence[str],
    *,
    by: str,
    now: datetime,
    trigger: Trigger = Trigger.RESEND,
    new_webhook_id: bool = False,
    delivered_too: bool = False,
    asked_too: bool = False,
) -> tuple[ResentRow, list[str]]:
    """Queue these records again, in one transaction; say why for each that is not, and which are.

    Unless `delivered_too`, what its endpoint took is left out; unless `asked_too`, what it is being asked for.
    """
    chosen = _choose(conn, ids, trigger, delivered_too=delivered_too, asked_too=asked_too, lock=True)
    deltas = ledger.Deltas()
    queued: list[dict[str, Any]] = []
    for row in chosen.rows:
        webhook_id = scope_of(conn).new_id("rec") if new_webhook_id else row.webhook_id
        queued.append({"the_id": row.id, "webhook_id": webhook_id})
        deltas.moved(row.integration_id, row.environment, row.state, RecordState.QUEUED)
    if queued:
        conn.execute(
            update(records)
            .where(records.c.id == bindparam("the_id"))
            .values(
                state=RecordState.QUEUED,
                tries=0,
                next_at=now,
                hold_reason=None,
                next_trigger=trigger,
                triggered_by=by,
            ),
            queued,
        )
        ledger.apply(conn, deltas)
    places = {(row.integration_id, row.environment) for row in chosen.rows}
    done = ResentRow(
        len(queued), chosen.skipped, tuple(sorted(places)), delivered=chosen.delivered, asked=chosen.asked
    )
    return done, [row.id for row in chosen.rows]


def _choose(
    conn: Connection,
    ids: Sequence[str],
    trigger: Trigger,
    *,
    delivered_too: bool,
    asked_too: bool,
    lock: bool = False,
) -> _Chosen:
    query = (
        select(
            records.c.id,
            records.c.state,
            records.c.webhook_id,
            records.c.integration_id,
            records.c.environment,
            records.c.hold_reason,
            records.c.order_key,
            records.c.next_at,
            HAS_BODY,
        )
        .where(records.c.id.in_(ids))
        .order_by(records.c.id)
    )
    found = {row.id: row for row in conn.execute(query.with_for_update(of=records) if lock else query)}
    chosen: list[Any] = []
    skipped: dict[str, str] = {}
    delivered = asked = 0
    for record_id in dict.fromkeys(ids):
        row = found.get(record_id)
        why = _why_not(row)
        if row is not None and row.order_key is not None and trigger is Trigger.RESEND:
            why = _out_of_order(conn, row, ids, why)
        if row is not None and row.state in DELIVERED:
            delivered += 1
            if not delivered_too:
                why = DELIVERED_ALREADY if trigger is Trigger.RESEND else DELIVERED_MEANWHILE
        if row is not None and row.state is RecordState.UNKNOWN and row.next_at:
            asked += 1
            if not asked_too:
                why = BEING_ASKED
        if why:
            skipped[record_id] = why
        else:
            chosen.append(row)
    return _Chosen(chosen, skipped, delivered, asked)


def _out_of_order(conn: Connection, row: Any, ids: Sequence[str], why: str) -> str:
    """Return why a record of an environment that orders cannot be resent now: the one that goes first, else `why`.

    A job sends its records in the order they arrived, and what comes too early waits.
    """
    if why and row.hold_reason is not HoldReason.ORDER:
        return why
    earlier = goes_first(conn, row.id, ids)
    return (
        why if earlier is None else f"{earlier.id} of the same key goes first, and is {earlier.state.value}"
    )


def _why_not(row: Any) -> str:
    if row is None:
        return "there is no such record"
    return can_resend(row.state) or ("" if row.has_body else BODY_GONE)


def resendable(query: RecordQuery) -> RecordQuery:
    """Narrow a filter to the states that a resend of everything touches."""
    states = tuple(
        state
        for state in RecordState
        if state in RESEND_ALL_STATES and (not query.states or state in query.states)
    )
    return replace(query, states=states)


def next_ids(conn: Connection, query: RecordQuery, last: str, *, after: str, limit: int) -> list[str]:
    """Return the ids of the next records that a resend of everything touches, in order, up to `last`."""
    if not query.states:
        return []
    found = ranges(conn, query)
    params = {**found.params, "after_id": after, "last_id": last, "most": limit}
    ids = {
        each
        for statement in next_statements(found)
        for each in conn.execute(text(statement), params).scalars()
    }
    return sorted(ids)[:limit]


def tried_since(conn: Connection, ids: Sequence[str], since: datetime) -> set[str]:
    """Return those of these records whose last attempt began or ended after a time, also where it had begun before."""
    found = conn.execute(
        select(records.c.id)
        .outerjoin(
            attempts, and_(attempts.c.record_id == records.c.id, attempts.c.id == records.c.attempt_id)
        )
        .where(records.c.id.in_(ids), or_(records.c.last_attempt_at > since, attempts.c.finished_at > since))
    )
    return set(found.scalars())


def next_statements(found: Ranges) -> list[str]:
    """Return the SQL of `next_ids`, one statement for each range; a test reads their plans."""
    return [
        f"SELECT id FROM records WHERE {condition} AND id > :after_id AND id <= :last_id ORDER BY id LIMIT :most"  # noqa: S608 - our own text; values are parameters
        for condition in found.conditions
    ]
