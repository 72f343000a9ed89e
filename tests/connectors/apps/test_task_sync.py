"""Tasks of the desk synced with the fake of every app that the reference names: there and back, lost answers, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Lost
from tests.connectors.apps.syncing import TaskDesk, changed, settled_outcome
from tests.connectors.apps.test_apps import FAKES, connector_of

from healthdesk.connectors.connector import Connector, TaskInputs, TasksAnswer
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.ids import IdFactory
from healthdesk.domain.instance_states import InstanceState, LinkState, RunOutcome, WorkStatus
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.store import links, tasks
from healthdesk.store.database import Store
from healthdesk.testing import FakeClock

NAMED = (
    "github", "gitlab", "jira-cloud", "asana", "servicenow", "clickup",
    "azure-devops", "zendesk", "linear", "trello", "pagerduty",
)  # fmt: skip
KINDS = {name: next(each for each in FAKES if each.app_id == name) for name in NAMED}
CREATES = {
    "github": ("POST", "/issues", b""),
    "gitlab": ("POST", "/issues", b""),
    "jira-cloud": ("POST", "/issue", b""),
    "asana": ("POST", "/tasks", b""),
    "servicenow": ("POST", "/incident", b""),
    "clickup": ("POST", "/task", b""),
    "azure-devops": ("POST", "/$Task", b""),
    "zendesk": ("POST", "/tickets", b""),
    "linear": ("POST", "/graphql", b"issueCreate"),
    "trello": ("POST", "/cards", b""),
    "pagerduty": ("POST", "/incidents", b""),
}
every_app = pytest.mark.parametrize("app", NAMED)


@pytest.fixture
def app() -> str:
    return "github"


@pytest.fixture
async def fake(app: str) -> AsyncIterator[FakeApp]:
    async with KINDS[app]() as running:
        running.created = 0
        running.loses = lambda request, body: _counted(running, request, body)
        yield running


def _counted(fake: FakeApp, request: web.Request, body: bytes) -> Lost:
    fake.created += _creates(fake, request, body)
    return Lost.NOTHING


def _creates(fake: FakeApp, request: web.Request, body: bytes) -> bool:
    method, path, text = CREATES[fake.app_id]
    if request.query.get("validateOnly") == "true":
        return False
    return request.method == method and request.path.endswith(path) and text in body


@pytest.fixture
def connector(fake: FakeApp, session: GuardedSession, clock: FakeClock) -> Connector:
    return connector_of(fake, session, clock)


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock, ids: IdFactory) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path}/desk.db", daemon_id="dmn_one", clock=clock, ids=ids)
    yield opened
    await opened.close()


@pytest.fixture
def ids() -> IdFactory:
    return IdFactory(lambda count: b"\x07" * count)


@pytest.fixture
def desk(store: Store, clock: FakeClock, connector: Connector, fake: FakeApp) -> TaskDesk:
    opened, done = fake.statuses
    settings = {"container": dict(fake.container), "statuses": {"not_started": opened, "done": done}}
    return TaskDesk(store, clock, connector, settings)


def creations(fake: FakeApp) -> int:
    """How many creations reached the app."""
    return fake.created


def lose(fake: FakeApp, what: Lost) -> None:
    """Let the line drop at the next creation, once."""
    left = [what]

    def loses(request: web.Request, body: bytes) -> Lost:
        if not _creates(fake, request, body):
            return Lost.NOTHING
        lost = left.pop() if left else Lost.NOTHING
        fake.created += lost is not Lost.REQUEST
        return lost

    fake.loses = loses


async def issues_of(desk: TaskDesk, title: str = "Rotate the keys") -> int:
    found = await desk.connector.find_created(desk.settings["container"], title)
    assert found.failure is None, found.failure
    return len(found.tasks)


@every_app
async def test_a_task_goes_there_and_back(app: str, desk: TaskDesk, fake: FakeApp, connector: Connector):
    container = desk.settings["container"]
    told = connector.abilities(container)
    due = "2026-04-30" if "due" in told.create & told.read else ""
    await desk.add(description="Before April.\n\nAll of them.", due=due, assignee=fake.assignee)

    done = await desk.sync()
    assert (done.outcome, done.state) == (RunOutcome.CREATED, InstanceState.SUCCEEDED)
    task = await desk.task()
    assert (task.link, task.creating_at, task.creating_title) == (LinkState.LINKED, None, "")
    assert task.external_id
    assert task.external_url
    assert task.external["title"] == "Rotate the keys"
    assert settled_outcome(await desk.sync())

    theirs = await connector.update_task(
        container, task.external_id, task.external_key, TaskInputs(title="Rotate all")
    )
    assert theirs.failure is None, theirs.failure
    done = await desk.sync()
    assert done.outcome is RunOutcome.PULLED
    assert changed(done) == {"name": ("theirs", "Rotate all")}
    task = await desk.task()
    assert (task.name, task.updated_by) == ("Rotate all", connector.manifest.name)
    assert settled_outcome(await desk.sync())

    await desk.edit(name="Rotate every key")
    done = await desk.sync()
    assert done.outcome is RunOutcome.PUSHED
    issue = (await connector.get_task(container, task.external_id, task.external_key)).task
    assert issue.title == "Rotate every key"
    assert settled_outcome(await desk.sync())

    await desk.edit(status="done")
    assert changed(await desk.sync()) == {"status": ("ours", "done")}
    issue = (await connector.get_task(container, task.external_id, task.external_key)).task
    assert (issue.status, issue.done) == (fake.statuses[1], True)
    if app == "pagerduty":
        # an incident that is resolved is nobody's any more
        assert changed(await desk.sync()) == {"assignee": ("theirs", "")}
    assert settled_outcome(await desk.sync())

    fake.forget()
    done = await desk.run()
    assert done.state is InstanceState.SYNC_FAILED
    assert "was deleted in" in done.failure.sentence
    assert done.failure.blame is Blame.CONFIGURATION
    assert (await desk.task()).link is LinkState.DELETED
    before = creations(fake)
    again = await desk.run()
    assert again.state is InstanceState.SYNC_FAILED
    assert creations(fake) == before, "what was deleted there is not created again by itself"


@every_app
async def test_what_theirs_says_of_a_status_is_pulled(desk: TaskDesk, fake: FakeApp, connector: Connector):
    await desk.add()
    await desk.sync()
    task = await desk.task()
    await connector.update_task(
        desk.settings["container"], task.external_id, task.external_key, TaskInputs(status=fake.statuses[1])
    )
    assert changed(await desk.sync())["status"] == ("theirs", "done")
    assert (await desk.task()).status is WorkStatus.DONE
    assert settled_outcome(await desk.sync())


@every_app
async def test_a_creation_whose_answer_was_lost_is_found_and_not_repeated(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    lose(fake, Lost.ANSWER)
    done = await desk.run()
    assert (done.outcome, done.state) == (RunOutcome.FAILED, InstanceState.CREATION_FAILED)
    assert done.failure.sentence.startswith("It is not known whether")
    assert (await desk.task()).link is LinkState.CREATING
    assert done.again_s

    done = await desk.sync()
    assert done.outcome is RunOutcome.FOUND
    assert (await desk.task()).link is LinkState.LINKED
    assert creations(fake) == 1
    assert await issues_of(desk) == 1
    assert settled_outcome(await desk.sync())


@every_app
@pytest.mark.parametrize(
    "title",
    ["Rotate 'all' keys: (A & B) ^OR 100% [x], it's \\ + #7!", "Rotate " + "the very long keys " * 13],
)
async def test_a_lost_creation_is_found_whatever_its_title(
    app: str, title: str, desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add(title.strip())
    lose(fake, Lost.ANSWER)
    assert (await desk.run()).failure is not None
    clock.advance(600)
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


async def test_a_lost_creation_is_found_behind_hundreds_of_newer_issues(
    desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add()
    lose(fake, Lost.ANSWER)
    assert (await desk.run()).failure is not None
    made = next(iter(fake.issues.values()))
    fake.issues |= {
        number: {**made, "number": number, "title": f"Other {number}"} for number in range(2000, 2200)
    }
    clock.advance(600)
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


@every_app
async def test_a_creation_that_never_arrived_is_repeated_only_after_a_while(
    desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add()
    lose(fake, Lost.REQUEST)
    await desk.run()
    clock.advance(30)
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert "looked up once more" in done.failure.next_action
    assert creations(fake) == 0
    clock.advance(done.again_s)

    done = await desk.sync()
    assert done.outcome is RunOutcome.CREATED
    assert creations(fake) == 1
    assert await issues_of(desk) == 1


@every_app
async def test_a_desk_that_dies_between_the_answer_and_its_record_finds_the_issue(
    desk: TaskDesk, fake: FakeApp, store: Store
):
    task_id = await desk.add()
    task = await desk.task()
    run = await _begun(desk)
    begun = await store.write(links.begin_creation, task, run, desk.settings["container"], desk.clock.now())
    made = await desk.connector.create_task(desk.settings["container"], TaskInputs(title=begun.name))
    assert made.failure is None

    done = await desk.sync(task_id)
    assert done.outcome is RunOutcome.FOUND
    assert (await desk.task()).external_id == made.task.id
    assert await issues_of(desk) == 1


async def _begun(desk: TaskDesk):
    from healthdesk.domain.task_mapping import TaskMapping
    from healthdesk.engine.task_talk import Talk

    work = await desk.work()
    return Talk(desk.worker._ctx, work, await desk.task(), TaskMapping()).intent()


@every_app
async def test_a_conflict_takes_theirs_and_records_ours(desk: TaskDesk, connector: Connector):
    await desk.add()
    await desk.sync()
    task = await desk.task()
    await desk.edit(name="Ours")
    await connector.update_task(
        desk.settings["container"], task.external_id, task.external_key, TaskInputs(title="Theirs")
    )
    done = await desk.sync()
    assert done.outcome is RunOutcome.CONFLICT
    [change] = done.detail["changes"]
    assert (change["after"], change["lost"], change["taken"]) == ("Theirs", "Ours", "theirs")
    assert (await desk.task()).name == "Theirs"
    assert settled_outcome(await desk.sync())


@every_app
async def test_what_is_emptied_here_is_emptied_there_or_stays(
    desk: TaskDesk, fake: FakeApp, connector: Connector
):
    told = connector.abilities(desk.settings["container"])
    due = "2026-04-30" if "due" in told.create & told.read else ""
    await desk.add(due=due, assignee=fake.assignee)
    await desk.sync()
    given = (await desk.task()).external
    await desk.edit(due="", assignee="")
    done = await desk.sync()
    now = (await desk.task()).external
    for name in ("due", "assignee"):
        assert now[name] == ("" if name in told.clear else given[name])
        assert (name in changed(done)) is (name in told.clear and bool(given[name]))
    assert settled_outcome(await desk.sync())


@every_app
async def test_a_task_that_is_done_before_it_has_an_issue_is_done_there_too(desk: TaskDesk, fake: FakeApp):
    await desk.add(status=WorkStatus.DONE)
    done = await desk.sync()
    assert done.outcome is RunOutcome.CREATED
    assert changed(done)["status"] == ("ours", "done")
    assert (await desk.task()).external["status"] == fake.statuses[1]
    assert "status" not in changed(await desk.sync())


@every_app
async def test_lost_permission_is_told_from_an_issue_that_was_deleted(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    await desk.sync()
    fake.fault = Fault.MISSING_PERMISSION
    done = await desk.run()
    assert done.state is InstanceState.SYNC_FAILED
    assert done.failure.blame is Blame.PERMISSION, done.failure
    assert (await desk.task()).link is LinkState.LINKED
    fake.fault = Fault.NONE
    assert settled_outcome(await desk.sync())


@every_app
async def test_an_outage_in_the_middle_of_a_creation_makes_no_second_issue(
    desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add()
    lose(fake, Lost.ANSWER)
    await desk.run()
    fake.fault = Fault.OUTAGE
    clock.advance(600)
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert "could not be looked up" in done.failure.sentence
    fake.fault = Fault.NONE
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


# one app is enough


async def test_a_refused_creation_is_tried_again_and_looked_up_first(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    fake.fault = Fault.MISSING_PERMISSION
    done = await desk.run()
    assert (done.state, done.failure.kind) == (InstanceState.CREATION_FAILED, ErrorKind.PERMISSION)
    task = await desk.task()
    assert task.link is LinkState.WANTED
    [run] = await desk.runs()
    assert run.outcome is RunOutcome.FAILED
    fake.fault = Fault.NONE
    assert (await desk.sync()).outcome is RunOutcome.CREATED
    assert await issues_of(desk) == 1
    asked = [path for _, path in fake.requests if "issues" in path]
    assert asked.index(next(each for each in asked if "state=all" in each)) < len(asked) - 2


async def test_an_older_issue_of_the_same_title_is_not_taken_for_the_lost_one(
    desk: TaskDesk, fake: FakeApp, connector: Connector, clock: FakeClock
):
    old = await connector.create_task(desk.settings["container"], TaskInputs(title="Rotate the keys"))
    clock.advance(3600)
    await desk.add()
    lose(fake, Lost.REQUEST)
    await desk.run()
    clock.advance(200)
    done = await desk.sync()
    assert done.outcome is RunOutcome.CREATED
    assert (await desk.task()).external_id != old.task.id


async def test_several_issues_of_the_title_are_for_an_operator_to_choose_from(
    desk: TaskDesk, fake: FakeApp, connector: Connector
):
    await desk.add()
    lose(fake, Lost.ANSWER)
    await desk.run()
    await connector.create_task(desk.settings["container"], TaskInputs(title="Rotate the keys"))
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert done.failure.permanent
    assert done.failure.blame is Blame.CONFIGURATION
    assert "2 issues in GitHub have the title of this task" in done.failure.sentence
    assert "Attach the right one" in done.failure.next_action
    assert creations(fake) == 2


async def test_the_issue_of_another_task_of_the_same_name_is_not_taken(desk: TaskDesk, fake: FakeApp):
    first = await desk.add()
    await desk.sync()
    second = await desk.add()
    lose(fake, Lost.ANSWER)
    await desk.run(second)
    assert (await desk.sync(second)).outcome is RunOutcome.FOUND
    both = [await desk.task(each) for each in (first, second)]
    assert len({each.external_id for each in both}) == 2
    assert creations(fake) == 2


async def test_a_search_that_lags_is_waited_for(desk: TaskDesk, fake: FakeApp, clock: FakeClock):
    await desk.add()
    lose(fake, Lost.ANSWER)
    await desk.run()
    hidden = dict(fake.issues)
    fake.issues.clear()
    clock.advance(30)
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert done.again_s == pytest.approx(90)
    fake.issues.update(hidden)
    clock.advance(done.again_s)
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


async def test_a_long_title_that_the_app_cut_is_found(desk: TaskDesk, fake: FakeApp):
    title = " ".join(f"Rotate the keys of host {number}" for number in range(9))
    await desk.add(title)
    lose(fake, Lost.ANSWER)
    await desk.run()
    (issue,) = fake.issues.values()
    issue["title"] = issue["title"][:160]
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


async def test_a_title_that_only_begins_alike_is_no_other_title(desk: TaskDesk, fake: FakeApp):
    await desk.add("Rotate the keys of the bastion")
    lose(fake, Lost.ANSWER)
    await desk.run()
    (issue,) = fake.issues.values()
    issue["title"] = "Rotate the keys"
    assert (await desk.run()).outcome is RunOutcome.FAILED


async def test_nothing_is_created_while_there_is_more_than_was_looked_through(
    store: Store, clock: FakeClock, fake: FakeApp, session: GuardedSession
):
    class Crowded(type(connector_of(fake, session, clock))):
        async def find_created(self, container: object, title: str) -> TasksAnswer:
            return TasksAnswer([], cut=True)

    crowded = Crowded(connector_of(fake, session, clock).client)
    desk = TaskDesk(store, clock, crowded, {"container": dict(fake.container)})
    await desk.add()
    lose(fake, Lost.REQUEST)
    await desk.run()
    clock.advance(600)
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert "more than could be looked through" in done.failure.sentence
    assert "attach it" in done.failure.next_action
    assert not fake.issues


async def test_an_edit_while_the_issue_is_created_keeps_both(desk: TaskDesk):
    await desk.add()
    done = await desk.run(store=False)
    await desk.edit(name="Edited meanwhile")
    await desk.keep(desk.id, done)
    task = await desk.task()
    assert (task.link, task.name) == (LinkState.LINKED, "Edited meanwhile")
    assert changed(await desk.sync()) == {"name": ("ours", "Edited meanwhile")}


@every_app
async def test_an_edit_while_the_app_makes_the_issue_is_pushed(app: str, desk: TaskDesk, fake: FakeApp):
    await desk.add(description="Each quarter")
    create = desk.connector.create_task

    async def slow(container, inputs):
        answer = await create(container, inputs)
        await desk.edit(name="Edited meanwhile", description="Each month", status="done")
        return answer

    desk.connector.create_task = slow
    await desk.sync()
    await desk.sync()
    task = await desk.task()
    assert (task.name, task.description, task.status) == ("Edited meanwhile", "Each month", WorkStatus.DONE)
    answer = await desk.connector.get_task(task.container, task.external_id, task.external_key)
    assert answer.task is not None
    assert (answer.task.title, answer.task.done) == ("Edited meanwhile", True)
    if "description" in desk.connector.abilities(task.container).update:
        assert "Each month" in answer.task.description


@every_app
async def test_an_edit_while_a_creation_is_in_doubt_is_pushed_to_the_issue_that_is_found(
    app: str, desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add(description="Each quarter")
    lose(fake, Lost.ANSWER)
    assert (await desk.run()).failure is not None
    await desk.edit(name="Edited meanwhile")
    clock.advance(60)
    done = await desk.sync()
    assert done.outcome is RunOutcome.FOUND
    assert changed(done)["name"] == ("ours", "Edited meanwhile")
    task = await desk.task()
    answer = await desk.connector.get_task(task.container, task.external_id, task.external_key)
    assert answer.task is not None
    assert (task.name, answer.task.title) == ("Edited meanwhile", "Edited meanwhile")
    assert creations(fake) == 1


@every_app
async def test_that_a_task_is_done_is_pushed_to_the_issue_of_a_creation_that_was_found(
    app: str, desk: TaskDesk, fake: FakeApp, clock: FakeClock
):
    await desk.add(status=WorkStatus.DONE)
    lose(fake, Lost.ANSWER)
    assert (await desk.run()).failure is not None
    clock.advance(60)
    done = await desk.sync()
    assert done.outcome is RunOutcome.FOUND
    assert changed(done)["status"] == ("ours", "done")
    task = await desk.task()
    answer = await desk.connector.get_task(task.container, task.external_id, task.external_key)
    assert answer.task is not None
    assert answer.task.done
    assert task.status is WorkStatus.DONE


async def test_what_was_changed_there_while_a_creation_was_in_doubt_wins(desk: TaskDesk, fake: FakeApp):
    await desk.add(description="Each quarter")
    lose(fake, Lost.ANSWER)
    assert (await desk.run()).failure is not None
    next(iter(fake.issues.values()))["body"] = "Theirs"
    await desk.edit(description="Ours")
    done = await desk.sync()
    assert (await desk.task()).description == "Theirs"
    [change] = done.detail["changes"]
    assert (change["after"], change["lost"]) == ("Theirs", "Ours")


async def test_a_task_that_is_unlinked_while_its_issue_is_created_keeps_its_id(
    desk: TaskDesk, fake: FakeApp, store: Store
):
    task_id = await desk.add()
    create = desk.connector.create_task

    async def slow(container, inputs):
        answer = await create(container, inputs)
        await store.write(links.unlink, task_id)
        return answer

    desk.connector.create_task = slow
    done = await desk.run()
    task = await desk.task()
    assert (task.link, task.external_id) == (LinkState.UNLINKED, "1347")
    assert done.detail["issue"]["id"] == "1347"


async def test_a_task_that_is_removed_while_its_issue_is_created_leaves_the_id_in_its_run(
    desk: TaskDesk, fake: FakeApp, store: Store
):
    task_id = await desk.add()
    create = desk.connector.create_task

    async def slow(container, inputs):
        answer = await create(container, inputs)
        await store.write(tasks.remove, task_id)
        return answer

    desk.connector.create_task = slow
    await desk.run(store=False)
    [run] = await desk.runs()
    assert run.detail["issue"]["key"] == "octo-org/hello-world#1347"


async def test_a_task_that_was_edited_while_it_was_pulled_loses_nothing(desk: TaskDesk, connector: Connector):
    await desk.add()
    await desk.sync()
    task = await desk.task()
    await connector.update_task(
        desk.settings["container"], task.external_id, "", TaskInputs(title="Theirs", description="Theirs")
    )
    done = await desk.run(store=False)
    await desk.edit(name="Ours")
    await desk.keep(desk.id, done)
    task = await desk.task()
    assert (task.name, task.description) == ("Ours", "Theirs")
    done = await desk.sync()
    assert done.outcome is RunOutcome.CONFLICT
    [change] = done.detail["changes"]
    assert (change["after"], change["lost"]) == ("Theirs", "Ours")


async def test_a_new_issue_for_an_unlinked_task_is_not_the_old_one(
    desk: TaskDesk, fake: FakeApp, store: Store
):
    await desk.add()
    await desk.sync()
    first = (await desk.task()).external_id
    await store.write(links.unlink, desk.id)
    await store.write(links.want_new, desk.id)
    lose(fake, Lost.ANSWER)
    await desk.run()
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    task = await desk.task()
    assert (task.link, task.external_id) == (LinkState.LINKED, str(int(first) + 1))


async def test_a_task_unlinked_while_its_creation_is_in_doubt_gets_no_second_issue(
    desk: TaskDesk, fake: FakeApp, store: Store, clock: FakeClock
):
    await desk.add()
    lose(fake, Lost.ANSWER)
    await desk.run()
    await store.write(links.unlink, desk.id)
    await store.write(links.want_new, desk.id)
    hidden = dict(fake.issues)
    fake.issues.clear()
    assert (await desk.run()).state is InstanceState.CREATION_FAILED
    fake.issues.update(hidden)
    assert (await desk.sync()).outcome is RunOutcome.FOUND
    assert creations(fake) == 1


async def test_an_issue_that_comes_back_is_synced_again(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    await desk.sync()
    gone = dict(fake.issues)
    fake.forget()
    await desk.run()
    fake.issues.update(gone)
    assert (await desk.sync()).state is InstanceState.SUCCEEDED
    assert (await desk.task()).link is LinkState.LINKED


async def test_the_place_of_an_issue_that_is_hidden_is_no_deletion(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    await desk.sync()
    fake.container = {"owner": "octo-org", "repo": "renamed"}
    done = await desk.run()
    assert done.failure.blame is Blame.PERMISSION
    assert "no longer shows this account octo-org/hello-world#1347" in done.failure.sentence
    assert (await desk.task()).link is LinkState.LINKED


async def test_a_run_that_pushes_is_committed_before_anything_is_sent(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    await desk.sync()
    await desk.edit(name="Ours")
    await desk.run(store=False)
    [_, run] = await desk.runs()
    assert run.outcome is RunOutcome.RUNNING
    done = await desk.sync()
    assert (done.outcome, changed(done)) == (RunOutcome.UNCHANGED, {}), "both sides say the same already"
    assert (await desk.task()).name == "Ours"


@pytest.mark.parametrize("app", ["gitlab"])
async def test_an_assignee_whom_the_app_does_not_know_fails_that_task_with_his_name(
    desk: TaskDesk, fake: FakeApp
):
    await desk.add(assignee="nobody-here")
    done = await desk.run()
    assert done.state is InstanceState.CREATION_FAILED
    assert "nobody-here" in done.failure.sentence
    assert creations(fake) == 0
    desk.settings["people"] = {"nobody-here": fake.assignee}
    assert (await desk.sync()).outcome is RunOutcome.CREATED
    assert (await desk.task()).assignee == "nobody-here"
    assert settled_outcome(await desk.sync())


async def test_code_of_a_connector_that_fails_ends_the_run_and_is_looked_up(desk: TaskDesk, fake: FakeApp):
    await desk.add()
    create = desk.connector.create_task

    async def broken(container, inputs):
        await create(container, inputs)
        raise KeyError("number")

    desk.connector.create_task = broken
    done = await desk.run()
    assert (done.failure.blame, done.failure.kind) == (Blame.US, ErrorKind.INTERNAL)
    assert (await desk.runs())[0].outcome is RunOutcome.FAILED
    assert (await desk.sync()).outcome is RunOutcome.FOUND


async def test_further_fields_are_filled_in_from_the_task(desk: TaskDesk, fake: FakeApp):
    seen = []
    create = desk.connector.create_task

    async def watched(container, inputs):
        seen.append(inputs)
        return await create(container, inputs)

    desk.connector.create_task = watched
    desk.settings["values"] = {"milestone": "{name} {template}"}
    await desk.add(fields={"severity": 3})
    await desk.sync()
    assert seen[0].fields == {"milestone": "Rotate the keys ", "severity": 3}


@pytest.mark.parametrize("app", ["jira-cloud"])
class TestWorkflows:
    async def test_a_step_that_the_workflow_does_not_have_is_told_and_tried_again(
        self, desk: TaskDesk, fake: FakeApp
    ):
        await desk.add()
        await desk.sync()
        steps = fake.steps
        fake.steps = {status: [] for status in steps}
        await desk.edit(status="done", name="Rotate all")
        done = await desk.run()
        assert (done.outcome, done.state) == (RunOutcome.FAILED, InstanceState.SYNC_FAILED)
        assert done.failure.permanent
        assert done.failure.next_action
        assert changed(done) == {"name": ("ours", "Rotate all")}, "what could be pushed was"
        assert (await desk.task()).status is WorkStatus.DONE
        fake.steps = steps
        assert changed(await desk.sync()) == {"status": ("ours", "done")}
        assert settled_outcome(await desk.sync())
