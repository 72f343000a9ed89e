"""`healthdesk sample send`."""

from __future__ import annotations

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.sample_calls import PLAN

from healthdesk.api.jobs import Job
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState


def job(**counts: int) -> Job:
    return Job(
        id="job_1",
        kind=JobKind.SAMPLE,
        state=JobState.DONE,
        stage=JobStage.REST,
        total=3,
        counts={JobItemState(state): number for state, number in counts.items()},
        created_at=wire.NOW,
        created_by="alice",
    )


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/integrations/int_1", wire.integration(name="CRM"))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_the_plan_names_what_is_skipped_and_why_and_warns(daemon, desk):
    daemon.on("POST", "/v1/samples", PLAN)
    ran = desk("sample send int_1 --dry-run")
    assert ran.code == 0
    assert "not enabled for CRM" in ran.out
    assert PLAN.warning in ran.out
    assert daemon.last.json["dry_run"] is True


def test_testing_is_sent_to_without_a_question_and_what_failed_is_exit_code_1(daemon, desk):
    daemon.on("POST", "/v1/samples", PLAN, job(delivered=2, failed=1))
    ran = desk("sample send int_1 --source heart-health")
    assert ran.code == 1
    assert "2 of 3 samples delivered" in ran.out
    assert daemon.last.json["sources"] == ["heart-health"]


def test_production_needs_a_yes(daemon, desk):
    daemon.on("POST", "/v1/samples", PLAN, job(delivered=3))
    assert desk("sample send int_1 --environment production").code == 2
    ran = desk("sample send int_1 --environment production --yes")
    assert ran.code == 0
    assert daemon.last.json["confirm"] == "CRM"
