"""Routes of jobs: what is done to many records."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.jobs import Job, JobCreate, JobItem, JobPlan
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import jobs


class JobList(Paging):
    """A page of jobs; `state` may be repeated."""

    state: list[JobState] = []


class JobRecordList(Paging):
    """A page of the records of a job; `state` may be repeated, `after` is a record's id."""

    state: list[JobItemState] = []


async def _list(call: Call) -> Page[Job]:
    query = call.query(JobList)
    return await jobs.list_all(call.desk, query.state, query.after, query.limit)


async def _create(call: Call) -> JobPlan | Job:
    choice = call.body(JobCreate)
    return await jobs.plan(call.desk, choice) if choice.dry_run else await jobs.create(call.desk, choice)


async def _show(call: Call) -> Job:
    return await jobs.show(call.desk, call.path["id"])


async def _records(call: Call) -> Page[JobItem]:
    query = call.query(JobRecordList)
    return await jobs.records(call.desk, call.path["id"], query.state, query.after, query.limit)


async def _pause(call: Call) -> Job:
    return await jobs.pause(call.desk, call.path["id"])


async def _resume(call: Call) -> Job:
    return await jobs.resume(call.desk, call.path["id"])


async def _cancel(call: Call) -> Job:
    return await jobs.cancel(call.desk, call.path["id"])


_ALL = "/v1/jobs"
_ONE = "/v1/jobs/{id}"

ROUTES = (
    Route("GET", _ALL, "jobs.list", "Jobs, newest first.", _list, Page[Job], query=JobList),
    Route(
        "POST",
        _ALL,
        "records.resend_all",
        "Resend all that the filter matches, as a job; with `dry_run` say what that will do.",
        _create,
        JobPlan | Job,
        JobCreate,
    ),
    Route("GET", _ONE, "jobs.show", "One job, its counts and its plan.", _show, Job),
    Route(
        "GET",
        f"{_ONE}/records",
        "jobs.records",
        "What became of each record of a job, oldest record first.",
        _records,
        Page[JobItem],
        query=JobRecordList,
    ),
    Route("POST", f"{_ONE}/pause", "jobs.pause", "Send no further records of it.", _pause, Job),
    Route(
        "POST",
        f"{_ONE}/resume",
        "jobs.resume",
        "Go on with one that was paused or stopped, at the stage it was at.",
        _resume,
        Job,
    ),
    Route("POST", f"{_ONE}/cancel", "jobs.cancel", "End it; what was not sent stays as it is.", _cancel, Job),
)
