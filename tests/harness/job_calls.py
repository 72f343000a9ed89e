"""Every method of the client about jobs: the call, what it asks, an answer, and the body it sends."""

from datetime import timedelta
from typing import Any

from healthdesk.api.jobs import Job, JobItem, JobPlan
from healthdesk.api.records import RecordFilter
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.domain.states import RecordState
from tests.harness import wire

FAILED = RecordFilter(states=[RecordState.FAILED])
PLANNED = {"filter": {"states": ["failed"]}, "careful": True, "rate_per_s": None, "fix": None}


def job(**more: Any) -> Job:
    fields: dict[str, Any] = {
        "id": "job_1",
        "kind": "resend",
        "state": "running",
        "stage": "rest",
        "title": "Resend 131 records",
        "integration_id": "int_1",
        "integration_name": "CRM endpoint",
        "environment": "production",
        "total": 131,
        "counts": {"pending": 40, "sent": 4, "delivered": 84, "failed": 3},
        "rate_per_s": 20.0,
        "filter": {"states": ["failed"]},
        "created_at": wire.NOW - timedelta(minutes=2),
        "created_by": "bob",
        "started_at": wire.NOW - timedelta(minutes=2),
    }
    return Job(**fields | more)


def job_plan(**more: Any) -> JobPlan:
    fields = wire.plan().model_dump() | {
        "rate_per_s": 20.0,
        "seconds": 6.55,
        "sources": {"heart-health": 100, "sleep": 31},
        "environments": ["CRM endpoint · production"],
    }
    return JobPlan(**fields | more)


def job_item(**more: Any) -> JobItem:
    fields: dict[str, Any] = {
        "record_id": "rec_1",
        "source": "heart-health",
        "source_name": "Heart health",
        "level": "low",
        "state": "failed",
        "attempt_id": "att_1",
        "status": 422,
        "error_kind": "missing_field",
        "detail": "risk_level is required",
        "finished_at": wire.NOW,
    }
    return JobItem(**fields | more)


JOB_CALLS = {
    "jobs": (
        lambda c: c.jobs_list(states=[JobState.RUNNING, JobState.STOPPED], limit=5),
        "GET /v1/jobs?limit=5&state=running&state=stopped",
        wire.page(job()),
        None,
    ),
    "job": (lambda c: c.job("job_1"), "GET /v1/jobs/job_1", job(), None),
    "records of a job": (
        lambda c: c.job_records("job_1", states=[JobItemState.FAILED], after="rec_0", limit=5),
        "GET /v1/jobs/job_1/records?limit=5&after=rec_0&state=failed",
        wire.page(job_item()),
        None,
    ),
    "job plan": (
        lambda c: c.job_plan(FAILED),
        "POST /v1/jobs",
        job_plan(),
        PLANNED | {"dry_run": True},
    ),
    "job create": (
        lambda c: c.job_create(FAILED, expect=131, rate_per_s=5.0, careful=False),
        "POST /v1/jobs",
        job(),
        PLANNED | {"expect": 131, "rate_per_s": 5.0, "careful": False},
    ),
    "job pause": (lambda c: c.job_pause("job_1"), "POST /v1/jobs/job_1/pause", job(state="paused"), None),
    "job resume": (lambda c: c.job_resume("job_1"), "POST /v1/jobs/job_1/resume", job(), None),
    "job cancel": (
        lambda c: c.job_cancel("job_1"),
        "POST /v1/jobs/job_1/cancel",
        job(state="cancelled"),
        None,
    ),
    "resend plan": (
        lambda c: c.records_resend_plan(FAILED),
        "POST /v1/records/resend-all",
        job_plan(),
        {"filter": {"states": ["failed"]}, "dry_run": True},
    ),
    "resend all": (
        lambda c: c.records_resend_all(FAILED, expect=131),
        "POST /v1/records/resend-all",
        job(),
        {"filter": {"states": ["failed"]}, "expect": 131},
    ),
}
