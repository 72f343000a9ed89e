"""Fields of a task and of its issue in each other's words."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.harness.tasks import Issue, Task

from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.domain.task_mapping import (
    TaskMapping,
    desk_status,
    filled,
    fits_here,
    meaning,
    same,
    their_status,
    wording,
)

NOT_STARTED, IN_PROGRESS, DONE = WorkStatus

JIRA = TaskMapping(
    statuses={NOT_STARTED: "10000", IN_PROGRESS: "10001", DONE: "10002"},
    their_statuses={"10009": IN_PROGRESS},
)


@dataclass(frozen=True)
class Known:
    id: str
    done: bool = False


def test_settings_are_read_as_they_are_stored():
    mapping = TaskMapping.of(
        {
            "container": {"project": "OPS"},
            "directions": {"due": "pull"},
            "statuses": {"done": "10002", "in_progress": ""},
            "their_statuses": {"10009": "in_progress"},
            "people": {"mia": "Mia Krystof"},
            "values": {"labels": "{template}"},
            "every_s": 3600,
        }
    )
    assert mapping == TaskMapping(
        container={"project": "OPS"},
        directions={"due": FieldDirection.PULL},
        statuses={DONE: "10002"},
        their_statuses={"10009": IN_PROGRESS},
        people={"mia": "Mia Krystof"},
        values={"labels": "{template}"},
    )
    assert TaskMapping.of({}).direction("name") is FieldDirection.BOTH


@pytest.mark.parametrize(
    ("mapping", "theirs", "done", "now", "means"),
    [
        (JIRA, "10001", False, NOT_STARTED, IN_PROGRESS),
        (JIRA, "10009", False, DONE, IN_PROGRESS),
        (JIRA, "10002", True, NOT_STARTED, DONE),
        # what is not named follows from whether theirs is done
        (JIRA, "11000", True, IN_PROGRESS, DONE),
        (JIRA, "11000", False, NOT_STARTED, NOT_STARTED),
        (TaskMapping(), "open", False, IN_PROGRESS, IN_PROGRESS),
        (TaskMapping(), "open", False, DONE, IN_PROGRESS),
        (TaskMapping(), "closed", True, NOT_STARTED, DONE),
        # one of theirs for several of ours leaves the task where it is
        (TaskMapping(statuses={NOT_STARTED: "open", IN_PROGRESS: "open"}), "open", False, IN_PROGRESS, IN_PROGRESS),
        (TaskMapping(statuses={NOT_STARTED: "open", IN_PROGRESS: "open"}), "open", False, DONE, NOT_STARTED),
        (TaskMapping(statuses={IN_PROGRESS: "x", DONE: "x"}), "x", True, NOT_STARTED, DONE),
    ],
)  # fmt: skip
def test_what_a_status_of_theirs_means(mapping, theirs, done, now, means):
    assert desk_status(mapping, theirs, done=done, now=now) is means


@pytest.mark.parametrize(
    ("mapping", "ours", "theirs"),
    [
        (JIRA, DONE, "10002"),
        (TaskMapping(their_statuses={"t": DONE}), DONE, "t"),
        (TaskMapping(), DONE, "closed"),
        (TaskMapping(), NOT_STARTED, "open"),
        (TaskMapping(), IN_PROGRESS, "open"),
    ],
)
def test_which_status_of_theirs_is_asked_for(mapping, ours, theirs):
    assert their_status(mapping, ours, [Known("open"), Known("closed", done=True)]) == theirs
    assert their_status(TaskMapping(), ours) is None


def test_a_pair_of_statuses_agrees_whichever_way_it_was_named():
    for ours in WorkStatus:
        for mapping in (JIRA, TaskMapping()):
            known = [Known("open"), Known("closed", done=True)]
            theirs = their_status(mapping, ours, known)
            done = theirs in ("closed", "10002")
            assert desk_status(mapping, theirs, done=done, now=ours) is ours


def test_people_are_called_by_the_names_that_each_side_has():
    mapping = TaskMapping(people={"mia": "Mia Krystof"})
    assert wording(mapping, "assignee", "mia") == "Mia Krystof"
    assert wording(mapping, "assignee", "hubot") == "hubot"
    assert meaning(mapping, "assignee", Issue(assignee="mia krystof "), "") == "mia"
    assert meaning(mapping, "assignee", Issue(assignee="Hubot"), "") == "Hubot"
    assert meaning(TaskMapping(people={"nobody": ""}), "assignee", Issue(), "") == ""


def test_what_an_issue_does_not_tell_says_nothing():
    assert meaning(TaskMapping(), "name", Issue(title=" "), "Rotate") is None
    assert meaning(TaskMapping(), "due", Issue(due="tomorrow"), "") is None
    assert meaning(TaskMapping(), "due", Issue(due="2026-04-01T00:00:00Z"), "") == "2026-04-01"
    assert meaning(TaskMapping(), "status", Issue(status=""), "done") is None


def test_a_title_that_is_longer_than_a_name_is_cut():
    assert meaning(TaskMapping(), "name", Issue(title="x" * 300), "") == "x" * 255


@pytest.mark.parametrize(
    ("field", "one", "other", "equal"),
    [
        ("name", "Rotate  the\nkeys ", "Rotate the keys", True),
        ("name", "Rotate the keys", "rotate the keys", False),
        ("description", "Before April.\r\n\r\n\r\nAll. \n", "Before April.\n\nAll.", True),
        ("description", "Before April.\n\nAll.", "Before April.\nAll.", False),
        ("assignee", "Mia Krystof", "mia krystof", True),
        ("status", "done", "in_progress", False),
    ],
)
def test_spaces_and_line_ends_are_no_difference(field, one, other, equal):
    assert same(field, one, other) is equal


def test_what_the_desk_cannot_hold_is_not_written_back():
    assert fits_here(Issue(description="x" * 32_000))
    assert not fits_here(Issue(description="x" * 32_001))


def test_further_values_are_filled_in_and_other_braces_stay():
    task = Task(name="Rotate {due}", due="2026-04-01", assignee="mia")
    assert filled("{name} | {due} | {template} | {other} {", task, "Monthly") == (
        "Rotate {due} | 2026-04-01 | Monthly | {other} {"
    )
