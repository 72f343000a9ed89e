"""`healthdesk jobs`, and resending all until the job has ended."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell, StillClock
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.job_calls import job, job_item, job_plan

ENDED = {"state": "done", "counts": {"delivered": 131}, "finished_at": wire.NOW}


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_jobs_are_listed_with_how_far_they_are(daemon, desk):
    daemon.on("GET", "/v1/jobs", wire.page(job(counts={"pending": 40, "sent": 4, "failed": 2, "unknown": 1})))
    ran = desk("jobs list --state running --state stopped --limit 5")
    assert ran.code == 0
    line = next(each for each in ran.out.splitlines() if "job_1" in each)
    assert line.split()[:5] == ["job_1", "running", "rest", "87/131", "3"]
    assert "Resend 131 records" in line
    assert daemon.last.query == [("limit", "5"), ("state", "running"), ("state", "stopped")]


def test_no_jobs_says_how_one_begins(daemon, desk):
    daemon.on("GET", "/v1/jobs", wire.page())
    assert "records resend-all" in desk("jobs list").out


def test_a_job_is_shown_with_its_counts_and_why_it_stopped(daemon, desk):
    held = {
        "reason": "connection",
        "integration_id": "int_2",
        "integration_name": "CRM partner",
        "environment": "testing",
        "records": 5,
    }
    turn = held | {"reason": "order", "records": 1, "goes_first": "rec_7"}
    stopped = job(state="stopped", stage="one", reason="the same failure came back", waits=[held, turn])
    daemon.on("GET", "/v1/jobs/job_1", stopped)
    shown = desk("jobs show job_1").out
    assert "stopped: the same failure came back" in shown
    assert (
        "5 held, CRM partner · TESTING: connection failing; 1 held, CRM partner · TESTING: rec_7 goes first"
        in shown
    )
    assert "87 of 131 done" in shown
    assert "40 pending, 4 sent, 84 delivered, 3 failed" in shown
    assert "20/s" in shown
    assert desk("jobs show job_1 --json").json["counts"]["delivered"] == 84


def test_what_became_of_each_record_is_listed_by_state(daemon, desk):
    daemon.on("GET", "/v1/jobs/job_1/records", wire.page(job_item()))
    ran = desk("jobs show job_1 --state failed")
    line = next(each for each in ran.out.splitlines() if "rec_1" in each)
    assert line.split()[:5] == ["rec_1", "heart-health", "low", "failed", "422"]
    assert "risk_level is required" in line
    assert ("state", "failed") in daemon.last.query
    assert desk("jobs show job_1 --records --json").json["items"][0]["record_id"] == "rec_1"


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("resume", "running")])
def test_a_job_is_paused_and_resumed(daemon, desk, verb, state):
    daemon.on("POST", f"/v1/jobs/job_1/{verb}", job(state=state))
    ran = desk(f"jobs {verb} job_1")
    assert (ran.code, daemon.lines()) == (0, [f"POST /v1/jobs/job_1/{verb}"])
    assert ran.out.startswith(f"{verb.capitalize()}d job_1")


def test_what_cannot_be_paused_says_why(daemon, desk):
    daemon.problem("POST", "/v1/jobs/job_1/pause", 409, "conflict", "this job is done and cannot be paused")
    ran = desk("jobs pause job_1")
    assert (ran.code, ran.out) == (1, "")
    assert "this job is done and cannot be paused" in ran.err


def test_cancelling_asks_with_what_is_not_sent_yet(daemon, desk):
    daemon.on("GET", "/v1/jobs/job_1", job())
    daemon.on("POST", "/v1/jobs/job_1/cancel", job(state="cancelled"))
    ran = desk("jobs cancel job_1", stdin="n\n", terminal=True)
    assert ran.code == 1
    assert "Cancel Resend 131 records? 40 are not sent yet." in ran.err
    assert daemon.lines() == ["GET /v1/jobs/job_1"]
    assert desk("jobs cancel job_1", stdin="y\n", terminal=True).code == 0
    assert daemon.lines()[-1] == "POST /v1/jobs/job_1/cancel"


def test_cancelling_without_a_person_needs_yes(daemon, desk):
    daemon.on("POST", "/v1/jobs/job_1/cancel", job(state="cancelled"))
    ran = desk("jobs cancel job_1", stdin="y\n")
    assert (ran.code, daemon.asked) == (2, [])
    ran = desk("jobs cancel job_1 --yes")
    assert (ran.code, daemon.lines()) == (0, ["POST /v1/jobs/job_1/cancel"])
    assert "What was not sent stays as it is." in ran.out


def waited_for(daemon, *looks):
    daemon.on("POST", "/v1/jobs", job_plan(), job(state="preparing", counts={"pending": 131}))
    daemon.on("GET", "/v1/jobs/job_1", *looks)


def test_waiting_says_how_far_the_job_is_and_ends_with_it(daemon, desk):
    waited_for(daemon, job(), job(), job(**ENDED))
    clock = StillClock()
    ran = desk("records resend-all --rate 5 --not-careful --wait --yes", clock=clock)
    assert ran.code == 0
    assert ran.out.endswith("job_1 done: 131 of 131, 0 failed.\n")
    assert ran.err.count("job_1 rest: 87 of 131, 3 failed") == 1, "what did not change is not said again"
    assert clock.slept == [1.0] * 3
    created = next(each.json for each in reversed(daemon.asked) if each.method == "POST")
    assert (created["rate_per_s"], created["careful"], created["expect"]) == (5.0, False, 131)


@pytest.mark.parametrize(
    "left",
    [
        {"state": "stopped", "counts": {"pending": 130, "failed": 1}, "reason": "the same failure came back"},
        {"state": "done", "counts": {"delivered": 130, "failed": 1}},
        {"state": "done", "counts": {"delivered": 130, "unknown": 1}},
        {"state": "cancelled", "counts": {"pending": 131}},
    ],
)
def test_waiting_for_what_does_not_get_through_is_exit_code_1(daemon, desk, left):
    waited_for(daemon, job(**left))
    ran = desk("records resend-all --wait --yes")
    assert ran.code == 1
    assert left.get("reason", "") in ran.out
    assert f"job_1 {left['state']}:" in ran.out


def test_records_under_way_of_a_job_that_stopped_are_waited_for(daemon, desk):
    still = job(state="stopped", counts={"pending": 129, "sent": 2})
    waited_for(daemon, still, job(state="stopped", counts={"pending": 129, "failed": 2}))
    assert desk("records resend-all --wait --yes").out.endswith("job_1 stopped: 2 of 131, 2 failed.\n")


async def gone(request):
    request.transport.abort()


def test_a_daemon_that_restarts_meanwhile_is_waited_for(daemon, desk):
    waited_for(daemon, job(), gone, gone, job(**ENDED))
    ran = desk("records resend-all --wait --yes", clock=StillClock())
    assert ran.code == 0
    assert ran.err.count("goes on once it is back") == 1
    assert ran.out.endswith("job_1 done: 131 of 131, 0 failed.\n")


def test_waiting_for_a_daemon_that_stays_away_ends_with_how_to_go_on(daemon, desk):
    waited_for(daemon, gone)
    ran = desk("records resend-all --wait --yes", clock=StillClock())
    assert ran.code == 3
    assert "job_1 goes on once it is back: `healthdesk jobs show job_1`" in ran.err


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan", "many"])
def test_a_rate_is_a_number_above_0(daemon, desk, rate):
    ran = desk(f"records resend-all --rate={rate} --yes")
    assert ran.code == 2
    assert "no number of records a second above 0" in ran.err
    assert daemon.asked == []
