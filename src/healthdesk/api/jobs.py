"""Jobs: what is done to many records, durably and with care."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.fixes import FixGiven
from healthdesk.api.records import RecordFilter
from healthdesk.api.resends import ResendPlan
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment


class JobPlan(ResendPlan):
    """What a bulk resend will do. `seconds` at the allowed rate, None where nothing limits it."""

    rate_per_s: float | None = None
    seconds: float | None = None
    sources: dict[str, int] = {}
    """How many of each source, by key."""
    fixed: int = 0
    """Of a fix: how many of them it changes, by up to 200 that it was tried on."""
    environments: list[str] = []
    """`Integration · environment` of each that is touched."""


class JobCreate(Input):
    """Resend every record of the filter, as a job; with `fix` what is sent of each is changed first.

    `expect` is the total of the plan that was confirmed. `careful` begins with one record, then five, and stops by itself
    when a failure of the same cause comes back. `rate_per_s` is at most what the environment allows.
    """

    filter: RecordFilter
    expect: int | None = Field(default=None, ge=0)
    dry_run: bool = False
    careful: bool = True
    rate_per_s: float | None = Field(default=None, gt=0)
    fix: FixGiven | None = None


class Job(Output):
    """A job. `counts` by the state of its records add up to `total`."""

    id: str
    kind: JobKind
    state: JobState
    stage: JobStage
    title: str = ""
    integration_id: str | None = None
    integration_name: str = ""
    environment: Environment | None = None
    total: int
    counts: dict[JobItemState, int] = {}
    reason: str = ""
    """Why it stopped, was paused or cancelled."""
    rate_per_s: float | None = None
    filter: RecordFilter | None = None
    fix_id: str | None = None
    created_at: datetime
    created_by: str
    changed_by: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    plan: JobPlan | None = None

    @property
    def finished(self) -> int:
        """How many of its records it is through with."""
        return self.total - self.counts.get(JobItemState.PENDING, 0) - self.counts.get(JobItemState.SENT, 0)


class JobItem(Output):
    """What became of one record of a job. `detail` says why it was skipped, or how it failed."""

    record_id: str
    state: JobItemState
    attempt_id: str | None = None
    status: int | None = None
    error_kind: str = ""
    detail: str = ""
    finished_at: datetime | None = None
