"""What a sync of a task and its issue does, and that it comes to rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.harness.tasks import Issue, Task

from healthdesk.domain.instance_states import FieldDirection, RunOutcome, WorkStatus
from healthdesk.domain.task_creation import created, creation
from healthdesk.domain.task_mapping import FIELDS, TaskMapping, meaning, ours, same, their_status, wording
from healthdesk.domain.task_sync import Abilities, FieldChange, attached, decide, overwrites, settled

ALL = Abilities()
NONE = TaskMapping()
NOT_STARTED, IN_PROGRESS, DONE = WorkStatus


@dataclass(frozen=True)
class Known:
    id: str
    done: bool = False


KNOWN = (Known("open"), Known("doing"), Known("closed", done=True))


@dataclass
class App:
    """An app that keeps one issue, and may change what it is given."""

    issue: Issue
    alter: Callable[[str, str], str] = lambda _, value: value
    asked: list[str] = field(default_factory=list)

    def put(self, name: str, value: str) -> None:
        self.asked.append(name)
        if name == "status":
            self.issue = replace(self.issue, status=value, done=value == "closed")
            return
        self.issue = replace(self.issue, **{"title" if name == "name" else name: self.alter(name, value)})


def synced_of(task: Task, issue: Issue, mapping: TaskMapping = NONE):
    """What counts as synced where both sides were left so by the sync before."""
    return settled(task, decide(task, issue, None, replace(mapping, directions=dict.fromkeys(FIELDS, FieldDirection.OFF)), ALL), issue, issue, (), None, mapping)  # fmt: skip


def sync(task: Task, app: App, synced, mapping: TaskMapping = NONE, abilities: Abilities = ALL):
    """One sync as the engine does it; return the task, what counts as synced, and the plan."""
    issue = app.issue
    plan = decide(task, issue, synced, mapping, abilities)
    for name in plan.push:
        wanted = their_status(mapping, task.status, KNOWN) if name == "status" else None
        app.put(name, wanted or wording(mapping, name, ours(task, name)))
    after = settled(task, plan, issue, app.issue, plan.push, synced, mapping)
    pulled = {name: WorkStatus(value) if name == "status" else value for name, value in plan.pull.items()}
    return replace(task, **pulled), after, plan


# one field at a time


def test_nothing_changed_is_nothing_to_do():
    task, issue = Task(), Issue()
    plan = decide(task, issue, synced_of(task, issue), NONE, ALL)
    assert (plan.push, dict(plan.pull)) == ((), {})
    assert plan.outcome(()) is RunOutcome.UNCHANGED


def test_what_only_we_changed_is_pushed():
    before = Task()
    task = replace(before, name="Rotate all keys", status=DONE)
    plan = decide(task, Issue(), synced_of(before, Issue()), NONE, ALL)
    assert plan.push == ("name", "status")
    assert not plan.pull
    assert plan.changes[0] == FieldChange("name", "Rotate the keys", "Rotate all keys", "ours")
    assert plan.outcome(plan.push) is RunOutcome.PUSHED


def test_what_only_they_changed_is_pulled():
    issue = Issue(description="Before April.", status="closed", done=True)
    plan = decide(Task(), issue, synced_of(Task(), Issue()), NONE, ALL)
    assert plan.push == ()
    assert plan.pull == {"description": "Before April.", "status": "done"}
    assert plan.outcome(()) is RunOutcome.PULLED


def test_of_a_conflict_theirs_is_taken_and_ours_is_recorded():
    task, issue = Task(name="Ours"), Issue(title="Theirs", due="2026-04-01")
    plan = decide(task, issue, synced_of(Task(), Issue()), NONE, ALL)
    assert plan.pull == {"name": "Theirs", "due": "2026-04-01"}
    assert plan.conflicts == {"name"}
    assert plan.changes[0] == FieldChange("name", "Ours", "Theirs", "theirs", lost="Ours")
    assert plan.changes[1].lost == ""
    assert plan.outcome(()) is RunOutcome.CONFLICT


def test_both_changed_to_the_same_is_agreement():
    plan = decide(Task(name="Same"), Issue(title="Same"), synced_of(Task(), Issue()), NONE, ALL)
    assert (plan.push, dict(plan.pull)) == ((), {})


def test_different_fields_that_each_side_changed_are_merged():
    plan = decide(Task(name="Ours"), Issue(due="2026-04-01"), synced_of(Task(), Issue()), NONE, ALL)
    assert (plan.push, dict(plan.pull)) == (("name",), {"due": "2026-04-01"})
    assert plan.outcome(plan.push) is RunOutcome.MERGED


@pytest.mark.parametrize(
    ("way", "task", "issue", "push", "pull"),
    [
        (FieldDirection.OFF, "Ours", "Theirs", (), {}),
        (FieldDirection.PUSH, "Ours", "Rotate the keys", ("name",), {}),
        (FieldDirection.PUSH, "Rotate the keys", "Theirs", ("name",), {}),
        (FieldDirection.PUSH, "Ours", "Theirs", ("name",), {}),
        (FieldDirection.PULL, "Ours", "Rotate the keys", (), {"name": "Rotate the keys"}),
        (FieldDirection.PULL, "Rotate the keys", "Theirs", (), {"name": "Theirs"}),
        (FieldDirection.PULL, "Ours", "Theirs", (), {"name": "Theirs"}),
    ],
)
def test_a_field_goes_the_way_that_is_set(way, task, issue, push, pull):
    mapping = TaskMapping(directions={"name": way})
    plan = decide(Task(name=task), Issue(title=issue), synced_of(Task(), Issue()), mapping, ALL)
    assert (plan.push, dict(plan.pull)) == (push, pull)


def test_a_status_that_already_means_ours_is_not_pushed():
    mapping = TaskMapping(statuses={IN_PROGRESS: "doing"}, their_statuses={"review": IN_PROGRESS})
    task = Task(status=IN_PROGRESS)
    synced = synced_of(Task(), Issue(), mapping)
    plan = decide(task, Issue(status="review"), synced, mapping, ALL)
    assert (plan.push, dict(plan.pull)) == ((), {})


def test_another_status_of_theirs_with_the_same_meaning_is_no_change_of_theirs():
    mapping = TaskMapping(
        statuses={NOT_STARTED: "open", DONE: "closed"}, their_statuses={"triaged": NOT_STARTED}
    )
    synced = synced_of(Task(), Issue(), mapping)
    plan = decide(Task(status=DONE), Issue(status="triaged"), synced, mapping, ALL)
    assert plan.push == ("status",)


def test_an_issue_that_is_opened_again_is_begun_again():
    closed = Issue(status="closed", done=True)
    plan = decide(Task(status=DONE), Issue(), synced_of(Task(status=DONE), closed), NONE, ALL)
    assert plan.pull == {"status": "in_progress"}


def test_what_the_app_cannot_be_told_is_not_pushed_and_stays():
    abilities = Abilities(read=ALL.read - {"due"}, update=ALL.update - {"due", "description"})
    before, issue = Task(), Issue(description="First comment")
    synced = synced_of(replace(before, description="First comment"), issue)
    task = Task(due="2026-04-01", description="Another")
    plan = decide(task, issue, synced, NONE, abilities)
    assert (plan.push, dict(plan.pull)) == ((), {})
    again = decide(task, issue, settled(task, plan, issue, issue, (), synced, NONE), NONE, abilities)
    assert (again.push, dict(again.pull)) == ((), {})


def test_a_field_that_an_app_takes_and_does_not_tell_is_pushed_once():
    abilities = Abilities(read=ALL.read - {"due"})
    app = App(Issue(), alter=lambda name, value: "" if name == "due" else value)
    task, synced, plan = sync(Task(due="2026-04-01"), app, synced_of(Task(), Issue()), abilities=abilities)
    assert plan.push == ("due",)
    assert sync(task, app, synced, abilities=abilities)[2].push == ()


def test_an_emptied_date_is_kept_there_where_the_app_cannot_be_told():
    issue = Issue(due="2026-04-01")
    synced = synced_of(Task(due="2026-04-01"), issue)
    plan = decide(Task(), issue, synced, NONE, ALL)
    assert (plan.push, dict(plan.pull)) == ((), {})
    emptied = decide(Task(), issue, synced, NONE, replace(ALL, clear=frozenset({"due"})))
    assert emptied.push == ("due",)


def test_a_description_that_was_cut_here_is_not_written_back():
    issue = Issue(description="x" * 40_000)
    task, synced, plan = sync(Task(), App(issue), synced_of(Task(), Issue()))
    assert len(plan.pull["description"]) == 32_000
    edited = replace(task, description=task.description + "y")
    assert decide(edited, issue, synced, NONE, ALL).push == ()


def test_a_field_that_was_not_synced_before_takes_theirs_unless_one_side_is_empty():
    task = Task(description="Ours", due="2026-04-01", assignee="")
    issue = Issue(description="Theirs", due="", assignee="Hubot")
    plan = decide(task, issue, {"ours": {}, "theirs": {}}, NONE, ALL)
    assert plan.push == ("due",)
    assert plan.pull == {"description": "Theirs", "assignee": "Hubot"}
    assert plan.conflicts == {"description"}


# apps that change what they are given


def test_a_lossy_app_is_not_asked_again_and_again():
    app = App(Issue(), alter=lambda name, value: value[:10] + "…")
    task = Task(name="Rotate the keys of everything", description="A long description")
    synced = synced_of(Task(), Issue())
    task, synced, plan = sync(task, app, synced)
    assert plan.push == ("name", "description")
    for _ in range(3):
        task, synced, plan = sync(task, app, synced)
        assert (plan.push, dict(plan.pull)) == ((), {})
    assert task.name == "Rotate the keys of everything"
    assert app.asked == ["name", "description"]


def test_what_somebody_changes_while_we_push_is_pulled_by_the_next_sync():
    before = Issue()
    synced = synced_of(Task(), before)
    task = Task(name="Ours")
    plan = decide(task, before, synced, NONE, ALL)
    answered = Issue(title="Ours", due="2026-04-01")
    after = settled(task, plan, before, answered, plan.push, synced, NONE)
    assert decide(task, answered, after, NONE, ALL).pull == {"due": "2026-04-01"}


def test_a_push_that_failed_is_tried_again():
    synced = synced_of(Task(), Issue())
    task = Task(status=DONE, name="Ours")
    plan = decide(task, Issue(), synced, NONE, ALL)
    after = settled(task, plan, Issue(), Issue(title="Ours"), ("name",), synced, NONE)
    again = decide(task, Issue(title="Ours"), after, NONE, ALL)
    assert again.push == ("status",)
    assert plan.done(("name",)) == [FieldChange("name", "Rotate the keys", "Ours", "ours").to_json()]


# creations and attached issues


def test_a_creation_gives_what_the_app_takes_in_its_words():
    mapping = TaskMapping(
        directions={"due": FieldDirection.PULL},
        people={"mia": "Mia Krystof"},
        values={"component": "{template}", "note": "{description}", "empty": "{due}"},
    )
    task = Task(description="All of them", assignee="mia")
    made = creation(task, mapping, ALL, {"note": "own", "blank": ""}, "Monthly")
    assert (made.title, made.description, made.due, made.assignee) == (
        "Rotate the keys",
        "All of them",
        None,
        "Mia Krystof",
    )
    assert made.fields == {"component": "Monthly", "note": "own"}


def test_after_a_creation_only_what_it_could_not_say_is_pushed():
    abilities = Abilities(create=frozenset({"name", "description"}))
    task = Task(description="All  of <them>", status=DONE, due="2026-04-01")
    issue = Issue(description="All of them", assignee="Lead")
    synced = created(task, issue, NONE, abilities)
    plan = decide(task, issue, synced, NONE, abilities)
    assert plan.push == ("status", "due")
    assert plan.pull == {"assignee": "Lead"}
    assert not plan.conflicts


def test_a_description_that_was_written_there_before_the_app_answered_is_pulled():
    task, issue = Task(description=""), Issue(description="Written there")
    plan = decide(task, issue, created(task, issue, NONE, ALL), NONE, ALL)
    assert (dict(plan.pull), plan.push, plan.conflicts) == ({"description": "Written there"}, (), frozenset())
    ours_alone = TaskMapping(directions={"description": FieldDirection.PUSH})
    plan = decide(task, issue, created(task, issue, ours_alone, ALL), ours_alone, ALL)
    assert (dict(plan.pull), plan.push) == ({}, ()), "what a template of the app gave is not taken away"


def test_attaching_overwrites_every_synced_field_and_leaves_the_issue():
    mapping = TaskMapping(directions={"description": FieldDirection.OFF, "name": FieldDirection.PUSH})
    task = Task(description="Ours", due="2026-04-01", status=IN_PROGRESS)
    issue = Issue(title="Theirs", description="Theirs", status="closed", done=True)
    abilities = Abilities(read=ALL.read - {"due"})
    assert [(each.field, each.after) for each in overwrites(task, issue, mapping, abilities)] == [
        ("name", "Theirs"),
        ("status", "done"),
    ]
    values, synced = attached(task, issue, mapping, abilities)
    now = replace(task, name=values["name"], status=WorkStatus(values["status"]))
    plan = decide(now, issue, synced, mapping, abilities)
    assert (plan.push, dict(plan.pull)) == ((), {})


# whatever both sides say

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
dates = st.sampled_from(["", "2026-04-01", "2026-12-31"])
people = st.sampled_from(["", "mia", "Mia Krystof", "Hubot"])
tasks = st.builds(
    Task, name=texts.map(lambda text: text.strip() or "x"), description=texts, status=st.sampled_from(WorkStatus), due=dates, assignee=people
)  # fmt: skip
issues = st.builds(
    lambda status, **more: Issue(status=status, done=status == "closed", **more),
    title=texts,
    description=texts,
    status=st.sampled_from(["open", "doing", "closed"]),
    due=dates,
    assignee=people,
)
mappings = st.builds(
    TaskMapping,
    directions=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(FieldDirection)),
    statuses=st.sampled_from([{}, {NOT_STARTED: "open", IN_PROGRESS: "doing", DONE: "closed"}, {DONE: "closed"}]),
    people=st.sampled_from([{}, {"mia": "Mia Krystof"}]),
)  # fmt: skip
subsets = st.frozensets(st.sampled_from(FIELDS))
abilities_of = st.builds(Abilities, read=subsets, create=subsets, update=subsets, clear=subsets)
lossy = st.sampled_from(
    [
        lambda _, value: value,
        lambda _, value: value[:3],
        lambda _, value: value.upper(),
        lambda _, value: "",
        lambda _, value: f"<p>{value}</p>",
    ]
)


@given(tasks, tasks, issues, issues, mappings, abilities_of, lossy)
def test_a_second_sync_has_nothing_to_do(before, task, was, issue, mapping, abilities, alter):
    app = App(issue, alter)
    synced = synced_of(before, was, mapping)
    task, synced, _ = sync(task, app, synced, mapping, abilities)
    asked = list(app.asked)
    after, again, plan = sync(task, app, synced, mapping, abilities)
    # a status is pushed until theirs means ours; every app here takes one
    assert (plan.push, dict(plan.pull), after, again, app.asked) == ((), {}, task, synced, asked)


@given(tasks, issues, mappings, abilities_of, lossy)
def test_a_creation_comes_to_rest_too(task, issue, mapping, abilities, alter):
    app = App(issue, alter)
    synced = created(task, issue, mapping, abilities)
    task, synced, _ = sync(task, app, synced, mapping, abilities)
    assert sync(task, app, synced, mapping, abilities)[2].changes == ()


@given(tasks, tasks, issues, issues, mappings)
def test_both_sides_say_the_same_after_a_sync_with_a_faithful_app(before, task, was, issue, mapping):
    mapping = replace(mapping, directions={})
    app = App(issue)
    abilities = replace(ALL, clear=frozenset(FIELDS))
    synced = synced_of(before, was, mapping)
    settled_before = {
        name
        for name in FIELDS
        if ours(task, name) == synced["ours"][name]
        and synced["theirs"][name] == (issue.title if name == "name" else getattr(issue, name))
    }
    task, _, _ = sync(task, app, synced, mapping, abilities)
    for name in set(FIELDS) - settled_before:
        told = meaning(mapping, name, app.issue, ours(task, name))
        if told is not None:
            said = wording(mapping, name, ours(task, name))
            assert same(name, wording(mapping, name, told), said), name


@given(tasks, tasks, issues, issues, mappings, abilities_of)
def test_nothing_is_lost_unrecorded(before, task, was, issue, mapping, abilities):
    """What a pull overwrites was either what the last sync left there, or is in the record."""
    synced = synced_of(before, was, mapping)
    for change in decide(task, issue, synced, mapping, abilities).changes:
        if change.taken == "theirs":
            assert change.before == ours(task, change.field)
            kept = " ".join(change.before.split()) == " ".join(synced["ours"][change.field].split())
            assert (
                kept
                or not change.before.strip()
                or change.lost == change.before
                or change.field == "assignee"
            )


@given(tasks, issues, mappings, abilities_of)
def test_an_attached_issue_is_in_step_at_once(task, issue, mapping, abilities):
    values, synced = attached(task, issue, mapping, abilities)
    now = replace(
        task, **{name: WorkStatus(value) if name == "status" else value for name, value in values.items()}
    )
    assert decide(now, issue, synced, replace(mapping, directions={name: way for name, way in mapping.directions.items() if way is FieldDirection.OFF}), abilities).changes == ()  # fmt: skip
