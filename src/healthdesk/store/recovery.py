"""What is due, and what a dead daemon left behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, text, update

from healthdesk.domain.states import (
    AttemptOutcome,
    Blame,
    Environment,
    ErrorKind,
    OnUnknown,
    RecordState,
    Trigger,
)
from healthdesk.domain.transitions import after_interruption
from healthdesk.store import daemons, ledger
from healthdesk.store.schema import DUE, SENDING, attempts, records
from healthdesk.store.schema_setup import environments

INTERRUPTED = "The daemon stopped while this was being sent: whether it arrived is not known."
NOT_BEGUN = "The daemon stopped before this was sent: its turn had not come."
SENT_AGAIN = " It is sent again with the same webhook-id."
ASKED = " The endpoint is asked."
NEXT_ACTION = "Ask the endpoint's owner whether it arrived; resend it if not."


def due_environments(conn: Connection, now: datetime) -> list[tuple[str, Environment]]:
    """Return the environments that have records due: one look into the index for each."""
    due = (
        select(records.c.id)
        .where(
            records.c.integration_id == environments.c.integration_id,
            records.c.environment == environments.c.environment,
            text("records." + DUE),
            records.c.next_at <= now,
        )
        .exists()
    )
    found = conn.execute(select(environments.c.integration_id, environments.c.environment).where(due))
    return [(row.integration_id, row.environment) for row in found]


def next_due(conn: Connection, integration_id: str, environment: Environment) -> datetime | None:
    """Return when the next record of an environment is due."""
    due_at: datetime | None = conn.execute(
        select(records.c.next_at)
        .where(
            records.c.integration_id == integration_id,
            records.c.environment == environment,
            text(DUE),
            records.c.next_at.is_not(None),
        )
        .order_by(records.c.next_at)
        .limit(1)
    ).scalar_one_or_none()
    return due_at


def recover_interrupted(
    conn: Connection, now: datetime, *, daemon_id: str, others_are_dead: bool, limit: int
) -> int:
    """Take up attempts that dead daemons left: those whose lease ran out, or all but `daemon_id`.

    The attempt says interrupted; its record is queued again or unknown, as the integration wants. What was claimed and
    had not begun is queued again in any case.
    Returns how many; call again while that is `limit`.
    """
    owners = conn.execute(select(attempts.c.daemon_id).where(text(SENDING)).distinct()).scalars().all()
    dead = daemons.dead(conn, now, owners, mine=daemon_id, others_are_dead=others_are_dead)
    picked = _interrupted(conn, dead, limit) if dead else []
    if picked:
        _take_up(conn, picked, now)
    if len(picked) < limit:
        shards = ledger.shards(conn)
        gone = daemons.dead(conn, now, shards, mine=daemon_id, others_are_dead=others_are_dead)
        if gone:
            ledger.fold(conn, gone)
    return len(picked)


def open_attempts(conn: Connection, daemon_id: str, before: datetime) -> list[str]:
    """Return ids of attempts of a daemon that were begun before a time and are without a result."""
    found = conn.execute(
        select(attempts.c.id).where(
            text(SENDING), attempts.c.daemon_id == daemon_id, attempts.c.started_at < before
        )
    )
    return list(found.scalars())


def recover_lost(
    conn: Connection, now: datetime, *, daemon_id: str, known: frozenset[str], limit: int
) -> int:
    """Take up open attempts of this daemon that it does not know of: a commit that it was not told of, or a fault.

    Returns how many; call again while that is `limit`.
    """
    picked = _interrupted(conn, [daemon_id], limit, known)
    if picked:
        _take_up(conn, picked, now)
    return len(picked)


def _interrupted(
    conn: Connection, dead: list[str], limit: int, known: frozenset[str] = frozenset()
) -> list[Any]:
    """Return and lock open attempts of dead daemons, with their records where these are still in them."""
    open_attempts = conn.execute(
        select(attempts.c.record_id, attempts.c.id, attempts.c.begun)
        .where(text(SENDING), attempts.c.daemon_id.in_(dead), attempts.c.id.not_in(known))
        .order_by(attempts.c.record_id, attempts.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    by_id = {
        row.id: row
        for row in conn.execute(
            select(
                records.c.id,
                records.c.attempt_id,
                records.c.state,
                records.c.tries,
                records.c.integration_id,
                records.c.environment,
                func.coalesce(environments.c.on_unknown, OnUnknown.RESEND).label("on_unknown"),
                environments.c.delivery,
            )
            .outerjoin(
                environments,
                and_(
                    environments.c.integration_id == records.c.integration_id,
                    environments.c.environment == records.c.environment,
                ),
            )
            .where(records.c.id.in_([row.record_id for row in open_attempts]))
            .order_by(records.c.id)
            .with_for_update(of=records)
        )
    }
    return [(row, by_id.get(row.record_id)) for row in open_attempts]


def _take_up(conn: Connection, picked: list[Any], now: datetime) -> None:
    deltas = ledger.Deltas()
    attempt_values: list[dict[str, Any]] = []
    record_values: list[dict[str, Any]] = []
    back_values: list[dict[str, Any]] = []
    for attempt, record in picked:
        again, follows = False, ""
        waited = attempt.begun is False
        if record is None or (record.state, record.attempt_id) != (RecordState.SENDING, attempt.id):
            pass  # it was settled, or taken up before
        elif waited:
            deltas.moved(record.integration_id, record.environment, RecordState.SENDING, RecordState.QUEUED)
            tries = max(0, record.tries - 1)
            back_values.append(
                {"the_id": record.id, "state": RecordState.QUEUED, "next_at": now, "tries": tries}
            )
        else:
            asks = (record.delivery or {}).get("lookup") is not None
            step = after_interruption(OnUnknown(record.on_unknown), now, asks=asks)
            again = step.next_at is not None
            follows = (ASKED if asks else SENT_AGAIN) if again else ""
            deltas.moved(record.integration_id, record.environment, RecordState.SENDING, step.state)
            record_values.append(
                {
                    "the_id": record.id,
                    "state": step.state,
                    "next_at": step.next_at,
                    "next_trigger": Trigger.RETRY,
                    "error_kind": ErrorKind.INTERRUPTED,
                    "error": INTERRUPTED + follows,
                    "last_status": None,
                    "last_duration_ms": None,
                }
            )
        attempt_values.append(
            {
                "the_record": attempt.record_id,
                "the_id": attempt.id,
                "outcome": AttemptOutcome.INTERRUPTED,
                "finished_at": now,
                "error_kind": ErrorKind.INTERRUPTED,
                "blame": Blame.US,
                "error": NOT_BEGUN if waited else INTERRUPTED + follows,
                "next_action": "" if again or waited else NEXT_ACTION,
            }
        )
    conn.execute(
        update(attempts).where(
            attempts.c.record_id == bindparam("the_record"), attempts.c.id == bindparam("the_id")
        ),
        attempt_values,
    )
    for values in (record_values, back_values):
        if values:
            conn.execute(update(records).where(records.c.id == bindparam("the_id")), values)
    ledger.apply(conn, deltas)
