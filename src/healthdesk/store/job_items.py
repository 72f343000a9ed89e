"""The records of a job: written down in steps, queued a few at a time, and followed until each is through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam, func, select, text

from healthdesk.domain.job_states import JobItemState, JobStage, JobState
from healthdesk.domain.job_watch import Result, Watch, cause_of, next_stage, note, wanted
from healthdesk.domain.states import ErrorKind
from healthdesk.store import job_making
from healthdesk.store import jobs as queries
from healthdesk.store.columns import to_micros
from healthdesk.store.job_holds import UnderWay, hinted, told, under_way, with_a_line
from healthdesk.store.job_queue import Moves, cancel_some, queue, search_of
from healthdesk.store.resending import BODY_GONE, next_ids, tried_since
from healthdesk.store.rows_jobs import ItemResult, JobRow, Place, Places, Search, Stepped
from healthdesk.store.schema import record_bodies
from healthdesk.store.schema_jobs import job_records

RECEIPT_WITHIN = timedelta(seconds=60)
"""How long the first stages wait for the receipt of a record: at an endpoint that confirms later, a 202 tells nothing."""

STEP = 2000
"""Records of a job that are written down, or cancelled, in one transaction."""

LONG = timedelta(days=365)
NOWHERE = Places()
ANEW = Search()
GONE = "it was removed by retention"
_WATCHED = frozenset({JobState.RUNNING, JobState.PAUSED})
_FAILED = frozenset({JobItemState.RETRYING, JobItemState.FAILED, JobItemState.UNKNOWN})

ENDED = """
    SELECT i.record_id, r.state, r.attempt_id, r.last_status, r.error_kind, r.error, r.problem_id, r.last_attempt_at
    FROM job_records i{hint} LEFT JOIN records r ON r.id = i.record_id
    WHERE i.job_id = :job AND i.state = 'sent' AND (r.id IS NULL OR (
        (r.attempts > i.attempts OR r.state = 'delivered') AND r.state NOT IN ('queued', 'sending', 'held')
        AND NOT (r.state = 'unknown' AND r.next_at IS NOT NULL)
        AND NOT (r.state = 'awaiting_receipt' AND r.last_attempt_at > :sent_after)
        AND NOT (r.state = 'retrying' AND r.error_kind = 'interrupted')))
    ORDER BY i.record_id LIMIT :limit
"""
"""A record of unknown arrival that is still looked up may be sent again by itself: it is not through yet. Nor is one
whose attempt ended with the daemon and that the endpoint does not have: it is sent again at once. A receipt is waited
for of those sent after a time, and one of an earlier attempt delivers a record before the job's own attempt of it."""


def fill(conn: Connection, job_id: str, now: datetime, *, limit: int = STEP) -> JobRow | None:
    """Write down the next records of a job that is prepared; with the last of them it runs.

    Where it went on is told by the last record written, so a crash in between loses nothing. What failed after the job was
    made is not in it. None when it is not ours.
    """
    job = queries.leased(conn, job_id)
    if job is None or job.state is not JobState.PREPARING:
        return None
    ids, complete = _next_to_write(conn, job, limit)
    if ids:
        with_body = set(
            conn.execute(
                select(record_bodies.c.record_id).where(record_bodies.c.record_id.in_(ids))
            ).scalars()
        )
        conn.execute(
            sa.insert(job_records),
            [
                {"job_id": job_id, "record_id": each, "state": JobItemState.PENDING, "detail": "", "finished_at": None}
                if each in with_body
                else {"job_id": job_id, "record_id": each, "state": JobItemState.SKIPPED, "detail": BODY_GONE, "finished_at": now}
                for each in ids
            ],
        )  # fmt: skip
    if complete:
        queries.recount(conn, job_id)
        queries.set_progress(conn, job_id, state=JobState.RUNNING, started_at=now)
    return queries.get(conn, job_id)


def _next_to_write(conn: Connection, job: JobRow, limit: int) -> tuple[list[str], bool]:
    """Return the next records that were as the job's filter has them when it was made, and whether no more come."""
    found = job_making.query_of(conn, job.id)
    after = conn.execute(
        select(func.max(job_records.c.record_id)).where(job_records.c.job_id == job.id)
    ).scalar_one_or_none()
    while found is not None:
        ids = next_ids(conn, *found, after=after or "", limit=limit)
        later = tried_since(conn, ids, job.created_at)
        written, complete = [each for each in ids if each not in later], len(ids) < limit
        if written or complete:
            return written, complete
        after = ids[-1]
    return [], True


def step(
    conn: Connection,
    job_id: str,
    now: datetime,
    *,
    most: Callable[[Place], int],
    allowed: int,
    places: Places = NOWHERE,
    search: Search = ANEW,
    were_held: int = 0,
) -> Stepped | None:
    """Take in what has ended, decide, and queue what may be sent next, in one transaction. None when it is not ours.

    `most` says how many records of an environment may be under way at a time; `allowed` may be queued now, as the job's own
    rate has it. Records on hold keep no other from being tried, and decide nothing: `places` says where they are, `search`
    is that of the last step, and `were_held` how many records it found on hold: those that were let go leave all at once,
    so a job with a rate of its own sends fewer others for them.
    """
    job = queries.leased(conn, job_id)
    if job is None or job.state is JobState.PREPARING:
        return None
    ended = _ended(conn, job, now)
    write_results(conn, job_id, ended, now)
    number = job.count(JobItemState.SENT) - len(ended)
    way = under_way(conn, job_id, places.of(job)) if number else UnderWay()
    free = number - way.held.total()
    let_go = max(0, were_held - way.held.total())
    if job.rate_per_s is not None:
        allowed = max(0, allowed - way.queued - let_go)
    decided = _decide(job, ended, free)
    done: Counter[JobItemState] = Counter(result.state for result in ended)
    moves: Moves = Counter({(JobItemState.SENT, state): count for state, count in done.items()})
    woken: set[Place] = set()
    pending = job.count(JobItemState.PENDING)
    if decided.state is JobState.RUNNING and pending:
        waiting = with_a_line(way.held) | places.held.keys()
        search = search if search.starts else search_of(conn, job)
        rooms = {
            place: pending if place is None else max(0, most(place) - way.places[place])
            for place in search.starts
        }
        can_leave = {
            place: room if place is None else max(0, most(place) - way.on_their_way(place))
            for place, room in rooms.items()
            if place not in waiting
        }
        wants = min(allowed, wanted(decided.watch, decided.stage, free, sum(can_leave.values())))
        more, search = queue(conn, job, wants, can_leave, now, woken, search)
        if not more and waiting.issuperset(search.starts):
            # Only records on hold are left. They line up as far as others would, since a circuit needs one to try; of a
            # job with a rate no more than that one, since what lines up leaves at once in the end.
            if job.rate_per_s is not None:
                rooms = {place: min(room, 1 - way.places[place]) for place, room in rooms.items() if place}
            wants = min(
                allowed,
                wanted(decided.watch, decided.stage, number, sum(max(0, room) for room in rooms.values())),
            )
            more, search = queue(conn, job, wants, rooms, now, woken, search)
        moves += more
    elif decided.state is JobState.CANCELLED and pending:
        moves[JobItemState.PENDING, JobItemState.CANCELLED] += cancel_some(conn, job_id, now, limit=STEP)
    queries.moved(conn, job_id, moves)
    queued = moves[JobItemState.PENDING, JobItemState.SENT]
    # Where the job's own rate lets none go now, whether others could leave is as it was.
    tells = way.held and not queued and (allowed or not pending or job.waits)
    waits = told(conn, job_id, way.held) if tells and not free else ()
    _settle(conn, job, replace(decided, watch=replace(decided.watch, waits=waits)), now)
    after = queries.get(conn, job_id)
    changed = bool(moves) or (after.state, after.stage, after.waits) != (job.state, job.stage, job.waits)
    return Stepped(
        after,
        changed,
        tuple(sorted(woken)),
        search,
        queued=queued,
        lined_up=way.queued,
        held=way.held.total(),
        let_go=let_go,
        stopped=after.state is JobState.STOPPED is not job.state,
        ended=done,
    )


def hear(conn: Connection, job: JobRow, later: Sequence[ItemResult], now: datetime) -> bool:
    """Let a careful job take in what its receipts said of records that it was through with. Return whether they stop it.

    In the first stages only a failure tells something: a record that got through was counted as one.
    """
    told = [each for each in later if each.cause or job.stage is JobStage.REST]
    decided = _decide(job, told, under_way=1)
    _settle(conn, job, decided, now)
    return decided.state is JobState.STOPPED is not job.state


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a job is from here on."""

    state: JobState
    stage: JobStage
    reason: str
    watch: Watch


def _decide(job: JobRow, ended: Sequence[ItemResult], under_way: int) -> _Decided:
    """Let a careful job go to its next stage, or stop. With nothing left to send there is nothing to stop.

    What comes in while it is paused counts, too: otherwise one that is paused again and again would never stop.
    That a daemon stopped tells nothing of the records, so it stops no job that goes on after it.
    """
    watch, stage = job.watch, job.stage
    if job.state not in _WATCHED or not job.careful:
        return _Decided(job.state, stage, job.reason, watch)
    seen = [
        Result(each.cause, each.detail)
        for each in ended
        if each.state is not JobItemState.SKIPPED and each.error_kind != ErrorKind.INTERRUPTED
    ]
    watch, why = note(watch, stage, seen, under_way)
    if why and job.count(JobItemState.PENDING):
        return _Decided(JobState.STOPPED, stage, why, watch)
    following = next_stage(watch, stage, under_way)
    return _Decided(job.state, following, job.reason, watch if following is stage else watch.afresh())


def _settle(conn: Connection, job: JobRow, decided: _Decided, now: datetime) -> None:
    """Store what was decided, and that a job is done where nothing is left of it, also of one that was paused."""
    row = queries.get(conn, job.id)
    state, reason, finished_at = decided.state, decided.reason, row.finished_at
    if not row.count(JobItemState.PENDING) and not row.count(JobItemState.SENT):
        if state in {JobState.RUNNING, JobState.PAUSED}:
            state, reason = JobState.DONE, ""
        if state in {JobState.DONE, JobState.CANCELLED}:
            finished_at = finished_at or now
    if (state, decided.stage, decided.watch, finished_at) != (
        job.state,
        job.stage,
        job.watch,
        job.finished_at,
    ):
        queries.set_progress(
            conn,
            job.id,
            state=state,
            stage=decided.stage,
            reason=reason,
            watch=decided.watch.to_json(),
            finished_at=finished_at,
        )


def _ended(conn: Connection, job: JobRow, now: datetime) -> list[ItemResult]:
    """Return the records of a job whose attempt is settled, in the order in which they were sent."""
    waits = job.state in _WATCHED and job.careful and job.stage is not JobStage.REST
    sent_after = to_micros(now - RECEIPT_WITHIN if waits else now + LONG)
    rows = conn.execute(
        text(hinted(conn, ENDED)), {"job": job.id, "limit": STEP, "sent_after": sent_after}
    ).all()
    return [result_of(row) for row in sorted(rows, key=lambda row: (row.last_attempt_at or 0, row.record_id))]


def result_of(row: Any) -> ItemResult:
    """Return what became of a record, as `ENDED` reads it."""
    if row.state is None:
        return ItemResult(row.record_id, JobItemState.SKIPPED, None, None, "", GONE, "")
    state = JobItemState(row.state)
    cause = ""
    if state in _FAILED:
        cause = cause_of(
            problem_id=row.problem_id, error_kind=row.error_kind, status=row.last_status, error=row.error
        )
    return ItemResult(row.record_id, state, row.attempt_id, row.last_status, row.error_kind, row.error, cause)


def write_results(conn: Connection, job_id: str, ended: Sequence[ItemResult], now: datetime) -> None:
    """Write down what became of records of a job; the counts are moved apart from it."""
    if ended:
        conn.execute(
            sa.update(job_records).where(
                job_records.c.job_id == job_id, job_records.c.record_id == bindparam("the_record")
            ),
            [
                {
                    "the_record": each.record_id,
                    "state": each.state,
                    "attempt_id": each.attempt_id,
                    "status": each.status,
                    "error_kind": each.error_kind,
                    "detail": each.detail,
                    "finished_at": now,
                }
                for each in ended
            ],
        )
