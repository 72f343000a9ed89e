"""Jobs: the line that anyone attached sees, the keys that act on it, the list, the window, and what became of each record."""

from __future__ import annotations

import pytest

from healthdesk.api.fixes import Fix
from healthdesk.api.jobs import JobItem, JobWait
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment, Role
from healthdesk.tui.flows.jobs import job_refusal
from healthdesk.tui.format import plain
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.jobs import JobsScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.view.jobs import bar, job_explain, stage_words
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.job_line import JobLine
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_health import NOW
from tests.tui.fake_jobs import JOB_ID, a_job

RECORD = "rec_00000000000000000000999990"
SHORT = "job_01JD…001"
HELD = JobWait(
    reason="connection", integration_id="int_1", integration_name="CRM partner", environment="production", records=5
)  # fmt: skip


class JobDesk(FakeDesk):
    """A desk with one job of somebody else under way."""

    def __init__(self, role=Role.ADMINISTRATOR, **changes):
        super().__init__(role=role)
        self.jobs = [a_job(**changes)]
        self.items = [
            JobItem(record_id=RECORD, source="heart-health", source_name="Heart health", level="low", state=JobItemState.FAILED, status=422, error_kind="missing_field", detail="risk_level is required", finished_at=NOW),
            JobItem(record_id="rec_00000000000000000000999991", source="sleep", source_name="Sleep", level="high", state=JobItemState.DELIVERED, status=200, finished_at=NOW),
            JobItem(record_id="rec_00000000000000000000999993", state=JobItemState.SKIPPED, detail="delivered meanwhile"),
        ]  # fmt: skip


@pytest.mark.parametrize(("area", "size"), [("log", SMALL), ("log", LARGE), ("problems", SMALL)])
async def test_a_job_of_somebody_else_is_a_line_with_its_progress(area, size):
    async with open_desk(JobDesk(), area=area, size=size) as driver:
        assert f"→ {SHORT} 84/131 ▓▓▓▓▓▓▓░░░░░ 3 failed" in driver.line(3)


async def test_the_problems_window_has_it_too():
    async with open_desk(JobDesk(), area="problems") as driver:
        await driver.press("enter")
        assert f"{SHORT} 84/131" in driver.text()


async def test_without_a_job_there_is_no_line():
    async with open_desk(FakeDesk()) as driver:
        assert not driver.app.screen.query_one(JobLine).display
        assert driver.line(3).startswith("───")


async def test_the_line_follows_the_job_and_tells_when_it_ended():
    desk = JobDesk()
    async with open_desk(desk) as driver:
        counts = {JobItemState.DELIVERED: 128, JobItemState.FAILED: 3}
        desk.move_job(state=JobState.DONE, counts=counts, finished_at=NOW)
        desk.tell("job.changed", JOB_ID)
        await driver.settle()
        assert "Resend 131 failed records done. 128 delivered, 3 failed." in driver.said
        assert "done 131/131 ▓▓▓▓▓▓▓▓▓▓▓▓ 3 failed" in driver.line(3)


async def test_keys_act_on_the_job_while_its_line_has_the_focus_and_only_then():
    desk = JobDesk()
    async with open_desk(desk) as driver:
        await driver.press("p", "D")
        assert desk.called("job_pause") == []
        await driver.press("shift+tab")
        assert isinstance(driver.app.focused, JobLine)
        assert "p pause  D cancel" in driver.line(3)
        await driver.press("p")
        assert desk.called("job_pause") == [JOB_ID]
        assert "⏸ job_01JD…001 paused" in driver.line(3)
        await driver.press("p")
        assert desk.called("job_resume") == [JOB_ID]
        await driver.press("D")
        assert isinstance(driver.app.screen, Question)
        assert "45 records not sent yet stay as they are." in driver.text()
        await driver.press("enter")
        assert desk.called("job_cancel") == [], "it starts on Go on"
        await driver.press("D", "right", "enter")
        assert desk.called("job_cancel") == [JOB_ID]
        assert desk.called("record_resend") == []


async def test_a_stopped_job_says_why_and_is_resumed_after_a_question():
    reason = (
        "The same failure came back: the endpoint answered 422 Unprocessable Content: risk_level is required"
    )
    desk = JobDesk(state=JobState.STOPPED, stage=JobStage.ONE, counts={JobItemState.FAILED: 1, JobItemState.PENDING: 130}, reason=reason)  # fmt: skip
    async with open_desk(desk, size=SMALL) as driver:
        assert f"✗ {SHORT} stopped canary 1/1 ░░░░░░░░░░░░ 1 failed" in driver.line(3)
        assert f"{driver.line(4)} {driver.line(5)}".split() == reason.split(), "all of it, at 80 columns"
        assert driver.line(6).startswith("───")
        desk.move_job(state=JobState.RUNNING, waits=[HELD])
        desk.tell("job.changed", JOB_ID)
        await driver.settle()
        assert f"⏸ {SHORT} waits canary 1/1" in driver.line(3)
        assert driver.line(4).strip() == f"Waits: {HELD.sentence}"
        assert driver.line(5).startswith("───"), "it takes no more room than it needs"
        desk.move_job(state=JobState.STOPPED, waits=[])
        desk.tell("job.changed", JOB_ID)
        await driver.settle()
        await driver.press("shift+tab", "p")
        assert "It goes on where it stopped" in driver.text()
        await driver.press("right", "enter")
        assert desk.called("job_resume") == [JOB_ID]


async def test_a_job_that_is_prepared_is_shown_and_can_be_cancelled_not_paused():
    desk = JobDesk(state=JobState.PREPARING, stage=JobStage.ONE, counts={JobItemState.PENDING: 131})
    async with open_desk(desk) as driver:
        await driver.press("shift+tab")
        assert f"· {SHORT} preparing 131 records ░░░░░░░░░░░░  D cancel" in driver.line(3)
        await driver.press("p")
        assert (desk.called("job_pause"), desk.called("job_resume")) == ([], [])
        assert job_refusal("pause_job", desk.jobs[0]) == "it is being prepared"
        await driver.press("D", "right", "enter")
        assert desk.called("job_cancel") == [JOB_ID]


async def test_a_member_sees_the_job_and_cannot_pause_it():
    desk = JobDesk(role=Role.MEMBER)
    async with open_desk(desk) as driver:
        await driver.press("shift+tab", "p")
        assert desk.called("job_pause") == []
        assert any("needs the manager role" in told for told in driver.said)


async def test_the_window_has_the_counts_and_the_result_of_each_record():
    desk = JobDesk()
    async with open_desk(desk) as driver:
        await driver.press("shift+tab", "enter")
        assert isinstance(driver.app.screen, JobScreen)
        told = driver.text()
        assert "→ Running: Resend 131 failed records  CRM endpoint · production" in told
        assert "84 of 131 · the rest · 20/s, 2 s left" in told
        assert "131 in all   · 45 pending   → 2 sent   ✓ 81 delivered   ✗ 3 failed" in told
        assert "risk_level is required" in told
        assert "delivered meanwhile" in told
        await driver.press("slash", "down", "enter")
        assert desk.called("job_records")[-1][1] == (JobItemState.FAILED, JobItemState.UNKNOWN, JobItemState.RETRYING)  # fmt: skip
        assert "delivered meanwhile" not in driver.text()
        await driver.press("enter")
        assert isinstance(driver.app.screen, RecordScreen)
        assert driver.app.screen.key == RECORD


async def test_an_empty_filter_of_results_says_so():
    desk = JobDesk()
    desk.items = []
    async with open_desk(desk) as driver:
        await driver.press("shift+tab", "enter", "slash", "down", "enter")
        assert "None of its records is in trouble." in driver.text()
        await driver.press("backspace")
        assert "No records." in driver.text()


async def test_jobs_are_listed_and_opened_from_the_log_and_the_palette():
    desk = JobDesk()
    async with open_desk(desk) as driver:
        await driver.press("J")
        assert isinstance(driver.app.screen, JobsScreen)
        assert "Resend 131 faile…" in driver.text()
        await driver.press("slash", "down", "enter")
        assert desk.called("jobs_list")[-1] == (
            JobState.RUNNING,
            JobState.PREPARING,
            JobState.STOPPED,
            JobState.PAUSED,
        )
        await driver.press("p")
        assert desk.called("job_pause") == [JOB_ID]
        await driver.press("enter")
        assert isinstance(driver.app.screen, JobScreen)
        await driver.press("l")
        assert isinstance(driver.app.screen, LogScreen)
        assert desk.called("records_list")[-1][0].job_id == JOB_ID
    async with open_desk(desk, area="connections") as driver:
        titles = [command.title for command in driver.app.get_system_commands(driver.app.screen)]
        assert titles.count("Jobs") == 1


async def test_a_fix_that_worked_in_a_job_is_kept_after_a_question():
    desk = JobDesk(
        kind=JobKind.FIX, fix_id="fix_1", state=JobState.DONE, counts={JobItemState.DELIVERED: 131}
    )
    step = {"do": "set", "path": "risk_level", "value": "high"}
    desk.fixes = [
        Fix(id="fix_0", at=NOW, made_by="bob"),
        Fix(id="fix_1", at=NOW, made_by="bob", mapping=[step], headers={"x-tenant": "acme"}),
    ]
    async with open_desk(desk) as driver:
        await driver.app.push_screen(JobScreen(JOB_ID))
        await driver.settle()
        await driver.press("w")
        assert 'set risk_level = "high"' in driver.text()
        assert "header x-tenant: acme" in driver.text()
        await driver.press("right", "enter")
        [(integration, environment, mapping, headers)] = desk.called("integration_mapping_save")
        assert (integration, environment, headers) == ("int_crm", Environment.TESTING, {"x-tenant": "acme"})
        assert "1 step and 1 header for all records from now on" in driver.said[-1]
        assert [item.path for item in mapping] == ["risk_level"]


def test_a_job_is_never_shown_as_whole_before_it_is():
    almost = a_job(1000, counts={JobItemState.DELIVERED: 999, JobItemState.SENT: 1})
    assert bar(almost).endswith("░")
    assert bar(a_job(0, counts={})) == "▓" * 12


@pytest.mark.parametrize(
    ("stage", "total", "finished", "told"),
    [
        (JobStage.ONE, 131, 0, "canary 0/1"),
        (JobStage.FIVE, 131, 3, "canary 1/1 ✓ · 2/5"),
        (JobStage.FIVE, 3, 2, "canary 1/1 ✓ · 1/2"),
        (JobStage.REST, 131, 84, "84/131"),
    ],
)
def test_the_canary_is_told_step_by_step(stage, total, finished, told):
    counts = {JobItemState.DELIVERED: finished, JobItemState.PENDING: total - finished}
    assert stage_words(a_job(total, stage=stage, counts=counts)) == told


def test_a_job_that_ended_well_is_explained_by_what_became_of_its_records():
    counts = {JobItemState.DELIVERED: 130, JobItemState.SKIPPED: 1}
    job = a_job(state=JobState.DONE, counts=counts, finished_at=NOW, integration_name="", environment=None)
    told, keys = (plain([each]) for each in job_explain(job, View(NOW)))
    assert told.startswith("130 delivered, 1 skipped, ended ")
    assert keys.strip() == "enter open"
