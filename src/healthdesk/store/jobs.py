"""Jobs: shown, paused, resumed, cancelled, and who runs which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, func, select, text

from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.domain.job_watch import Watch
from healthdesk.errors import Conflict
from healthdesk.store import daemons
from healthdesk.store.paging import cut, paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_jobs import JobItemRow, JobRow
from healthdesk.store.schema import records
from healthdesk.store.schema_jobs import ACTIVE, job_records, jobs
from healthdesk.store.schema_setup import integrations, sources
from healthdesk.store.scope import missing, on_sqlite, scope_of

LEASE = timedelta(seconds=30)
"""A job whose daemon did not say for this long that it still runs it is taken over by another."""

_RESUMABLE = frozenset({JobState.PAUSED, JobState.STOPPED})
_ENDED = frozenset({JobState.DONE, JobState.CANCELLED})


def get(conn: Connection, job_id: str, *, lock: bool = False) -> JobRow:
    """Return a job, or raise NotFound. `lock` keeps it as it is until the transaction ends."""
    query = _select().where(jobs.c.id == job_id)
    found = conn.execute(query.with_for_update(of=jobs) if lock else query).one_or_none()
    if found is None:
        raise missing("job", job_id)
    return _job(found)


def locked(conn: Connection, job_id: str) -> bool:
    """Keep a job as it is until the transaction ends; False where it is gone."""
    query = select(jobs.c.id).where(jobs.c.id == job_id).with_for_update()
    return conn.execute(query).one_or_none() is not None


def page(
    conn: Connection, *, states: Sequence[JobState] = (), after: str | None = None, limit: int = 50
) -> PageRows[JobRow]:
    """Return jobs, the newest first."""
    query = _select()
    if states:
        query = query.where(jobs.c.state.in_(states))
    return paged(conn, query, jobs.c.id, _job, after=after, limit=limit, newest_first=True)


def _select() -> sa.Select[Any]:
    name = func.coalesce(integrations.c.name, "").label("integration_name")
    return select(jobs, name).outerjoin(integrations, integrations.c.id == jobs.c.integration_id)


def items(
    conn: Connection,
    job_id: str,
    *,
    states: Sequence[JobItemState] = (),
    after: str | None = None,
    limit: int = 50,
) -> PageRows[JobItemRow]:
    """Return what became of the records of a job, the oldest record first; `after` is a record's id."""
    query = select(job_records).where(job_records.c.job_id == job_id)
    if after is not None:
        query = query.where(job_records.c.record_id > after)
    # One look into the index for each state, since their entries are not sorted by record together.
    parts = [query.where(job_records.c.state == state) for state in states] or [query]
    rows = [
        row for part in parts for row in conn.execute(part.order_by(job_records.c.record_id).limit(limit + 1))
    ]
    rows = sorted(rows, key=lambda row: row.record_id)[: limit + 1]
    known = _known(conn, [row.record_id for row in rows])
    return cut([_item(row, known.get(row.record_id)) for row in rows], limit)


def _known(conn: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Return source and level of those records that are still kept, by id."""
    query = (
        select(records.c.id, records.c.level, sources.c.key, sources.c.name)
        .outerjoin(sources, sources.c.id == records.c.source_id)
        .where(records.c.id.in_(ids))
    )
    return {row.id: row for row in conn.execute(query)}


def pause(conn: Connection, job_id: str, *, by: str) -> JobRow:
    """Send nothing more of a job. Raises Conflict unless it is running and something of it is left."""
    job = get(conn, job_id, lock=True)
    if job.state is not JobState.RUNNING:
        raise Conflict(_not_now(job, "paused"), fix="" if job.state in _ENDED else "Try again once it runs")
    if not job.count(JobItemState.PENDING) and not job.count(JobItemState.SENT):
        raise Conflict("nothing of this job is left to pause")
    _change(conn, job_id, state=JobState.PAUSED, reason=f"paused by {by}", changed_by=by)
    return get(conn, job_id)


def resume(conn: Connection, job_id: str, *, by: str) -> JobRow:
    """Go on with a job at the stage it was at. Raises Conflict unless it was paused or stopped."""
    job = get(conn, job_id, lock=True)
    if job.state not in _RESUMABLE:
        raise Conflict(_not_now(job, "resumed"))
    watch = job.watch if job.state is JobState.PAUSED else job.watch.afresh()
    _change(conn, job_id, state=JobState.RUNNING, reason="", changed_by=by, watch=watch.to_json())
    return get(conn, job_id)


def cancel(conn: Connection, job_id: str, *, by: str, now: datetime) -> JobRow:
    """End a job: what was not sent is left as it is. Raises Conflict when it has ended."""
    job = get(conn, job_id, lock=True)
    if job.state in _ENDED:
        raise Conflict(_not_now(job, "cancelled"))
    if job.state is JobState.PREPARING:
        job = recount(conn, job_id)
    left = job.count(JobItemState.PENDING) + job.count(JobItemState.SENT)
    _change(
        conn,
        job_id,
        state=JobState.CANCELLED,
        reason=f"cancelled by {by}",
        changed_by=by,
        finished_at=None if left else now,
    )
    return get(conn, job_id)


def _not_now(job: JobRow, what: str) -> str:
    return f"this job is {job.state.value} and cannot be {what}"


def _change(conn: Connection, job_id: str, **values: Any) -> None:
    conn.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values))


def recount(conn: Connection, job_id: str) -> JobRow:
    """Count the records of a job that were written down: until then it has the numbers of its plan."""
    found = conn.execute(
        select(job_records.c.state, func.count().label("number"))
        .where(job_records.c.job_id == job_id)
        .group_by(job_records.c.state)
    ).all()
    counts = dict.fromkeys((state.value for state in JobItemState), 0)
    counts |= {row.state.value: row.number for row in found}
    _change(conn, job_id, total=sum(counts.values()), **counts)
    return get(conn, job_id)


def moved(conn: Connection, job_id: str, moves: Mapping[tuple[JobItemState, JobItemState], int]) -> None:
    """Count records of a job that went from one state to another."""
    deltas: Counter[str] = Counter()
    for (old, new), number in moves.items():
        deltas[old.value] -= number
        deltas[new.value] += number
    if any(deltas.values()):
        _change(conn, job_id, **{name: jobs.c[name] + number for name, number in deltas.items()})


def set_progress(conn: Connection, job_id: str, **values: Any) -> None:
    """Store what the runner decided of a job: its state, stage, reason, times, and what it has seen."""
    _change(conn, job_id, **values)


def active(conn: Connection) -> list[str]:
    """Return the ids of jobs for which there is something to do, the oldest first."""
    return list(conn.execute(active_statement()).scalars())


def active_statement() -> sa.Select[Any]:
    """Return the query of `active`; a test reads its plan."""
    return select(jobs.c.id).where(text(ACTIVE)).order_by(jobs.c.id)


def lease(conn: Connection, job_ids: Sequence[str], now: datetime) -> list[str]:
    """Take or keep the lease of these jobs; return those that are this daemon's now.

    What a daemon that is gone had is taken at once; on SQLite every other one is gone.
    """
    mine = scope_of(conn).daemon_id
    found = conn.execute(
        select(jobs.c.id, jobs.c.lease_owner, jobs.c.lease_until)
        .where(jobs.c.id.in_(job_ids))
        .order_by(jobs.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    owners = [row.lease_owner for row in found if row.lease_owner is not None]
    gone = daemons.dead(conn, now, owners, mine=mine, others_are_dead=on_sqlite(conn))
    free = [
        row.id
        for row in found
        if row.lease_owner in {None, mine}
        or row.lease_owner in gone
        or row.lease_until is None
        or row.lease_until <= now
    ]
    if free:
        conn.execute(
            sa.update(jobs).where(jobs.c.id.in_(free)).values(lease_owner=mine, lease_until=now + LEASE)
        )
    return free


def leased(conn: Connection, job_id: str) -> JobRow | None:
    """Lock a job for a step of the runner; None when it is gone or another daemon's."""
    row = conn.execute(_select().where(jobs.c.id == job_id).with_for_update(of=jobs)).one_or_none()
    return None if row is None or row.lease_owner != scope_of(conn).daemon_id else _job(row)


def delete_old(conn: Connection, now: datetime, *, keep: timedelta, limit: int) -> int:
    """Delete up to `limit` records of jobs that ended before `keep` ago, then the jobs; return how many rows went."""
    old = conn.execute(
        select(jobs.c.id)
        .where(jobs.c.finished_at < now - keep, text(f"NOT {ACTIVE}"))
        .order_by(jobs.c.id)
        .limit(1)
    ).scalar_one_or_none()
    if old is None:
        return 0
    ids = conn.execute(
        select(job_records.c.record_id).where(job_records.c.job_id == old).limit(limit)
    ).scalars()
    gone = list(ids)
    if gone:
        conn.execute(
            sa.delete(job_records).where(job_records.c.job_id == old, job_records.c.record_id.in_(gone))
        )
        return len(gone)
    conn.execute(sa.delete(jobs).where(jobs.c.id == old))
    return 1


def _job(row: Any) -> JobRow:
    return JobRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        stage=row.stage,
        title=row.title,
        integration_id=row.integration_id,
        integration_name=row.integration_name,
        environment=row.environment,
        total=row.total,
        counts={state: getattr(row, state.value) for state in JobItemState},
        reason=row.reason,
        careful=row.careful,
        rate_per_s=row.rate_per_s,
        filter=row.filter or None,
        plan=row.plan or None,
        fix_id=row.fix_id,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_by=row.changed_by or "",
        started_at=row.started_at,
        finished_at=row.finished_at,
        watch=Watch.from_json(row.watch),
    )


def _item(row: Any, record: Any) -> JobItemRow:
    return JobItemRow(
        record_id=row.record_id,
        state=row.state,
        attempt_id=row.attempt_id,
        status=row.status,
        error_kind=row.error_kind,
        detail=row.detail,
        finished_at=row.finished_at,
        source=(record and record.key) or "",
        source_name=(record and record.name) or "",
        level=record.level if record else None,
    )
