"""The window of a problem of tasks or proof syncs: evidence from their runs, what it holds up, and the way to each."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from healthdesk.api.instances import Run
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.states import ProblemState, Trigger
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.task import TaskScreen
from tests.tui.desk import LARGE, SMALL, open_desk
from tests.tui.fake_accounts import a_proof, a_task
from tests.tui.fake_client import NOW, FakeDesk

SENTENCE = "The issue ACME-1 was deleted in Jira Cloud, or moved to where this account does not see it"


class Desk(FakeDesk):
    """One problem, and what runs say of its sample."""

    def __init__(self, *instances, unit="task", **more):
        super().__init__()
        self.instances = list(instances)
        fields = {
            "id": "prb_1", "state": ProblemState.OPEN, "cause": "404 issue deleted, or hidden from the account", "kind": "not_found",
            "blame": "configuration", "next_action": "Create a new issue", "where": "Jira tasks", "integration_id": "int_jira", "unit": unit,
            "count": len(instances), "total": 3, "instances": len(instances), "since": NOW - timedelta(minutes=9), "last_at": NOW,
        }  # fmt: skip
        self.problem_rows = [ProblemRow(**(fields | more))]

    async def problem(self, problem_id):
        [row] = self.problem_rows
        run = {"instance_id": "tsk_1", "trigger": Trigger.SCHEDULE, "finished_at": NOW}
        good = Run(
            id="run_1",
            outcome=RunOutcome.CREATED,
            outcome_word="Created",
            started_at=NOW - timedelta(hours=1),
            **run,
        )
        bad = Run(id="run_2", outcome=RunOutcome.FAILED, status=404, error=SENTENCE, started_at=NOW - timedelta(minutes=9), **run)  # fmt: skip
        return ProblemDetail(**row.model_dump(), last_good_run=good, first_bad_run=bad)


def a_failed(make, number):
    state = InstanceState.SYNC_FAILED
    return make(number, state=state, state_word="Sync failed", error=SENTENCE)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_it_lists_what_it_holds_up_under_the_last_good_and_the_first_bad_run(size):
    desk = Desk(a_failed(a_task, 1), a_failed(a_task, 2))
    async with open_desk(desk, area="problems", size=size) as driver:
        await driver.press("enter")
        shown = driver.text()
        assert re.search(r"Last good run +✓ .*Created", shown)
        assert re.search(r"First bad run +✗ 404 .*The issue", shown)
        assert "Patch bastion 1" in shown
        assert "Patch bastion 2" in shown
        assert desk.called("instances_list")[-1].problem_id == "prb_1"
        assert "logs" not in driver.line(-1), "there are no records to look for"
        await driver.press("j", "enter")
        assert isinstance(driver.app.screen, TaskScreen)
        assert driver.app.screen.key == desk.instances[1].id


async def test_a_proof_sync_is_opened_by_what_it_collected():
    desk = Desk(a_proof(1), unit="proof")
    async with open_desk(desk, area="problems") as driver:
        await driver.press("enter", "enter")
        assert isinstance(driver.app.screen, ProofScreen)


async def test_what_a_connections_problem_blocks_is_listed_too():
    desk = Desk(a_task(1, blocked=True), count=0, total=0, unit="record", blocked={"task": 1})
    async with open_desk(desk, area="problems") as driver:
        await driver.press("enter")
        assert "blocked by" in driver.text()
        assert "resend" not in driver.line(-1)
        await driver.press("enter")
        assert isinstance(driver.app.screen, TaskScreen)


async def test_one_that_holds_up_nothing_any_more_opens_its_sample_or_says_that_there_is_none():
    desk = Desk(sample_instance_id="tsk_00000000000000000000000001")
    async with open_desk(desk, area="problems") as driver:
        await driver.press("enter", "enter")
        assert isinstance(driver.app.screen, TaskScreen)
    desk = Desk()
    async with open_desk(desk, area="problems") as driver:
        await driver.press("enter", "enter")
        assert isinstance(driver.app.screen, ProblemScreen)
        assert driver.said[-1] == "Open: it has no task left"
