"""Records that a job is through with and that went on by themselves: what became of them is told by the job, too."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, text

from healthdesk.domain.job_states import JobItemState
from healthdesk.store import jobs
from healthdesk.store.job_holds import hinted
from healthdesk.store.job_items import STEP, result_of, write_results
from healthdesk.store.rows_jobs import JobRow

_WENT_ON = """
    FROM job_records i{hint} LEFT JOIN records r ON r.id = i.record_id
    WHERE i.job_id = {job} AND i.state IN ('retrying', 'awaiting_receipt') AND (r.id IS NULL OR (
        r.state NOT IN ('queued', 'sending', 'held') AND r.state <> i.state
        AND NOT (r.state = 'unknown' AND r.next_at IS NOT NULL)))
"""
BEHIND = f"""
    SELECT j.id FROM jobs j WHERE (j.retrying > 0 OR j.awaiting_receipt > 0)
    AND EXISTS (SELECT 1 {_WENT_ON.replace("{job}", "j.id")}) ORDER BY j.id
"""  # noqa: S608 - our own text
MOVED_ON = f"""
    SELECT i.record_id, i.state AS was, r.state, r.attempt_id, r.last_status, r.error_kind, r.error, r.problem_id
    {_WENT_ON.replace("{job}", ":job")} ORDER BY i.record_id LIMIT :limit
"""


def behind(conn: Connection) -> list[str]:
    """Return the jobs that say of a record that it is retried, or awaits its receipt, and it does not any more."""
    return list(conn.execute(text(hinted(conn, BEHIND))).scalars())


def follow(conn: Connection, job_id: str, now: datetime, *, limit: int = STEP) -> JobRow | None:
    """Take in what became of up to `limit` such records of a job, whichever attempt it was that ended it.

    None where the job was deleted meanwhile. A record that retention removed meanwhile is unknown: nobody can tell any more.
    """
    if not jobs.locked(conn, job_id):
        return None
    rows = conn.execute(text(hinted(conn, MOVED_ON)), {"job": job_id, "limit": limit}).all()
    results = [result_of(row) for row in rows]
    gone = JobItemState.SKIPPED
    results = [replace(each, state=JobItemState.UNKNOWN) if each.state is gone else each for each in results]
    write_results(conn, job_id, results, now)
    moves = Counter((JobItemState(row.was), each.state) for row, each in zip(rows, results, strict=True))
    jobs.moved(conn, job_id, moves)
    return jobs.get(conn, job_id)
