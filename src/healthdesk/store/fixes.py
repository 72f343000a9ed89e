"""Fixes: what is sent instead of what was posted. The original stays with its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import Environment, RecordEventKind, RecordState
from healthdesk.store import record_events
from healthdesk.store.rows_fixes import FixRow
from healthdesk.store.schema import HAS_BODY, records
from healthdesk.store.schema import record_events as events
from healthdesk.store.schema_jobs import fixes, jobs
from healthdesk.store.schema_setup import environments
from healthdesk.store.scope import missing

PREFIX = "fix"
MOST_OF_A_RECORD = 100
SENT_AGAIN = (
    RecordState.QUEUED,
    RecordState.SENDING,
    RecordState.AWAITING_RECEIPT,
    RecordState.RETRYING,
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.HELD,
)
"""States of records that may be sent again by themselves or as failed ones. Attempts have a `fix_id` of their own."""


def insert(conn: Connection, row: FixRow) -> None:
    """Keep a fix. It is in force nowhere yet."""
    conn.execute(
        sa.insert(fixes).values(
            id=row.id,
            at=row.at,
            made_by=row.made_by,
            record_id=row.record_id,
            problem_id=row.problem_id,
            body=row.body,
            content_type=row.content_type,
            headers=dict(row.headers),
            mapping=[dict(step) for step in row.mapping],
            note=row.note,
        )
    )


def get(conn: Connection, fix_id: str) -> FixRow:
    """Return a fix, or raise NotFound."""
    row = conn.execute(select(fixes).where(fixes.c.id == fix_id)).one_or_none()
    if row is None:
        raise missing("fix", fix_id)
    return _fix(row)


def of_record(conn: Connection, record_id: str) -> list[FixRow]:
    """Return the fixes that were ever in force on a record, the newest of them, oldest first."""
    shared = [
        detail["fix_id"]
        for detail in conn.execute(
            select(events.c.detail)
            .where(events.c.record_id == record_id, events.c.kind == RecordEventKind.FIXED)
            .order_by(events.c.id.desc())
            .limit(MOST_OF_A_RECORD)
        ).scalars()
        if detail.get("fix_id")
    ]
    found = conn.execute(
        select(fixes)
        .where((fixes.c.record_id == record_id) | fixes.c.id.in_(shared))
        .order_by(fixes.c.id.desc())
        .limit(MOST_OF_A_RECORD)
    )
    return [_fix(row) for row in reversed(found.all())]


def lock(conn: Connection, record_id: str) -> tuple[RecordState, str | None, bool]:
    """Lock a record that is to be fixed: its state, the fix in force, and whether its body is kept. Raises NotFound."""
    row = conn.execute(
        select(
            records.c.state,
            records.c.fix_id,
            HAS_BODY,
        )
        .where(records.c.id == record_id)
        .with_for_update(of=records)
    ).one_or_none()
    if row is None:
        raise missing("record", record_id)
    return row.state, row.fix_id, bool(row.has_body)


def put_in_force(
    conn: Connection, record_ids: Sequence[str], fix_id: str, *, at: datetime, by: str, sentence: str
) -> None:
    """Let these records be sent as a fix says from now on, and keep with each that it was fixed."""
    if not record_ids:
        return
    conn.execute(sa.update(records).where(records.c.id.in_(record_ids)).values(fix_id=fix_id))
    told = [(record_id, sentence, {"fix_id": fix_id}) for record_id in record_ids]
    record_events.add_all(conn, RecordEventKind.FIXED, at, told, by)


def take_back(conn: Connection, record_id: str, fix_id: str, *, at: datetime, by: str) -> None:
    """Let a record be sent as it was posted again."""
    conn.execute(sa.update(records).where(records.c.id == record_id).values(fix_id=None))
    record_events.add(
        conn,
        record_id,
        RecordEventKind.UNFIXED,
        at,
        "The fix was taken back: it is sent as it was posted.",
        by,
        {"fix_id": fix_id},
    )


def note_saved(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    had: Sequence[Mapping[str, Any]],
    has: Sequence[Mapping[str, Any]],
) -> None:
    """Keep with fixes whose steps a mapping `has` and had not before that they are in force there by it, for good.

    Whatever becomes of the mapping afterwards is meant for their records, too: those delivered already as well, and
    those that a job has still to put a fix on.
    """
    if list(has) == list(had):
        return
    place = [integration_id, environment.value]
    of_records = select(records.c.fix_id).where(
        records.c.integration_id == integration_id,
        records.c.environment == environment,
        records.c.fix_id.is_not(None),
    )
    of_jobs = select(jobs.c.fix_id).where(jobs.c.fix_id.is_not(None))
    found = conn.execute(
        select(fixes.c.id, fixes.c.mapping, fixes.c.saved_in).where(
            fixes.c.body.is_(None), fixes.c.id.in_(of_records) | fixes.c.id.in_(of_jobs)
        )
    ).all()
    for row in found:
        if place not in row.saved_in and _has_run(has, row.mapping) and not _has_run(had, row.mapping):
            saved_in = [*row.saved_in, place]
            conn.execute(sa.update(fixes).where(fixes.c.id == row.id).values(saved_in=saved_in))


def _has_run(steps: Sequence[Mapping[str, Any]], part: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether steps have these among them, one after the other."""
    count = len(part)
    return count > 0 and any(
        list(steps[at : at + count]) == list(part) for at in range(len(steps) - count + 1)
    )


def absorb(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    mapping: Sequence[Mapping[str, Any]],
    headers: Mapping[str, str],
    *,
    by: str,
    at: datetime,
) -> int:
    """Take back fixes that are nothing but steps and headers which the environment has from now on; return of how many.

    What was delivered stays as it is; `note_saved` sees to it that a resend carries the steps out once.
    """
    here = (
        records.c.integration_id == integration_id,
        records.c.environment == environment,
        records.c.state.in_(SENT_AGAIN),
        records.c.fix_id.is_not(None),
    )
    wanted = [dict(step) for step in mapping]
    alike = [
        row.id
        for row in conn.execute(
            select(fixes.c.id, fixes.c.mapping, fixes.c.headers, fixes.c.body).where(
                fixes.c.id.in_(select(records.c.fix_id).where(*here))
            )
        )
        if row.body is None and dict(row.headers) == dict(headers) and list(row.mapping) == wanted
    ]
    held_up = (*here, records.c.fix_id.in_(alike))
    taken = conn.execute(select(records.c.id, records.c.fix_id).where(*held_up).with_for_update()).all()
    if not taken:
        return 0
    conn.execute(sa.update(records).where(*held_up).values(fix_id=None))
    sentence = f"The fix is in the integration's {'headers' if not wanted else 'mapping'} now."
    told = [(row.id, sentence, {"fix_id": row.fix_id}) for row in taken]
    record_events.add_all(conn, RecordEventKind.UNFIXED, at, told, by)
    return len(taken)


def still_needed(conn: Connection, record_ids: Sequence[str], fix_id: str) -> list[str]:
    """Return which of these records a shared fix is still for: not those whose environment's mapping begins with it."""
    fix = conn.execute(select(fixes).where(fixes.c.id == fix_id)).one_or_none()
    if fix is None or fix.body is not None or fix.headers or not fix.mapping:
        return list(record_ids)
    steps = list(fix.mapping)
    found = conn.execute(
        select(records.c.id, environments.c.delivery)
        .join(
            environments,
            (environments.c.integration_id == records.c.integration_id)
            & (environments.c.environment == records.c.environment),
        )
        .where(records.c.id.in_(record_ids))
    )
    in_mapping = {row.id for row in found if row.delivery.get("mapping", [])[: len(steps)] == steps}
    return [each for each in record_ids if each not in in_mapping]


def of_problem(conn: Connection, problem_id: str, limit: int) -> list[str]:
    """Return ids of records that a problem holds up, failed ones and those that are tried again, newest first."""
    states = (RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRYING)
    return list(
        conn.execute(
            select(records.c.id)
            .where(records.c.problem_id == problem_id, records.c.state.in_(states))
            .order_by(records.c.id.desc())
            .limit(limit)
        ).scalars()
    )


def forget_bodies(conn: Connection, record_ids: Sequence[str]) -> None:
    """Delete what was sent instead of the bodies that retention deletes; that there was a fix stays."""
    conn.execute(
        sa.update(fixes)
        .where(fixes.c.record_id.in_(record_ids), fixes.c.body.is_not(None))
        .values(body=None, note="")
    )


def delete_of(conn: Connection, record_ids: Sequence[str]) -> None:
    """Delete the fixes made for records that retention deletes."""
    conn.execute(sa.delete(fixes).where(fixes.c.record_id.in_(record_ids)))


def delete_unused(conn: Connection, before: datetime, limit: int) -> int:
    """Delete shared fixes from before then that neither a record nor a job refers to; return how many."""
    used = select(records.c.id).where(records.c.fix_id == fixes.c.id).exists()
    of_job = select(jobs.c.id).where(jobs.c.fix_id == fixes.c.id).exists()
    unused = (
        select(fixes.c.id)
        .where(fixes.c.record_id.is_(None), fixes.c.at < before, ~used, ~of_job)
        .limit(limit)
    )
    ids = list(conn.execute(unused).scalars())
    if ids:
        conn.execute(sa.delete(fixes).where(fixes.c.id.in_(ids)))
    return len(ids)


def _fix(row: Any) -> FixRow:
    return FixRow(
        id=row.id,
        at=row.at,
        made_by=row.made_by,
        record_id=row.record_id,
        problem_id=row.problem_id,
        body=None if row.body is None else bytes(row.body),
        content_type=row.content_type,
        mapping=row.mapping,
        headers=row.headers,
        note=row.note,
    )
