"""Records of jobs that went on without them: what became of them is told by the job, too, and ends one that had stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, text

from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.store import jobs
from healthdesk.store.job_holds import hinted
from healthdesk.store.job_items import STEP, hear, result_of, write_results
from healthdesk.store.job_queue import next_statement, skip
from healthdesk.store.resending import DELIVERED_MEANWHILE
from healthdesk.store.rows_jobs import Stepped
from healthdesk.store.schema import attempts, records

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
_OPEN = """(
    SELECT i.record_id FROM job_records i{hint} CROSS JOIN records r
    WHERE i.job_id = {job} AND i.state = '{state}' AND r.id = i.record_id
    AND r.state NOT IN ('delivered', 'awaiting_receipt') ORDER BY i.record_id DESC LIMIT 1) IS NULL"""
_OVER = " AND ".join(_OPEN.replace("{state}", state) for state in ("pending", "failed", "unknown"))
"""From the newest record on: others deliver the oldest first, so of what is not over one of the first is still open."""
OVER = f"""
    SELECT j.id FROM jobs j WHERE j.state = 'stopped' AND j.sent = 0 AND j.retrying = 0
    AND {_OVER.replace("{job}", "j.id")} ORDER BY j.id
"""  # noqa: S608 - our own text
MOVED_ON = f"""
    SELECT i.record_id, i.state AS was, r.state, r.attempt_id, r.last_status, r.error_kind, r.error, r.problem_id
    {_WENT_ON.replace("{job}", ":job")} ORDER BY i.record_id LIMIT :limit
"""


def behind(conn: Connection) -> list[str]:
    """Return the jobs that say of a record that it is retried, or awaits its receipt, and it does not any more, and those
    that stopped by themselves and of which others delivered since all that was left or had failed.
    """
    found = [row for each in (BEHIND, OVER) for row in conn.execute(text(hinted(conn, each))).scalars()]
    return list(dict.fromkeys(found))


def follow(conn: Connection, job_id: str, now: datetime, *, limit: int = STEP) -> Stepped | None:
    """Take in what became of up to `limit` such records of a job, whichever attempt it was that ended it. What receipts say
    may stop a careful one that goes on; with the last that others delivered, one that had stopped is done.

    None where the job was deleted meanwhile. A record that retention removed meanwhile is unknown: nobody can tell any more.
    """
    if not jobs.locked(conn, job_id):
        return None
    rows = conn.execute(text(hinted(conn, MOVED_ON)), {"job": job_id, "limit": limit}).all()
    results = [result_of(row) for row in rows]
    gone = JobItemState.SKIPPED
    results = [replace(each, state=JobItemState.UNKNOWN) if each.state is gone else each for each in results]
    write_results(conn, job_id, results, now)
    became = [(JobItemState(row.was), each) for row, each in zip(rows, results, strict=True)]
    jobs.moved(conn, job_id, Counter((was, each.state) for was, each in became))
    receipts = [each for was, each in became if was is JobItemState.AWAITING_RECEIPT]
    stopped = hear(conn, jobs.get(conn, job_id), receipts, now)
    _end(conn, job_id, now, limit)
    return Stepped(jobs.get(conn, job_id), bool(rows), stopped=stopped)


def _end(conn: Connection, job_id: str, now: datetime, limit: int) -> None:
    """Skip the next records of a job that are left to nobody, and end it with the last of them."""
    over = f"SELECT id FROM ({OVER}) over WHERE id = :job"  # noqa: S608 - our own text
    if conn.execute(text(hinted(conn, over)), {"job": job_id}).one_or_none() is None:
        return
    job = jobs.get(conn, job_id)
    ids = list(conn.execute(next_statement(job_id, limit)).scalars())
    skip(conn, job_id, dict.fromkeys(ids, DELIVERED_MEANWHILE), now)
    jobs.moved(conn, job_id, {(JobItemState.PENDING, JobItemState.SKIPPED): len(ids)})
    if len(ids) < limit:
        by = "" if job.count(JobItemState.SKIPPED) else _by(conn, ids)
        reason = f"what was left of it was delivered since{by}"
        jobs.set_progress(conn, job_id, state=JobState.DONE, reason=reason, finished_at=now)


def _by(conn: Connection, ids: Sequence[str]) -> str:
    """Return `, by job_…` or `, by bob` where all of these records were last sent by the same."""
    found = conn.execute(
        select(attempts.c.triggered_by)
        .join(records, records.c.attempt_id == attempts.c.id)
        .where(records.c.id.in_(ids))
        .distinct()
        .limit(2)
    ).scalars()
    names = [name or "" for name in found]
    return f", by {names[0]}" if len(names) == 1 and names[0] else ""
