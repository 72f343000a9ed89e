"""Jobs and fixes of FakeDesk: a job moves only when a test moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import Fix, FixGiven, FixPreview, FixResend
from healthdesk.api.jobs import Job, JobItem, JobPlan
from healthdesk.api.records import RecordDetail, RecordFilter
from healthdesk.api.resends import ResendGroup
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment, RecordState
from healthdesk.errors import ApiRefused
from tests.tui.fake_health import NOW

JOB_ID = "job_01JD0000000000000000000001"


def a_job(total: int = 131, **changes: Any) -> Job:
    """Return a job at its last stage, 84 records through, 3 of them failed."""
    counts = {
        JobItemState.DELIVERED: 81,
        JobItemState.FAILED: 3,
        JobItemState.SENT: 2,
        JobItemState.PENDING: total - 86,
    }
    fields: dict[str, Any] = {
        "id": JOB_ID, "kind": JobKind.RESEND, "state": JobState.RUNNING, "stage": JobStage.REST, "title": "Resend 131 failed records",
        "integration_id": "int_crm", "integration_name": "CRM endpoint", "environment": Environment.PRODUCTION, "total": total,
        "counts": counts, "rate_per_s": 20, "created_at": NOW - timedelta(minutes=2), "created_by": "bob",
    }  # fmt: skip
    return Job(**(fields | changes))


class FakeJobs:
    """Jobs, and what is sent instead of what was posted."""

    matches: int
    """How many records a plan counts."""
    matches_then: list[int]
    """How many once a job over them is asked for, each time."""
    overrides: dict[int, RecordState]
    jobs: list[Job]
    items: list[JobItem]
    outcome: RecordState
    fixes: list[Fix]

    def note(self, name: str, what: Any = None) -> None:
        raise NotImplementedError

    def _detail(self, record_id: str, *, masked: bool) -> RecordDetail:
        raise NotImplementedError

    async def jobs_list(
        self, *, states: Sequence[JobState] = (), after: str | None = None, limit: int = 50
    ) -> Page[Job]:
        self.note("jobs_list", tuple(states))
        return Page[Job](items=[job for job in self.jobs if not states or job.state in states])

    async def job(self, job_id: str) -> Job:
        self.note("job", job_id)
        return next(job for job in self.jobs if job.id == job_id)

    async def job_records(
        self, job_id: str, *, states: Sequence[JobItemState] = (), after: str | None = None, limit: int = 50
    ) -> Page[JobItem]:
        self.note("job_records", (job_id, tuple(states)))
        found = [item for item in self.items if not states or item.state in states]
        return Page[JobItem](items=found[:limit])

    async def job_plan(
        self,
        chosen: RecordFilter,
        *,
        rate_per_s: float | None = None,
        careful: bool = True,
        fix: FixGiven | None = None,
    ) -> JobPlan:
        self.note("job_plan", (chosen, rate_per_s, fix))
        groups = [
            ResendGroup(status=422, error_kind="missing_field", error="risk_level is required", count=127, problem_id="prb_1", problem_state="open"),
            ResendGroup(status=500, error_kind="server_error", error="Internal Server Error", count=4),
        ]  # fmt: skip
        rate = rate_per_s or 20
        return JobPlan(
            total=self.matches, skipped_delivered=3, oldest=NOW - timedelta(minutes=45), newest=NOW, groups=groups, rate_per_s=rate,
            seconds=131 / rate, sources={"heart-health": 100, "sleep": 31}, fixed=127 if fix else 0, environments=["CRM endpoint · production"],
        )  # fmt: skip

    async def job_create(
        self,
        chosen: RecordFilter,
        *,
        expect: int,
        rate_per_s: float | None = None,
        careful: bool = True,
        fix: FixGiven | None = None,
    ) -> Job:
        self.note("job_create", (chosen, expect, rate_per_s, fix))
        if self.matches_then:
            self.matches = self.matches_then.pop(0)
        if self.matches != expect:
            raise ApiRefused(f"the filter matches {self.matches} records now", status=409, slug="conflict")
        kind = JobKind.FIX if fix else JobKind.RESEND
        made = a_job(
            expect, kind=kind, stage=JobStage.ONE, counts={JobItemState.PENDING: expect}, fix_id="fix_1" if fix else None, title="", created_by="alice"
        )  # fmt: skip
        self.jobs.insert(0, made)
        return made

    def move_job(self, **changes: Any) -> Job:
        """Change the newest job."""
        self.jobs[0] = self.jobs[0].model_copy(update=changes)
        return self.jobs[0]

    async def job_pause(self, job_id: str) -> Job:
        self.note("job_pause", job_id)
        return self.move_job(state=JobState.PAUSED)

    async def job_resume(self, job_id: str) -> Job:
        self.note("job_resume", job_id)
        return self.move_job(state=JobState.RUNNING)

    async def job_cancel(self, job_id: str) -> Job:
        self.note("job_cancel", job_id)
        return self.move_job(state=JobState.CANCELLED, finished_at=NOW)

    # Fixes

    async def record_fix_preview(self, record_id: str, fix: FixGiven) -> FixPreview:
        self.note("record_fix_preview", (record_id, fix))
        return self._preview(record_id, fix)

    async def problem_fix_preview(self, problem_id: str, fix: FixGiven) -> FixPreview:
        self.note("problem_fix_preview", (problem_id, fix))
        several = {"tried": 127, "changes": 120, "total": 127}
        return self._preview("rec_00000000000000000000000010", fix).model_copy(update=several)

    def _preview(self, record_id: str, fix: FixGiven) -> FixPreview:
        name = "Ann [/b] Smith" if fix.reveal else "••••"
        data = '{"participant": "Ann [/b] Smith", "assessment": "heart-health", "score": 71, "note": null}'
        difference = [
            f' "participant": "{name}",',
            *(f"+{step.do} {step.path}" for step in fix.mapping),
        ]
        return FixPreview(
            before="{}",
            after=fix.body or "{}",
            difference=difference,
            headers={**fix.headers, "content-type": "application/json"},
            data=data if fix.reveal else "••••",
            masked=not fix.reveal,
            version="v1",
            record_id=record_id,
        )

    async def record_fix(self, record_id: str, fix: FixResend) -> RecordDetail:
        self.note("record_fix", (record_id, fix))
        self.overrides[int(record_id[4:])] = RecordState.QUEUED
        self.fixes.append(Fix(id="fix_1", at=NOW, made_by="alice", mapping=fix.mapping))
        return self._detail(record_id, masked=True)

    async def record_unfix(self, record_id: str) -> RecordDetail:
        self.note("record_unfix", record_id)
        return self._detail(record_id, masked=True)

    async def record_fixes(self, record_id: str) -> list[Fix]:
        self.note("record_fixes", record_id)
        return self.fixes

    async def integration_mapping_save(
        self,
        integration_id: str,
        environment: Environment,
        mapping: Sequence[MappingStep],
        headers: Mapping[str, str],
    ) -> None:
        self.note("integration_mapping_save", (integration_id, environment, list(mapping), dict(headers)))
