"""Records wait while their environment holds them, and go on afterwards, a few at a time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, text, update

from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.store import ledger
from healthdesk.store.schema import DUE, HELD, records

RELEASABLE = (HoldReason.PAUSED, HoldReason.CONNECTION, HoldReason.CIRCUIT)
"""Reasons that end with what holds the environment. A record that waits for another of its key waits for that one."""


def hold_some(
    conn: Connection, integration_id: str, environment: Environment, reason: HoldReason, limit: int
) -> int:
    """Make up to `limit` records of an environment wait for `reason`; return how many changed.

    Queued and retrying ones come first, then those that are held already and still name another reason.
    """
    held = _move_some(
        conn,
        integration_id,
        environment,
        text(DUE),
        records.c.next_at,
        {"state": RecordState.HELD, "hold_reason": reason, "next_at": None},
        limit,
    )
    return held + _give_reason_to_some(conn, integration_id, environment, reason, limit - held)


def _give_reason_to_some(
    conn: Connection, integration_id: str, environment: Environment, reason: HoldReason, limit: int
) -> int:
    """Let held records say what holds them now; their state, and so the ledger, stays.

    Those that wait for another of their key keep saying so. It asks for one past reason at a time: asked for more,
    SQLite goes through every held record.
    """
    given = 0
    for past in RELEASABLE:
        if past is reason or given == limit:
            continue
        picked = conn.scalars(
            select(records.c.id)
            .where(
                records.c.integration_id == integration_id,
                records.c.environment == environment,
                text(HELD),
                records.c.hold_reason == past,
            )
            .limit(limit - given)
            .with_for_update(skip_locked=True)
        ).all()
        if picked:
            conn.execute(update(records).where(records.c.id.in_(picked)).values(hold_reason=reason))
        given += len(picked)
    return given


def release_some(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    now: datetime,
    limit: int,
    *,
    ordered: bool = False,
) -> int:
    """Queue up to `limit` held records of an environment, due now, oldest first; return how many.

    Where the environment is `ordered`, those that wait for another of their key stay, and what is left is taken reason by
    reason: each is a range of the index, however many wait.
    """
    queued: dict[str, object] = {"state": RecordState.QUEUED, "hold_reason": None, "next_at": now}
    held = records.c.state == RecordState.HELD
    if not ordered:
        return _move_some(conn, integration_id, environment, held, records.c.id, queued, limit)
    moved = 0
    for reason in RELEASABLE:
        this = and_(text(HELD), records.c.hold_reason == reason)
        moved += _move_some(conn, integration_id, environment, this, records.c.id, queued, limit - moved)
        if moved == limit:
            break
    return moved


def _move_some(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    condition: ColumnElement[bool] | object,
    order: ColumnElement[object],
    values: dict[str, object],
    limit: int,
) -> int:
    picked = conn.execute(
        select(records.c.id, records.c.state)
        .where(
            records.c.integration_id == integration_id,
            records.c.environment == environment,
            condition,  # type: ignore[arg-type]
        )
        .order_by(order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not picked:
        return 0
    conn.execute(update(records).where(records.c.id.in_([row.id for row in picked])).values(values))
    deltas = ledger.Deltas()
    for state, number in Counter(row.state for row in picked).items():
        deltas.moved(integration_id, environment, state, RecordState(str(values["state"])), number)
    ledger.apply(conn, deltas)
    return len(picked)
