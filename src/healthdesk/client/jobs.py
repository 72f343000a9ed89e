"""Calls about jobs: what is done to many records."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.fixes import FixGiven
from healthdesk.api.jobs import Job, JobCreate, JobItem, JobPlan
from healthdesk.api.records import RecordFilter
from healthdesk.client.params import Params, paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport
from healthdesk.domain.job_states import JobItemState, JobState

_ONE = TypeAdapter(Job)
_PAGE = TypeAdapter(Page[Job])
_ITEMS = TypeAdapter(Page[JobItem])
_PLAN = TypeAdapter(JobPlan)


class JobCalls:
    """Bulk resends, fixes and samples: planned, begun, watched, paused, resumed, cancelled."""

    _http: Transport

    async def jobs_list(
        self, *, states: Sequence[JobState] = (), after: str | None = None, limit: int = 50
    ) -> Page[Job]:
        """Jobs, newest first, or those in `states`."""
        query: Params = [*paging(after, limit), *(("state", state.value) for state in states)]
        return await self._http.call(_PAGE, "GET", "/v1/jobs", query=query)

    async def job(self, job_id: str) -> Job:
        """One job, its counts and its plan."""
        return await self._http.call(_ONE, "GET", _path(job_id))

    async def job_records(
        self,
        job_id: str,
        *,
        states: Sequence[JobItemState] = (),
        after: str | None = None,
        limit: int = 50,
    ) -> Page[JobItem]:
        """What became of each record of a job, the oldest record first, or of those in `states`; `after` is a record id."""
        query: Params = [*paging(after, limit), *(("state", state.value) for state in states)]
        return await self._http.call(_ITEMS, "GET", f"{_path(job_id)}/records", query=query)

    async def job_plan(
        self,
        chosen: RecordFilter,
        *,
        rate_per_s: float | None = None,
        careful: bool = True,
        fix: FixGiven | None = None,
    ) -> JobPlan:
        """What a job over all that the filter matches will do; nothing is changed."""
        body = JobCreate(filter=chosen, dry_run=True, careful=careful, rate_per_s=rate_per_s, fix=fix)
        return await self._http.call(_PLAN, "POST", "/v1/jobs", body=body, timeout_s=LONG_TIMEOUT_S)

    async def job_create(
        self,
        chosen: RecordFilter,
        *,
        expect: int,
        rate_per_s: float | None = None,
        careful: bool = True,
        fix: FixGiven | None = None,
    ) -> Job:
        """Begin a job over all that the filter matches, if that still is `expect` records."""
        body = JobCreate(filter=chosen, expect=expect, careful=careful, rate_per_s=rate_per_s, fix=fix)
        return await self._http.call(_ONE, "POST", "/v1/jobs", body=body, timeout_s=LONG_TIMEOUT_S)

    async def job_pause(self, job_id: str) -> Job:
        """Send no further records of it until it is resumed; those under way go on and are counted."""
        return await self._http.call(_ONE, "POST", f"{_path(job_id)}/pause")

    async def job_resume(self, job_id: str) -> Job:
        """Go on with a job that was paused or stopped, at the stage it was at."""
        return await self._http.call(_ONE, "POST", f"{_path(job_id)}/resume")

    async def job_cancel(self, job_id: str) -> Job:
        """End a job; records that are not under way stay as they are."""
        return await self._http.call(_ONE, "POST", f"{_path(job_id)}/cancel")


def _path(job_id: str) -> str:
    return f"/v1/jobs/{seg(job_id)}"
