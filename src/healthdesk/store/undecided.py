"""Records whose outcome is not known yet: awaited receipts, and endpoints that are asked what became of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, func, select, text

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import AttemptOutcome, Environment, RecordEventKind, RecordState, Trigger
from healthdesk.store import ledger, ordering, record_events
from healthdesk.store.folding import Folding
from healthdesk.store.gathered import HOLDS_UP
from healthdesk.store.rows import Carried, Outcome, Settlement, UndecidedRow
from healthdesk.store.schema import RENAMED, SENT_AS, UNDECIDED, attempts, records
from healthdesk.store.schema import record_events as event_table
from healthdesk.store.schema_setup import environments, sources
from healthdesk.store.scope import missing


def due(conn: Connection, now: datetime) -> list[tuple[RecordState, str, Environment]]:
    """Return the states and environments that have undecided records due: one look into the index for each."""
    found: list[tuple[RecordState, str, Environment]] = []
    for state in (RecordState.AWAITING_RECEIPT, RecordState.UNKNOWN):
        is_due = (
            select(records.c.id)
            .where(
                records.c.integration_id == environments.c.integration_id,
                records.c.environment == environments.c.environment,
                records.c.state == state,
                text("records." + UNDECIDED),
                records.c.next_at <= now,
            )
            .exists()
        )
        places = select(environments.c.integration_id, environments.c.environment).where(is_due)
        found += [(state, row.integration_id, row.environment) for row in conn.execute(places)]
    return found


def passed(
    conn: Connection, integration_id: str, environment: Environment, now: datetime, limit: int
) -> list[UndecidedRow]:
    """Return records of an environment whose receipt did not come in time, those that waited longest first."""
    return _rows(
        conn,
        _due(integration_id, environment, RecordState.AWAITING_RECEIPT, now).limit(limit),
        asked=False,
    )


def take_to_ask(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    now: datetime,
    until: datetime,
    limit: int,
) -> list[UndecidedRow]:
    """Take records whose endpoint is to be asked now; no other daemon asks for them before `until`."""
    found = conn.execute(
        _due(integration_id, environment, RecordState.UNKNOWN, now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(found.scalars())
    if not ids:
        return []
    conn.execute(sa.update(records).where(records.c.id.in_(ids)).values(next_at=until))
    return _rows(conn, ids, asked=True)


def get(conn: Connection, record_id: str) -> UndecidedRow:
    """Return one record, whatever its state, or raise NotFound."""
    found = _rows(conn, [record_id], asked=True)
    if not found:
        raise missing("record", record_id)
    return found[0]


def find(conn: Connection, integration_id: str, webhook_id: str) -> UndecidedRow | None:
    """Return and lock the record of an integration that is or was sent under a webhook-id.

    A record's first webhook-id is its own id; a further one is given by a resend, and its attempts keep those before.
    """
    sent_as = select(attempts.c.record_id).where(attempts.c.webhook_id == webhook_id, text(SENT_AS))
    for condition in (
        records.c.id == webhook_id,
        sa.and_(records.c.webhook_id == webhook_id, text(RENAMED)),
        records.c.id.in_(sent_as),
    ):
        found = conn.execute(
            select(records.c.id)
            .where(condition, records.c.integration_id == integration_id)
            .order_by(records.c.id)
            .limit(1)
            .with_for_update()
        ).scalar_one_or_none()
        if found is not None:
            return _rows(conn, [found], asked=False)[0]
    return None


def carry_out(conn: Connection, outcomes: Sequence[Outcome], now: datetime) -> Carried:
    """Let records become what was decided of them, as long as they are what they were: one that was settled, resent or
    decided meanwhile stays. Failures join problems, and what is not held up any more leaves its own. Records that waited
    for one of them in the order of their key are queued with it.
    """
    ids = [each.record.id for each in outcomes]
    current = {
        row.id: row
        for row in conn.execute(
            select(
                records.c.id,
                records.c.state,
                records.c.attempt_id,
                records.c.problem_id,
                records.c.order_key,
            )
            .where(records.c.id.in_(ids))
            .order_by(records.c.id)
            .with_for_update()
        )
    }
    valid = []
    for outcome in outcomes:
        row = current.pop(outcome.record.id, None)
        if row is not None and (row.state, row.attempt_id) == (
            outcome.record.state,
            outcome.record.attempt_id,
        ):
            valid.append((outcome, row))
    folding, deltas = Folding(conn, now), ledger.Deltas()
    for outcome, row in valid:
        stays = outcome.decision.failure is None and row.problem_id is not None
        if outcome.decision.state not in HOLDS_UP or (outcome.problem is not None and not stays):
            folding.note(_settlement(outcome, now), row.problem_id)
    problem_ids = folding.fold()
    again: set[tuple[str, Environment]] = set()
    ordered: dict[tuple[str, Environment], set[str]] = {}
    for outcome, row in valid:
        record, decision = outcome.record, outcome.decision
        values = _values(decision.state, decision.next_at, decision.failure)
        values["problem_id"] = problem_ids.get(record.id, row.problem_id)
        conn.execute(sa.update(records).where(records.c.id == record.id).values(values))
        record_events.add(conn, record.id, outcome.event, now, decision.sentence, outcome.by, outcome.detail)
        deltas.moved(record.integration_id, record.environment, record.state, decision.state)
        place = (record.integration_id, record.environment)
        if decision.state is RecordState.RETRYING:
            again.add(place)
        if row.order_key is not None:
            ordered.setdefault(place, set()).add(row.order_key)
    for place, keys in sorted(ordered.items()):
        if ordering.after_decided(conn, *place, keys, now, deltas):
            again.add(place)
    changes = folding.finish()
    ledger.apply(conn, deltas)
    return Carried(
        tuple(outcome.record.id for outcome, _ in valid),
        tuple(sorted(again)),
        changes.problems_changed,
        changes.alerts_queued,
    )


def _values(state: RecordState, next_at: datetime | None, failure: Failure | None) -> dict[str, Any]:
    values: dict[str, Any] = {"state": state, "next_at": next_at, "hold_reason": None}
    if failure is not None:
        values |= {"error_kind": failure.kind, "error": failure.sentence}
    elif state is RecordState.DELIVERED:
        values |= {"error_kind": "", "error": ""}
    if state is RecordState.RETRYING:
        values |= {"next_trigger": Trigger.RETRY, "triggered_by": ""}
    return values


def _settlement(outcome: Outcome, now: datetime) -> Settlement:
    """Return an outcome as problems take it in: as if the record's last attempt had ended so."""
    record, decision = outcome.record, outcome.decision
    return Settlement(
        attempt_id=record.attempt_id or "",
        record_id=record.id,
        integration_id=record.integration_id,
        environment=record.environment,
        outcome=AttemptOutcome.UNKNOWN,
        state=decision.state,
        next_at=decision.next_at,
        finished_at=now,
        exchange=None,
        failure=decision.failure,
        problem=outcome.problem,
        tries=record.tries,
    )


def _due(integration_id: str, environment: Environment, state: RecordState, now: datetime) -> sa.Select[Any]:
    return (
        select(records.c.id)
        .where(
            text(UNDECIDED),
            records.c.next_at <= now,
            records.c.state == state,
            records.c.integration_id == integration_id,
            records.c.environment == environment,
        )
        .order_by(records.c.next_at, records.c.id)
    )


def _rows(conn: Connection, ids: Sequence[str] | sa.Select[Any], *, asked: bool) -> list[UndecidedRow]:
    wanted = list(conn.execute(ids).scalars()) if isinstance(ids, sa.Select) else list(ids)
    found = {
        row.id: UndecidedRow(
            id=row.id,
            webhook_id=row.webhook_id,
            integration_id=row.integration_id,
            environment=row.environment,
            state=row.state,
            attempt_id=row.attempt_id,
            tries=row.tries,
            attempts=row.attempts,
            last_attempt_at=row.last_attempt_at,
            error_kind=row.error_kind,
            problem_id=row.problem_id,
            source=row.source_key or "",
            level=row.level,
            completed_at=row.completed_at,
            fix_id=row.fix_id,
            sample=row.sample,
        )
        for row in conn.execute(
            select(records, sources.c.key.label("source_key"))
            .outerjoin(sources, sources.c.id == records.c.source_id)
            .where(records.c.id.in_(wanted))
        )
    }
    rows = [found[record_id] for record_id in wanted if record_id in found]
    return [replace(row, asked=_asked(conn, row)) for row in rows] if asked else rows


def _asked(conn: Connection, row: UndecidedRow) -> int:
    """Count how often the endpoint was asked by itself, not by an operator, since the last attempt."""
    since = event_table.c.at >= row.last_attempt_at if row.last_attempt_at is not None else sa.true()
    return conn.execute(
        select(func.count())
        .select_from(event_table)
        .where(
            event_table.c.record_id == row.id,
            event_table.c.kind == RecordEventKind.LOOKED_UP,
            event_table.c.done_by == "",
            since,
        )
    ).scalar_one()
