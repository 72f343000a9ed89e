"""What a job sends next: its pending records are queued, those that need not be sent any more skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, select, text

from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import Environment, Trigger
from healthdesk.store import fixes
from healthdesk.store.job_holds import hinted
from healthdesk.store.resending import again
from healthdesk.store.rows_jobs import JobRow, Place, Search
from healthdesk.store.schema import records
from healthdesk.store.schema_jobs import SENT, job_records

Moves = Counter[tuple[JobItemState, JobItemState]]
"""How many records of a job went from one state to another."""

ROUNDS = 20
"""How often one step looks for records to send where those it found need not be sent any more."""

FIRST_OF_EACH = """
    SELECT r.integration_id, r.environment, min(i.record_id) AS record_id
    FROM job_records i{hint} LEFT JOIN records r ON r.id = i.record_id
    WHERE i.job_id = :job AND i.state = 'pending' GROUP BY r.integration_id, r.environment
"""
NEXT_OF_ONE = """
    SELECT i.record_id FROM job_records i{hint} CROSS JOIN records r
    WHERE i.job_id = :job AND i.state = 'pending' AND i.record_id >= :start
    AND r.id = i.record_id AND r.integration_id = :integration AND r.environment = :environment
    ORDER BY i.record_id LIMIT :limit
"""
"""SQLite takes the tables of a CROSS JOIN in their order: the job's records in theirs, whichever there are of others."""
NEXT_GONE = """
    SELECT i.record_id FROM job_records i{hint} LEFT JOIN records r ON r.id = i.record_id
    WHERE i.job_id = :job AND i.state = 'pending' AND i.record_id >= :start AND r.id IS NULL
    ORDER BY i.record_id LIMIT :limit
"""

FIXED = "What is sent of it was changed, together with others."


def search_of(conn: Connection, job: JobRow) -> Search:
    """Return where the records that a job has left begin, by environment. Without one in its filter it reads them all."""
    if job.place is not None:
        return Search({job.place: ""})
    rows = conn.execute(text(hinted(conn, FIRST_OF_EACH)), {"job": job.id})
    return Search(
        {
            None if row.integration_id is None else (row.integration_id, Environment(row.environment)): row.record_id
            for row in rows
        }
    )  # fmt: skip


def queue(
    conn: Connection,
    job: JobRow,
    number: int,
    rooms: Mapping[Place | None, int],
    now: datetime,
    woken: set[Place],
    search: Search,
) -> tuple[Moves, Search]:
    """Queue the next `number` records of a job, of each environment as many as it has room for and of no other; those
    that need not be sent any more are skipped, and others sent for them.

    Return where to look on next time.
    """
    moves: Moves = Counter()
    left = Counter(dict(rooms))
    for _ in range(ROUNDS):
        places, search = _next(conn, job, number, left, search)
        if not places:
            break
        ids = list(places)
        elsewhere = _in_other_jobs(conn, job.id, ids)
        row, sent = again(
            conn,
            [each for each in ids if each not in elsewhere],
            by=job.id,
            now=now,
            trigger=Trigger.JOB,
        )
        if job.fix_id is not None:
            fixed = fixes.still_needed(conn, sent, job.fix_id)
            fixes.put_in_force(conn, fixed, job.fix_id, at=now, by=job.created_by, sentence=FIXED)
        _mark(conn, job.id, sent, elsewhere | row.skipped, now)
        woken.update(row.environments)
        moves[JobItemState.PENDING, JobItemState.SENT] += len(sent)
        moves[JobItemState.PENDING, JobItemState.SKIPPED] += len(ids) - len(sent)
        left.subtract(places[each] for each in sent)
        number -= len(sent)
    return +moves, search


def _next(
    conn: Connection, job: JobRow, number: int, rooms: Mapping[Place | None, int], search: Search
) -> tuple[dict[str, Place | None], Search]:
    """Return the first `number` records of those that their environments have room for, in the order they arrived."""
    found: dict[str, Place | None] = {}
    starts = dict(search.starts)
    for place, start in search.starts.items():
        limit = min(number, rooms.get(place, 0))
        if limit <= 0:
            continue
        ids = _next_of(conn, job, place, start, limit)
        found |= dict.fromkeys(ids, place)
        if len(ids) < limit:
            del starts[place]
        else:
            starts[place] = ids[-1]
    chosen = dict(sorted(found.items())[: max(0, number)])
    for record_id in sorted(found.keys() - chosen.keys(), reverse=True):
        starts[found[record_id]] = record_id
    return chosen, Search(starts)


def _next_of(conn: Connection, job: JobRow, place: Place | None, start: str, limit: int) -> list[str]:
    if place is not None and place == job.place:
        return list(conn.execute(next_statement(job.id, limit, start)).scalars())
    params = {"job": job.id, "start": start, "limit": limit}
    if place is None:
        return list(conn.execute(text(hinted(conn, NEXT_GONE)), params).scalars())
    params |= {"integration": place[0], "environment": place[1].value}
    return list(conn.execute(text(hinted(conn, NEXT_OF_ONE)), params).scalars())


def next_statement(job_id: str, limit: int, start: str = "") -> sa.Select[Any]:
    """Return the query of a job's next records whatever they are of, in the order they arrived; a test reads its plan."""
    return (
        select(job_records.c.record_id)
        .where(
            job_records.c.job_id == job_id,
            job_records.c.state == JobItemState.PENDING,
            job_records.c.record_id >= start,
        )
        .order_by(job_records.c.record_id)
        .limit(limit)
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
    skip(conn, job_id, skipped, now)


def skip(conn: Connection, job_id: str, skipped: Mapping[str, str], now: datetime) -> None:
    """Note of records of a job, by id, why they are not sent; the counts are moved apart from it."""
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
