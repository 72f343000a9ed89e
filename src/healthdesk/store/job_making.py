"""Jobs are made: over what a filter finds, which is written down later, or over records that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, func, select

from healthdesk.domain.job_states import JobItemState, JobStage, JobState
from healthdesk.domain.job_watch import Watch
from healthdesk.store import jobs
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_jobs import JobRow, NewJob
from healthdesk.store.schema import records
from healthdesk.store.schema_jobs import job_records
from healthdesk.store.schema_jobs import jobs as job_table

_QUERY = TypeAdapter(RecordQuery)
_LAST = "last_id"


def begin(conn: Connection, new: NewJob, expected: int) -> JobRow:
    """Store a job whose records are still to be written down, as its query finds them: `expected` of them."""
    _insert(conn, new, JobState.PREPARING, {JobItemState.PENDING: expected})
    return jobs.get(conn, new.id)


def create(conn: Connection, new: NewJob, record_ids: Sequence[str]) -> JobRow:
    """Store a running job over records that were just stored as queued: nothing is left to it but to follow them."""
    _insert(conn, new, JobState.RUNNING, {JobItemState.SENT: len(record_ids)})
    if record_ids:
        items = [{"job_id": new.id, "record_id": each, "state": JobItemState.SENT} for each in record_ids]
        conn.execute(sa.insert(job_records), items)
    return jobs.get(conn, new.id)


def _insert(conn: Connection, new: NewJob, state: JobState, counts: Mapping[JobItemState, int]) -> None:
    conn.execute(
        sa.insert(job_table).values(
            id=new.id,
            kind=new.kind,
            state=state,
            stage=JobStage.ONE if new.careful else JobStage.REST,
            title=new.title,
            integration_id=new.integration_id,
            environment=new.environment,
            filter=dict(new.filter),
            query=None if new.query is None else _stored(conn, new.query),
            plan=dict(new.plan),
            careful=new.careful,
            watch=Watch(known=tuple(new.known)).to_json(),
            fix_id=new.fix_id,
            rate_per_s=new.rate_per_s,
            created_at=new.now,
            created_by=new.by,
            started_at=new.now if state is JobState.RUNNING else None,
            total=sum(counts.values()),
            **{each.value: number for each, number in counts.items()},
        )
    )


def _stored(conn: Connection, query: RecordQuery) -> dict[str, Any]:
    """Return a query as it is kept, with the last record there is: what arrives later is not in the job."""
    last = conn.execute(select(func.max(records.c.id))).scalar_one_or_none() or ""
    stored: dict[str, Any] = to_jsonable_python(query, bytes_mode="hex")
    return stored | {_LAST: last}


def query_of(conn: Connection, job_id: str) -> tuple[RecordQuery, str] | None:
    """Return what a job's records are found by, and the last record there was; None where they were given."""
    stored = conn.execute(select(job_table.c.query).where(job_table.c.id == job_id)).scalar_one_or_none()
    if stored is None:
        return None
    last = stored.pop(_LAST)
    # Hashes are kept as hex digits, which pydantic would take for the bytes themselves.
    lookups = tuple(tuple(bytes.fromhex(each) for each in hashes) for hashes in stored.pop("lookups", ()))
    return replace(_QUERY.validate_python(stored), lookups=lookups), last
