"""Jobs: planned, begun, shown, paused, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.jobs import Job, JobCreate, JobItem, JobPlan
from healthdesk.api.records import RecordFilter
from healthdesk.api.resends import ResendGroup
from healthdesk.domain.activity import Verb
from healthdesk.domain.job_states import JobItemState, JobKind, JobState
from healthdesk.domain.job_watch import cause_of
from healthdesk.domain.scrubbing import MASK
from healthdesk.errors import Conflict, Malformed
from healthdesk.operations import problem_fixes
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, model_of, to_page
from healthdesk.operations.records import known_query
from healthdesk.store import job_making, resend_plans, resending
from healthdesk.store import jobs as queries
from healthdesk.store import records as record_queries
from healthdesk.store.rows import RecordQuery, ResendPlanRow
from healthdesk.store.rows_jobs import JobRow, NewJob

_model = model_of(Job)


async def list_all(desk: Desk, states: Sequence[JobState], after: str | None, limit: int) -> Page[Job]:
    """Return a page of jobs, the newest first."""
    desk.require("jobs.list")
    rows = await desk.read(queries.page, states=states, after=cursor("job", after), limit=limit)
    return to_page(rows, _model)


async def show(desk: Desk, job_id: str) -> Job:
    """Return one job."""
    desk.require("jobs.show")
    return _model(await desk.read(queries.get, job_id))


async def records(
    desk: Desk, job_id: str, states: Sequence[JobItemState], after: str | None, limit: int
) -> Page[JobItem]:
    """Return what became of each record of a job, the oldest record first."""
    desk.require("jobs.records")
    await desk.read(queries.get, job_id)
    rows = await desk.read(queries.items, job_id, states=states, after=cursor("rec", after), limit=limit)
    return to_page(rows, model_of(JobItem))


async def plan(desk: Desk, choice: JobCreate) -> JobPlan:
    """Return what a job over all that the filter matches will do."""
    _allowed(desk, choice)
    query = await known_query(desk, choice.filter)

    def read(conn: Conn) -> JobPlan:
        row = resend_plans.resend_plan(conn, query)
        return _plan(desk, choice, row, _fixed(desk, conn, choice, query, row.total))

    return await desk.ctx.store.read(read)


async def create(desk: Desk, choice: JobCreate) -> Job:
    """Begin a job over all that the filter matches, if it is still what was confirmed.

    What arrives or fails after this is not in it. Its records are written down by the runner, and then sent.
    """
    _allowed(desk, choice)
    if choice.expect is None:
        raise Malformed(
            "the count that was confirmed is missing",
            field="expect",
            fix="ask with dry_run first, and send its total as expect",
        )
    expect = choice.expect
    query = await known_query(desk, choice.filter)
    job_id = desk.ctx.ids.new("job", desk.now())

    def change(conn: Conn) -> JobRow:
        row = resend_plans.resend_plan(conn, query)
        if row.total != expect:
            raise Conflict(
                f"the filter matches {row.total} records to resend now, not the {expect} that were confirmed",
                fix="Look at the plan again and confirm the new number.",
            )
        planned = _plan(desk, choice, row, _fixed(desk, conn, choice, query, row.total))
        stored = _told(choice.filter)
        new = NewJob(
            id=job_id,
            kind=JobKind.RESEND if choice.fix is None else JobKind.FIX,
            title=_title(row.total, fixes_them=choice.fix is not None),
            now=desk.now(),  # once what it counts was read: what fails after that is not in it
            by=desk.operator.user,
            integration_id=choice.filter.integration_id,
            environment=choice.filter.environment,
            filter=stored,
            query=resending.resendable(query),
            plan=planned.model_dump(mode="json"),
            known=[
                cause_of(
                    problem_id=group.problem_id,
                    error_kind=group.error_kind,
                    status=group.status,
                    error=group.error,
                )
                for group in row.groups
            ],
            careful=choice.careful,
            rate_per_s=choice.rate_per_s,
            fix_id=None
            if choice.fix is None
            else problem_fixes.for_problem(desk, conn, choice.fix, choice.filter.problem_id),
        )
        made = job_making.begin(conn, new, row.total)
        desk.note(
            conn, Verb.STARTED_JOB, "job", job_id, new.title, {"kind": new.kind.value, "records": row.total, "filter": stored}
        )  # fmt: skip
        return made

    row = await desk.write(change, ("job", job_id))
    desk.engine.wake_jobs()
    return _model(row)


def _allowed(desk: Desk, choice: JobCreate) -> None:
    desk.require("records.resend_all")
    if choice.fix is not None:
        desk.require("records.fix")
        problem_fixes.check_for_many(desk, choice.fix)


def _told(chosen: RecordFilter) -> dict[str, Any]:
    """Return a filter as it is kept for people: which lookup fields it names, never the values looked for."""
    told: dict[str, Any] = chosen.model_dump(mode="json", exclude_defaults=True)
    if chosen.lookup:
        told["lookup"] = dict.fromkeys(chosen.lookup, MASK)
    return told


def _title(number: int, *, fixes_them: bool) -> str:
    what = "Fix and resend" if fixes_them else "Resend"
    return f"{what} {number:,} record{'' if number == 1 else 's'}"


def _fixed(desk: Desk, conn: Conn, choice: JobCreate, query: RecordQuery, total: int) -> int:
    """Return of how many records the job's fix changes what is sent, by those it is tried on."""
    if choice.fix is None or not total:
        return 0
    tried = record_queries.page(conn, resending.resendable(query), limit=problem_fixes.MOST_TRIED).items
    changed = problem_fixes.changed_by(desk, conn, [row.id for row in tried], choice.fix)
    return changed if total <= len(tried) else round(total * changed / max(1, len(tried)))


def _plan(desk: Desk, choice: JobCreate, row: ResendPlanRow, fixed: int) -> JobPlan:
    """Return the plan with how long it takes at the rate that the slowest environment and the job itself allow.

    An environment's rate counts requests, the plan's and the job's own records.
    """
    rates = [
        (place.count, target.rate_per_s and target.rate_per_s * target.per_request)
        for place in row.places
        if (target := desk.engine.targets.get(place.integration_id, place.environment)) is not None
    ]
    if choice.rate_per_s is not None:
        rates.append((row.total, choice.rate_per_s))
    limited = [(number / rate, rate) for number, rate in rates if rate is not None]
    seconds, rate_per_s = max(limited, default=(None, None))
    return JobPlan(
        total=row.total,
        skipped_delivered=row.skipped_delivered,
        skipped_other=row.skipped_other,
        oldest=row.oldest,
        newest=row.newest,
        groups=[ResendGroup.model_validate(each, from_attributes=True) for each in row.groups],
        rate_per_s=rate_per_s,
        seconds=seconds,
        sources=row.sources,
        fixed=fixed,
        environments=[f"{place.name} · {place.environment.shown}" for place in row.places],
    )


async def pause(desk: Desk, job_id: str) -> Job:
    """Send no further records of it until it is resumed; those under way go on and are counted."""
    by = desk.operator.user
    return await _changed(desk, job_id, "pause", Verb.PAUSED, lambda conn: queries.pause(conn, job_id, by=by))


async def resume(desk: Desk, job_id: str) -> Job:
    """Go on with a job that was paused or stopped."""
    by = desk.operator.user
    return await _changed(
        desk, job_id, "resume", Verb.RESUMED, lambda conn: queries.resume(conn, job_id, by=by)
    )


async def cancel(desk: Desk, job_id: str) -> Job:
    """End a job; what was not sent stays as it is."""
    by, now = desk.operator.user, desk.now()
    return await _changed(
        desk, job_id, "cancel", Verb.CANCELLED, lambda conn: queries.cancel(conn, job_id, by=by, now=now)
    )


async def _changed(desk: Desk, job_id: str, action: str, verb: Verb, act: Callable[[Conn], JobRow]) -> Job:
    desk.require(f"jobs.{action}")

    def change(conn: Conn) -> JobRow:
        row = act(conn)
        left = row.count(JobItemState.PENDING)
        desk.note(conn, verb, "job", job_id, row.title, {"left": left, "done": row.total - left})
        return row

    row = await desk.write(change, ("job", job_id))
    desk.engine.wake_jobs()
    return _model(row)
