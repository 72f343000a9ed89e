"""A mapping to begin with, for what apps call their statuses."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from healthdesk.domain.instance_states import WorkStatus
from healthdesk.domain.status_mapping import find_status, named, suggested

NEW, BEGUN, DONE = WorkStatus.NOT_STARTED, WorkStatus.IN_PROGRESS, WorkStatus.DONE


@dataclass(frozen=True)
class Status:
    id: str
    name: str
    done: bool = False


JIRA = [
    Status("3", "In Progress"),
    Status("10000", "To Do"),
    Status("10002", "In Review"),
    Status("10001", "Done", done=True),
    Status("10003", "Cancelled", done=True),
]


def test_names_and_what_is_done_decide() -> None:
    found = suggested(JIRA)
    assert found.statuses == {NEW: "10000", BEGUN: "3", DONE: "10001"}
    assert found.theirs == {"10002": BEGUN, "10003": DONE}


@pytest.mark.parametrize(
    ("names", "new", "begun", "done"),
    [
        ((("open", "Open"), ("closed", "Closed", True)), "open", "open", "closed"),
        ((("1", "Backlog"), ("2", "Todo"), ("3", "Doing"), ("4", "Done")), "2", "3", "4"),
        ((("1", "Ideas"), ("2", "Later"), ("3", "Shipped", True)), "1", "1", "3"),
        (
            (
                ("new", "New"), ("open", "Open"), ("pending", "Pending"),
                ("solved", "Solved", True), ("closed", "Closed", True),
            ),
            "new", "open", "solved",
        ),
        ((("0", "Not started"), ("50", "In-progress"), ("100", "Completed", True)), "0", "50", "100"),
        (
            (("t", "Triggered"), ("a", "Acknowledged"), ("r", "Resolved", True)),
            "t", "a", "r",
        ),
    ],
)  # fmt: skip
def test_what_apps_have(names, new: str, begun: str, done: str) -> None:
    assert suggested([Status(*each) for each in names]).statuses == {NEW: new, BEGUN: begun, DONE: done}


def test_an_app_that_tells_nothing_gets_no_mapping() -> None:
    assert suggested([]).statuses == {}
    assert suggested([Status("x", "Odd")]).statuses == {NEW: "x", BEGUN: "x"}


def test_a_further_status_that_sounds_new_means_not_started() -> None:
    found = suggested([Status("1", "To Do"), Status("2", "Backlog"), Status("3", "Done", done=True)])
    assert found.theirs == {"2": NEW}


def test_a_status_is_found_by_id_before_name_and_never_guessed() -> None:
    assert find_status(JIRA, "3") is JIRA[0]
    assert find_status(JIRA, " in REVIEW ") is JIRA[2]
    assert find_status(JIRA, "Nothing") is None
    assert find_status([Status("1", "Done"), Status("2", "done")], "DONE") is None
    assert find_status([Status("1", "2"), Status("2", "1")], "2") == Status("2", "1")


def test_statuses_are_told_with_their_ids() -> None:
    assert named([Status("open", "open"), Status("3", "Done")]) == "open, Done (3)"
    assert named([Status(str(n), str(n)) for n in range(30)]).endswith("19, …")
