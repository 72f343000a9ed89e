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
    assert "2 of 3 samples delivered, 1 failed. `healthdesk jobs show job_1 --records` says" in ran.out
    assert daemon.last.json["sources"] == ["heart-health"]


def test_production_needs_a_yes(daemon, desk):
    daemon.on("POST", "/v1/samples", PLAN, job(delivered=3))
    assert desk("sample send int_1 --environment production").code == 2
    ran = desk("sample send int_1 --environment production --yes")
    assert ran.code == 0
    assert daemon.last.json["confirm"] == "CRM"


def test_at_80_columns_the_reason_is_whole_and_nothing_to_send_is_not_asked_about(daemon, desk):
    desk.width = 80
    reason = "not enabled for CRM delivery to the partner of the programme"
    skipped = PLAN.sources[0].model_copy(update={"records": 0, "skipped": reason})
    daemon.on("POST", "/v1/samples", PLAN.model_copy(update={"sources": [skipped], "total": 0}))
    ran = desk("sample send int_1 --environment production", stdin="y\n", terminal=True)
    assert ran.code == 1
    assert f"Skipped: {reason}" in ran.out
    assert "sources enable" in ran.err
    assert "[y/N]" not in ran.err
    assert max(map(len, ran.out.splitlines())) <= 80


def test_how_far_it_is_is_said_while_it_is_under_way(daemon, desk):
    under_way = job(delivered=1, sent=2).model_copy(update={"state": JobState.RUNNING})
    daemon.on("POST", "/v1/samples", PLAN, under_way)
    daemon.on("GET", "/v1/jobs/job_1", job(delivered=2, sent=1), job(delivered=3))
    ran = desk("sample send int_1")
    assert ran.err.splitlines() == ["job_1: 1 of 3, 0 failed", "job_1: 2 of 3, 0 failed"]
    assert ran.out.splitlines()[-1] == "3 of 3 samples delivered. job_1"
    daemon.on("POST", "/v1/samples", PLAN, under_way)
    assert "Began job_1: 3 samples." in desk("sample send int_1 --no-wait").out
