"""Syncs a task with its issue: creates it, compares both sides with the last sync, pulls and pushes what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from healthdesk.connectors.connector import ExternalTask, TaskAnswer
from healthdesk.domain import task_failures
from healthdesk.domain.exchange import Failure
from healthdesk.domain.instance_states import InstanceState, LinkState, RunOutcome
from healthdesk.domain.task_creation import created
from healthdesk.domain.task_mapping import TaskMapping
from healthdesk.domain.task_sync import Plan, decide, settled
from healthdesk.engine.context import Context
from healthdesk.engine.instance_work import Done, Work
from healthdesk.engine.task_creation import Created, create
from healthdesk.engine.task_pushing import push
from healthdesk.engine.task_talk import Pushed, Talk, kept
from healthdesk.store import links, runs

READ_AGAIN_S = 60.0
"""When an issue is read that was created and could not be read at once."""


class TaskSync:
    """Does the work of tasks."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def run(self, work: Work) -> Done:
        """Sync one task. What the app says is in what is returned; store errors are raised."""
        talk = await self._talk(work)
        match talk.task.link:
            case LinkState.WANTED | LinkState.CREATING:
                made = await create(talk)
                return made if isinstance(made, Done) else await self._after_creation(work, made)
            case LinkState.LINKED | LinkState.DELETED:
                answer = await talk.read()
                if answer.task is None:
                    return await _unread(talk, answer)
                return await _compare(talk, answer.task, talk.task.synced, answer)
        # parted from its issue meanwhile: there is nothing to compare with
        return Done(RunOutcome.UNCHANGED, work.instance.state)

    async def _talk(self, work: Work) -> Talk:
        found = await self._ctx.store.read(links.for_sync, work.instance.id)
        mapping = TaskMapping.of(work.integration.settings)
        return Talk(self._ctx, work, found.task, mapping, found.template_name)

    async def _after_creation(self, work: Work, made: Created) -> Done:
        """Compare a task with the issue it was just given: what the creation could not say is pushed now."""
        talk = await self._talk(work)
        if talk.task.external_id != made.issue.id or talk.task.link is not LinkState.LINKED:
            return Done(made.outcome, work.instance.state, run_id=made.run_id, detail=made.detail)
        answer = await talk.read()
        if answer.task is None:
            # The issue is there: that it cannot be read yet is for the next run to tell.
            return Done(
                made.outcome,
                InstanceState.SUCCEEDED,
                exchange=answer.exchange,
                run_id=made.run_id,
                detail=made.detail,
                again_s=READ_AGAIN_S,
            )
        synced = talk.task.synced
        if made.said is not None:
            # what was edited while the app made the issue is not in it: that is still to be pushed
            synced = created(made.said, answer.task, talk.mapping, talk.abilities)
        done = await _compare(talk, answer.task, synced, answer, run_id=made.run_id)
        return replace(done, outcome=made.outcome, detail={**made.detail, **done.detail})


async def _compare(
    talk: Talk,
    issue: ExternalTask,
    synced: Mapping[str, Any] | None,
    answer: TaskAnswer,
    *,
    run_id: str | None = None,
) -> Done:
    plan = decide(talk.task, issue, synced, talk.mapping, talk.abilities)
    pushed = Pushed(frozenset(), issue, None, answer.exchange)
    if plan.push:
        if run_id is None:
            intent = talk.intent()
            run_id = intent.id
            await talk.ctx.store.write(runs.begin, intent)
        pushed = await push(talk, plan, issue)
    after = settled(talk.task, plan, issue, pushed.issue, pushed.fields, synced, talk.mapping)
    keep = partial(
        links.keep_sync,
        task=talk.task,
        pulled=plan.pull,
        synced=after,
        issue=kept(pushed.issue),
        by=talk.app,
        now=talk.ctx.clock.now(),
    )
    changes = plan.done(pushed.fields)
    return Done(
        _outcome(plan, pushed),
        InstanceState.SUCCEEDED if pushed.failure is None else InstanceState.SYNC_FAILED,
        failure=pushed.failure,
        exchange=pushed.exchange,
        keep=keep,
        run_id=run_id,
        detail={"changes": changes} if changes else {},
    )


def _outcome(plan: Plan, pushed: Pushed) -> RunOutcome:
    return RunOutcome.FAILED if pushed.failure is not None else plan.outcome(pushed.fields)


async def _unread(talk: Talk, answer: TaskAnswer) -> Done:
    """Tell why an issue cannot be read: it was deleted, the account lost its place, or the app failed."""
    assert answer.failure is not None, "an answer without an issue has a failure"
    failure: Failure = answer.failure
    if not task_failures.issue_is_gone(failure):
        return _sync_failed(failure, answer)
    probed = await talk.work.connector.probe_tasks(talk.container)
    if probed is not None and probed.failure is not None:
        if not probed.failure.permanent:
            return _sync_failed(probed.failure, answer)
        said = task_failures.hidden(failure, probed.failure, talk.app, talk.noun, talk.called)
        return _sync_failed(said, answer)
    said = task_failures.deleted(failure, talk.app, talk.noun, talk.called)
    return replace(_sync_failed(said, answer), keep=partial(links.mark_deleted, task=talk.task))


def _sync_failed(failure: Failure, answer: TaskAnswer) -> Done:
    return Done(RunOutcome.FAILED, InstanceState.SYNC_FAILED, failure=failure, exchange=answer.exchange)
