"""What a job sends next: its pending records are queued, those that need not be sent any more skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, select, text

from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import Trigger
from healthdesk.store import fixes
from healthdesk.store.resending import again
from healthdesk.store.rows_jobs import JobRow, Place, Search
from healthdesk.store.schema import records
from healthdesk.store.schema_jobs import SENT, job_records

ALL = Search()
Moves = Counter[tuple[JobItemState, JobItemState]]
"""How many records of a job went from one state to another."""

ROUNDS = 20
"""How often one step looks for records to send where those it found need not be sent any more."""

NONE_LEFT = "~"
"""Where to look for records that can leave once none was found: behind the last one."""

FIXED = "What is sent of it was changed, together with others."


def queue(
    conn: Connection,
    job: JobRow,
    number: int,
    now: datetime,
    places: set[Place],
    search: Search = ALL,
) -> tuple[Moves, Search]:
    """Queue the next records of a job; those that need not be sent any more are skipped, and others sent for them.

    Return where to look on next time.
    """
    moves: Moves = Counter()
    for _ in range(ROUNDS):
        if number <= 0:
            break
        ids = list(conn.execute(next_statement(job.id, number, search)).scalars())
        search = replace(search, start=ids[0] if ids else NONE_LEFT)
        if not ids:
            break
        elsewhere = _in_other_jobs(conn, job.id, ids)
        row, sent = again(
            conn,
            [each for each in ids if each not in elsewhere],
            by=job.id,
            now=now,
            trigger=Trigger.JOB,
            delivered_too=False,
        )
        if job.fix_id is not None:
            fixed = fixes.still_needed(conn, sent, job.fix_id)
            fixes.put_in_force(conn, fixed, job.fix_id, at=now, by=job.created_by, sentence=FIXED)
        _mark(conn, job.id, sent, elsewhere | row.skipped, now)
        places.update(row.environments)
        moves[JobItemState.PENDING, JobItemState.SENT] += len(sent)
        moves[JobItemState.PENDING, JobItemState.SKIPPED] += len(ids) - len(sent)
        number -= len(sent)
    return +moves, search


def next_statement(job_id: str, limit: int, search: Search = ALL) -> sa.Select[Any]:
    """Return the query of the records that a job sends next, in the order they arrived; a test reads its plan."""
    query = (
        select(job_records.c.record_id)
        .where(job_records.c.job_id == job_id, job_records.c.state == JobItemState.PENDING)
        .order_by(job_records.c.record_id)
        .limit(limit)
    )
    if not search.skipped:
        return query
    place = sa.tuple_(records.c.integration_id, records.c.environment)
    return query.outerjoin_from(job_records, records, records.c.id == job_records.c.record_id).where(
        job_records.c.record_id >= search.start,
        sa.or_(records.c.id.is_(None), place.not_in(sorted(search.skipped))),
    )


def _in_other_jobs(conn: Connection, job_id: str, ids: Sequence[str]) -> dict[str, str]:
    found = conn.execute(
        select(job_records.c.record_id, job_records.c.job_id).where(
            text(SENT), job_records.c.record_id.in_(ids), job_records.c.job_id != job_id
        )
    )
    return {row.record_id: f"it is being sent by {row.job_id}" for row in found}


def _mark(
    conn: Connection, job_id: str, sent: Sequence[str], skipped: Mapping[str, str], now: datetime
) -> None:
    """Note how many attempts each record has had when it is sent: what comes after is the job's."""
    if sent:
        had = select(records.c.attempts).where(records.c.id == job_records.c.record_id).scalar_subquery()
        conn.execute(
            sa.update(job_records)
            .where(job_records.c.job_id == job_id, job_records.c.record_id.in_(sent))
            .values(state=JobItemState.SENT, attempts=had)
        )
    if skipped:
        conn.execute(
            sa.update(job_records)
            .where(job_records.c.job_id == job_id, job_records.c.record_id == bindparam("the_record"))
            .values(state=JobItemState.SKIPPED, finished_at=now),
            [{"the_record": each, "detail": why} for each, why in skipped.items()],
        )


def cancel_some(conn: Connection, job_id: str, now: datetime, *, limit: int) -> int:
    """Cancel the next records of a cancelled job, and return how many."""
    ids = list(conn.execute(next_statement(job_id, limit)).scalars())
    conn.execute(
        sa.update(job_records)
        .where(job_records.c.job_id == job_id, job_records.c.record_id.in_(ids))
        .values(state=JobItemState.CANCELLED, finished_at=now)
    )
    return len(ids)
