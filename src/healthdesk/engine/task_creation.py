"""Creates the issue of a task: the intent is committed first, and a creation whose answer was lost is looked up.

Searches lag behind, so a lookup that finds nothing soon after says nothing: it is asked again, and only when there is
still none after `CREATION_SETTLES_S` another issue is created, unless the app has more than could be looked through.
There are never two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from healthdesk.connectors.connector import ExternalTask, TaskInputs
from healthdesk.connectors.times import read_time
from healthdesk.domain import task_creation, task_failures
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.instance_states import FieldDirection, InstanceState, RunOutcome, WorkStatus
from healthdesk.domain.task_creation import created, creation
from healthdesk.engine.instance_work import Done
from healthdesk.engine.task_talk import Talk, kept
from healthdesk.store import issue_holders, links
from healthdesk.store.rows_instances import TaskRow

CREATION_SETTLES_S = 120.0
"""So long a new issue may be missing from an app's lists."""
LOOKED_UP_AFTER_S = 30.0
"""How soon a creation whose answer was lost is looked up first."""
CLOCKS_APART_S = 600.0
"""By so much the app's clock may be behind ours: an issue that was changed last before that is older than the creation."""

_NOT_SYNCED: Mapping[str, Any] = {"ours": {}, "theirs": {}}


class Created:
    """A task that has an issue now: `outcome` says whether it was created or found, `run_id` is of the creation.

    `said` is the task as the issue was created from it, None where it was found: it may have been edited since.
    """

    def __init__(
        self,
        outcome: RunOutcome,
        issue: ExternalTask,
        run_id: str | None,
        detail: Mapping[str, Any],
        said: TaskRow | None = None,
    ) -> None:
        self.outcome = outcome
        self.issue = issue
        self.run_id = run_id
        self.detail = detail
        self.said = said


async def create(talk: Talk) -> Created | Done:
    """Give a task its issue: the one of a creation in doubt where it is found, else a new one."""
    if talk.task.creating_at is not None or "since" in (talk.task.synced or {}):
        looked = await _look_up(talk)
        if looked is not None:
            return looked
    return await _create(talk)


async def _look_up(talk: Talk) -> Created | Done | None:
    """Return the issue of a creation in doubt, or of one that was refused; why it is not known; None where there is none."""
    title = talk.task.creating_title or talk.task.name
    answer = await talk.look_up(" ".join(title.split()))
    if answer.failure is not None:
        failure = task_failures.not_looked_up(answer.failure, talk.app, talk.noun)
        return _failed(failure, exchange=answer.exchange)
    found = await _candidates(talk, answer.tasks)
    if len(found) > 1:
        return _failed(task_failures.several(talk.app, talk.noun, len(found)), exchange=answer.exchange)
    if found:
        return await _keep_found(talk, found[0])
    if talk.task.creating_at is None:
        return None
    left_s = CREATION_SETTLES_S - (talk.ctx.clock.now() - talk.task.creating_at).total_seconds()
    if left_s <= 0 and answer.cut:
        return _failed(task_failures.too_many(talk.app, talk.noun), exchange=answer.exchange)
    if left_s <= 0:
        return None
    failure = task_failures.not_there_yet(talk.app, talk.noun)
    return _failed(failure, exchange=answer.exchange, again_s=max(left_s, 1.0))


async def _candidates(talk: Talk, tasks: list[ExternalTask]) -> list[ExternalTask]:
    """Return those that may be what was created: no older ones, none that is or was a task's."""
    memory = talk.task.synced or {}
    since = read_time(memory.get("since"), "iso") or talk.task.creating_at or talk.task.created_at
    oldest = since - timedelta(seconds=CLOCKS_APART_S)
    former = set(memory.get("former", ()))
    young = [each for each in tasks if each.id not in former and not _is_older(each, oldest)]
    theirs = await talk.ctx.store.read(
        issue_holders.held,
        talk.work.instance.app,
        [kept(each) for each in young],
        talk.container,
        other_than=talk.task.id,
    )
    return [each for each in young if each.id not in theirs]


def _is_older(issue: ExternalTask, than: datetime) -> bool:
    changed_at = read_time(issue.updated_at, "iso")
    return changed_at is not None and changed_at < than


async def _keep_found(talk: Talk, issue: ExternalTask) -> Created | Done:
    detail = _detail(talk, issue)
    said = (talk.task.synced or {}).get("said", {})
    synced = task_creation.found(said, issue, talk.mapping, talk.abilities)
    linked = await talk.ctx.store.write(links.keep_created, talk.task.id, kept(issue), talk.container, synced)
    if linked:
        return Created(RunOutcome.FOUND, issue, None, detail)
    return _failed(task_failures.taken(talk.app, talk.noun, issue.key or issue.id), detail=detail)


async def _create(talk: Talk) -> Created | Done:
    now = talk.ctx.clock.now()
    container = talk.mapping.container
    run = talk.intent()
    task = await talk.ctx.store.write(links.begin_creation, talk.task, run, container, now)
    if task is None:
        # It was unlinked, attached or removed since it was read: there is nothing to create.
        return Done(RunOutcome.UNCHANGED, talk.work.instance.state)
    answer = await talk.create(container, _inputs(talk, task))
    if answer.task is not None:
        return await _keep_created(talk, task, run.id, answer.task)
    assert answer.failure is not None, "an answer without an issue has a failure"
    if task_failures.may_have_created(answer.failure):
        failure = task_failures.in_doubt(answer.failure, talk.app, talk.noun)
        return _failed(failure, exchange=answer.exchange, run_id=run.id, again_s=LOOKED_UP_AFTER_S)
    return _failed(
        answer.failure,
        exchange=answer.exchange,
        run_id=run.id,
        keep=partial(links.give_up_creation, task_id=task.id, began_at=now),
    )


async def _keep_created(talk: Talk, task: TaskRow, run_id: str, issue: ExternalTask) -> Created | Done:
    """Keep the issue at once, before anything else is asked: whatever happens then, it is known."""
    detail = _detail(talk, issue)
    # an answer that holds no more than the id tells nothing to compare with
    synced = created(task, issue, talk.mapping, talk.abilities) if issue.title else _NOT_SYNCED
    linked = await talk.ctx.store.write(
        links.keep_created, task.id, kept(issue), talk.mapping.container, synced, run_id=run_id
    )
    if linked:
        return Created(RunOutcome.CREATED, issue, run_id, detail, task)
    return Done(RunOutcome.CREATED, talk.work.instance.state, run_id=run_id, detail=detail)


def _inputs(talk: Talk, task: TaskRow) -> TaskInputs:
    made = creation(task, talk.mapping, talk.abilities, task.fields, talk.template_name)
    return TaskInputs(
        title=made.title,
        description=made.description,
        status=_first_status(talk, task),
        due=made.due,
        assignee=made.assignee,
        fields=made.fields,
    )


def _first_status(talk: Talk, task: TaskRow) -> str | None:
    """Return the status to create an issue in, where the mapping names one; that it is done is pushed afterwards.

    Workflows begin somewhere: an app that refuses to create an issue as done takes the step from there.
    """
    goes = talk.mapping.direction("status") in (FieldDirection.BOTH, FieldDirection.PUSH)
    if not goes or task.status is WorkStatus.DONE:
        return None
    return talk.mapping.statuses.get(task.status)


def _detail(talk: Talk, issue: ExternalTask) -> dict[str, Any]:
    where = dict(talk.container or talk.mapping.container)
    return {"issue": {"id": issue.id, "key": issue.key, "url": issue.url, "container": where}}


def _failed(
    failure: Failure,
    *,
    exchange: Exchange | None = None,
    run_id: str | None = None,
    again_s: float | None = None,
    keep: Any = None,
    detail: Mapping[str, Any] | None = None,
) -> Done:
    return Done(
        RunOutcome.FAILED,
        InstanceState.CREATION_FAILED,
        failure=failure,
        exchange=exchange,
        keep=keep,
        run_id=run_id,
        detail=detail or {},
        again_s=again_s,
    )
