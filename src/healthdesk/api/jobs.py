"""Jobs: what is done to many records, durably and with care."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.fixes import FixGiven
from healthdesk.api.records import RecordFilter
from healthdesk.api.resends import ResendPlan
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment, HoldReason

FEW = 3
"""So many more records than were confirmed are taken along, whatever their share."""


class JobPlan(ResendPlan):
    """What a bulk resend will do. `seconds` at the allowed rate, which counts records; None where nothing limits it."""

    rate_per_s: float | None = None
    seconds: float | None = None
    sources: dict[str, int] = {}
    """How many of each source, by key."""
    fixed: int = 0
    """Of a fix: how many of them it changes, by up to 200 that it was tried on."""
    environments: list[str] = []
    """`Integration · environment` of each that is touched."""

    def goes_beyond(self, confirmed: JobPlan) -> bool:
        """Return whether it does more than somebody agreed to who saw `confirmed`.

        A few more records of the same sources, endpoints and causes do not, up to a tenth, nor do fewer.
        """
        grown = self.total > confirmed.total + max(FEW, confirmed.total // 10)
        elsewhere = set(self.environments) - set(confirmed.environments) or set(self.sources) - set(
            confirmed.sources
        )
        return grown or bool(elsewhere) or not _causes(self) <= _causes(confirmed)


def _causes(plan: JobPlan) -> set[tuple[int | None, str, str | None]]:
    return {(group.status, group.error_kind, group.problem_id) for group in plan.groups}


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


_HELD = {
    HoldReason.PAUSED: "paused",
    HoldReason.CONNECTION: "connection failing",
    HoldReason.CIRCUIT: "circuit open",
    HoldReason.ORDER: "an earlier record of the key goes first",
}


class JobWait(Output):
    """Records of a job that were queued and cannot leave: of which environment, and what holds them.

    `goes_first` is, where the environment orders, the record that the first of them waits for.
    """

    reason: HoldReason
    integration_id: str
    integration_name: str = ""
    environment: Environment
    records: int
    goes_first: str = ""

    @property
    def sentence(self) -> str:
        """Return `5 held, CRM endpoint · production: connection failing`."""
        why = f"{self.goes_first} goes first" if self.goes_first else _HELD[self.reason]
        return f"{self.records:,} held, {self.integration_name} · {self.environment.shown}: {why}"


class Job(Output):
    """A job. `counts` by the state of its records add up to `total`.

    It has ended at `finished_at`, once each record was tried, skipped or cancelled. Records that are then retried by
    themselves or await their receipt are followed until they are settled: until then `counts` may still change.
    """

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
    waits: list[JobWait] = []
    """What holds all that is left of it; empty while anything can go on."""
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
    def waiting(self) -> str:
        """What it waits for in words, empty while anything can go on."""
        return "; ".join(each.sentence for each in self.waits)

    @property
    def finished(self) -> int:
        """How many of its records it is through with."""
        return self.total - self.counts.get(JobItemState.PENDING, 0) - self.counts.get(JobItemState.SENT, 0)


class JobItem(Output):
    """What became of one record of a job. `detail` says why it was skipped, or how it failed.

    `retrying` and `awaiting_receipt` become, within seconds, what the record becomes in the end. `source`, its name and the
    level are empty where the record is no longer kept.
    """

    record_id: str
    source: str = ""
    source_name: str = ""
    level: str | None = None
    state: JobItemState
    attempt_id: str | None = None
    status: int | None = None
    error_kind: str = ""
    detail: str = ""
    finished_at: datetime | None = None
