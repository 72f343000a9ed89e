"""When a careful job goes on, and when it stops by itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from healthdesk.domain.job_states import JobStage
from healthdesk.domain.job_watch import WINDOW, Result, Wait, Watch, cause_of, next_stage, note, wanted
from healthdesk.domain.states import Environment, HoldReason

ONE, FIVE, REST = JobStage
OK = Result()
KNOWN = Result("prb_1", "risk_level is required")
OTHER = Result("500 boom", "boom")
BEFORE = Watch(known=("prb_1",))


def after(stage: JobStage, *results: Result, under_way: int = 0, watch: Watch = BEFORE) -> tuple[Watch, str]:
    return note(watch, stage, results, under_way)


def test_one_that_gets_through_lets_five_go_and_then_the_rest():
    watch, why = after(ONE, OK)
    assert (why, next_stage(watch, ONE, 0)) == ("", FIVE)
    watch, why = after(FIVE, *[OK] * 5)
    assert (why, next_stage(watch, FIVE, 0)) == ("", REST)
    assert next_stage(watch, REST, 0) is REST


def test_a_stage_waits_for_all_of_its_records():
    watch, _ = after(FIVE, OK, OK, OK, OK, under_way=1)
    assert next_stage(watch, FIVE, 1) is FIVE
    assert wanted(watch, FIVE, 1, 100) == 0
    assert wanted(BEFORE, ONE, 0, 100) == 1
    assert wanted(BEFORE, FIVE, 2, 100) == 3
    assert wanted(BEFORE, REST, 30, 70) == 70
    assert wanted(BEFORE, REST, 130, 0) == 0


@pytest.mark.parametrize("stage", [ONE, FIVE])
def test_the_failure_from_before_stops_the_first_stages_at_once(stage):
    _, why = after(stage, KNOWN, under_way=4)
    assert why == "The same failure came back: risk_level is required"


def test_another_failure_stops_the_first_stages_only_where_nothing_got_through():
    assert after(ONE, OTHER)[1] == "The record tried first did not get through, so no more are sent: boom"
    assert after(FIVE, OTHER, OTHER, under_way=3)[1] == ""
    watch, why = after(FIVE, OTHER, OTHER, OK, OTHER, OTHER)
    assert (why, next_stage(watch, FIVE, 0)) == ("", REST)
    watch, why = after(FIVE, *[OTHER] * 4)
    assert why == "", "as long as fewer were tried than the stage takes, nothing is known"
    assert (next_stage(watch, FIVE, 0), wanted(watch, FIVE, 0, 100)) == (FIVE, 1)
    assert after(FIVE, OTHER, watch=watch, under_way=1)[1] == ""
    watch, _ = after(FIVE, OTHER, watch=watch, under_way=1)
    told = "None of the 5 records tried next got through, so no more are sent: boom"
    assert after(FIVE, watch=watch)[1] == told, "also where the last one under way was not tried after all"


def test_in_the_rest_three_of_one_cause_in_a_row_stop_it():
    assert after(REST, KNOWN, KNOWN, OTHER, KNOWN, KNOWN)[1] == ""
    assert after(REST, KNOWN, KNOWN, KNOWN)[1].startswith("The same failure 3 times in a row")
    watch, _ = after(REST, KNOWN, KNOWN)
    assert after(REST, KNOWN, watch=watch)[1], "what was seen before counts"


def test_in_the_rest_more_than_a_fifth_of_the_last_fifty_of_one_cause_stop_it():
    mixed = [KNOWN, OK, OK, OK, OK] * 10
    watch, why = after(REST, *mixed)
    assert why == ""
    assert after(REST, KNOWN, watch=watch)[1] == "", "the oldest failure is no longer among the last fifty"
    assert after(REST, KNOWN, OK, KNOWN, watch=watch)[1].startswith(
        "The same failure 11 times in the last 50"
    )
    assert len(watch.recent) == WINDOW


def test_what_was_seen_survives_its_way_through_the_database():
    watch, _ = after(REST, OK, KNOWN, OTHER)
    held = Wait(HoldReason.ORDER, "int_1", "CRM", Environment.TESTING, 2, "rec_1")
    watch = replace(watch, waits=(held,))
    assert Watch.from_json(json.loads(json.dumps(watch.to_json()))) == watch
    assert Watch.from_json({}) == Watch()
    assert watch.afresh() == BEFORE


def test_a_cause_is_its_problem_or_what_was_said():
    said = {"error_kind": "refused", "status": 422, "error": "no"}
    assert cause_of(problem_id="prb_1", **said) == "prb_1"
    assert cause_of(problem_id=None, **said) != cause_of(problem_id=None, **said | {"status": 400})
    assert cause_of(problem_id=None, error_kind="timeout", status=None, error=""), (
        "never empty: that means none"
    )
