"""Pushes what changed here to the issue: its fields first, then its status, which a workflow may refuse."""

from __future__ import annotations

from dataclasses import replace

from healthdesk.connectors.connector import ExternalTask, TaskInputs
from healthdesk.domain import task_failures
from healthdesk.domain.task_mapping import meaning, status_word, their_status
from healthdesk.domain.task_sync import Plan
from healthdesk.engine.task_talk import Pushed, Talk

_STATUS = "status"


async def push(talk: Talk, plan: Plan, issue: ExternalTask) -> Pushed:
    """Push the fields of a plan. An issue that is done may no longer take fields, so the status comes last.

    What was pushed is read again: only what the app itself tells of it can be compared with next time.
    """
    fields = [name for name in plan.push if name != _STATUS]
    done = Pushed(frozenset(), issue)
    if fields:
        answer = await talk.change(talk.inputs(fields))
        if answer.failure is not None:
            return Pushed(frozenset(), issue, answer.failure, answer.exchange)
        done = Pushed(frozenset(fields), answer.task or issue, None, answer.exchange)
    if _STATUS in plan.push:
        done = await _push_status(talk, done)
    if not done.fields:
        return done
    again = await talk.read()
    return done if again.task is None else replace(done, issue=again.task)


async def _push_status(talk: Talk, done: Pushed) -> Pushed:
    word = status_word(talk.task.status)
    wanted = their_status(talk.mapping, talk.task.status)
    if wanted is None:
        known = await talk.statuses()
        if known.failure is not None:
            return replace(done, failure=known.failure, exchange=known.exchange)
        wanted = their_status(talk.mapping, talk.task.status, known.statuses)
    if wanted is None:
        return replace(done, failure=task_failures.no_status(talk.app, word))
    answer = await talk.change(TaskInputs(status=wanted))
    if answer.failure is not None:
        return replace(
            done, failure=answer.failure, exchange=answer.exchange, issue=answer.task or done.issue
        )
    issue = answer.task
    if issue is None or not _means_ours(talk, issue):
        issue = (await talk.read()).task
        if issue is not None and not _means_ours(talk, issue):
            left = issue.status_name or issue.status
            failure = task_failures.status_left(talk.app, talk.noun, talk.called, word, left)
            return replace(done, failure=failure, exchange=answer.exchange, issue=issue)
    return replace(done, fields=done.fields | {_STATUS}, issue=issue or done.issue, exchange=answer.exchange)


def _means_ours(talk: Talk, issue: ExternalTask) -> bool:
    ours = talk.task.status.value
    return meaning(talk.mapping, _STATUS, issue, ours) == ours
