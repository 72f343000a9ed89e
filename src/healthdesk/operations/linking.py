"""Attach an existing issue to a task: find it, review what it overwrites, then link both. The issue wins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from healthdesk.api.instances import (
    Attach,
    AttachReview,
    FindIssue,
    FoundIssues,
    Instance,
    Issue,
    IssueRef,
)
from healthdesk.connectors.connector import ExternalTask
from healthdesk.domain import instance_runs
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.states import Trigger
from healthdesk.domain.task_sync import FieldChange, attached, overwrites
from healthdesk.engine import new_tasks
from healthdesk.engine.task_talk import kept
from healthdesk.errors import Conflict
from healthdesk.operations.asking import refusal, saved_connector
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain_instances import not_now
from healthdesk.operations.instance_views import change_view
from healthdesk.operations.instances import view_of
from healthdesk.operations.issue_places import Place, place_of
from healthdesk.operations.issues import find_issues, issue_view
from healthdesk.store import instances as queries
from healthdesk.store import issue_holders, links, runs, tasks, usable
from healthdesk.store.rows_instances import RunRow, TaskRow

_MOST_NOTED = 200
"""Characters of a value in the activity log."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An issue as it is now, and what of the task it overwrites."""

    issue: ExternalTask
    container: dict[str, str]
    changes: list[FieldChange]
    values: dict[str, str]
    synced: dict[str, Any]
    digest: str


async def find(desk: Desk, task_id: str, wanted: FindIssue) -> FoundIssues:
    """Return the issues that a key, a URL or words mean, each with the task that has it already."""
    place = await place_of(desk, task_id, wanted.integration_id, wanted.connection_id)
    app = desk.ctx.apps.get(place.integration.app)
    connector = await saved_connector(desk, place.connection)
    found, cut = await find_issues(connector, app, place.mapping.container, wanted.text)

    def views(conn: Conn) -> list[Issue]:
        return [
            issue_view(issue, container, _holder(conn, app.id, issue, container, task_id))
            for issue, container in found
        ]

    return FoundIssues(issues=await desk.read(views), cut=cut)


async def review(desk: Desk, task_id: str, ref: IssueRef) -> AttachReview:
    """Return what of a task an issue would overwrite, field by field, with the digest that `attach` wants."""
    place = await place_of(desk, task_id, ref.integration_id, ref.connection_id)
    found = await _reviewed(desk, place, ref)
    called = found.issue.key or found.issue.id
    names = ", ".join(each.field for each in found.changes)
    warning = (
        f"The task {place.task.name} will be overwritten by {called}: what it says now in {names} is lost."
    )
    if not names:
        warning = f"Nothing of the task {place.task.name} is overwritten: it says what {called} says."
    return AttachReview(
        issue=issue_view(found.issue, found.container),
        changes=[change_view(each.to_json()) for each in found.changes],
        warning=warning,
        digest=found.digest,
    )


async def attach(desk: Desk, task_id: str, chosen: Attach) -> Instance:
    """Link a task with an existing issue, which overwrites it. Conflict where either changed since the review."""
    place = await place_of(desk, task_id, chosen.integration_id, chosen.connection_id)
    found = await _reviewed(desk, place, chosen)
    if found.digest != chosen.reviewed:
        raise Conflict(
            f"{place.task.name} or {found.issue.key or found.issue.id} changed since it was reviewed; nothing was"
            " overwritten",
            fix="review it again",
            field="reviewed",
        )
    now = desk.now()

    def change(conn: Conn) -> Instance:
        task = tasks.get(conn, task_id, lock=True)
        if task.version != place.task.version or task.link is not place.task.link:
            raise Conflict(
                f"{task.name} was changed meanwhile; nothing was overwritten", fix="review it again"
            )
        _link_here(conn, desk, place, now)
        links.attach(
            conn,
            task_id,
            kept(found.issue),
            found.container,
            found.values,
            found.synced,
            by=desk.operator.user,
            now=now,
        )
        queries.update(conn, task_id, _well(conn, desk, task_id, now))
        runs.begin(conn, _run(desk, task_id, found, now))
        usable.used(conn, place.connection.id, now)
        desk.note(conn, Verb.ATTACHED, "instance", task_id, task.name, _noted(place.task, found))
        return view_of(conn, desk, task_id)

    linked = await desk.write(change, ("instance", task_id), ("task", task_id))
    desk.engine.instances.wake()
    return linked


def _refuse_now(place: Place) -> None:
    """Raise Conflict where the task cannot be linked with any issue as it is now."""
    if place.instance is None:
        return
    refused = not_now(place.instance, place.task, place.connection).get("attach")
    if refused:
        raise Conflict(f"{place.task.name} cannot be attached: {refused}")


def _refuse_held(conn: Conn, place: Place, issue: ExternalTask, container: Mapping[str, str]) -> None:
    """Raise Conflict where another task is linked with the issue."""
    other = _holder(conn, place.integration.app, issue, container, place.task.id)
    if other:
        raise Conflict(
            f"{issue.key or issue.id} is linked with the task {other} already",
            fix="unlink that one first, or attach another issue",
        )


def _holder(
    conn: Conn, app: str, issue: ExternalTask, container: Mapping[str, str], task_id: str | None
) -> str:
    """Return the name of the other task that is linked with an issue, or nothing."""
    found = issue_holders.held(conn, app, [kept(issue)], container, other_than=task_id or "")
    return found.get(issue.id, "")


async def _reviewed(desk: Desk, place: Place, ref: IssueRef) -> Reviewed:
    """Read the issue and compare it with the task; Conflict where they cannot be linked."""
    _refuse_now(place)
    connector = await saved_connector(desk, place.connection)
    container = place.container(ref.container)
    answer = await connector.get_task(container, ref.id, ref.key)
    if answer.task is None:
        app = desk.ctx.apps.get(place.integration.app)
        assert answer.failure is not None
        raise refusal(app, answer.failure, field="id")
    issue, mapping = answer.task, place.mapping
    await desk.read(_refuse_held, place, issue, container)
    abilities = connector.abilities(container)
    changes = overwrites(place.task, issue, mapping, abilities)
    values, synced = attached(place.task, issue, mapping, abilities)
    return Reviewed(issue, container, changes, values, synced, _digest(place, issue, container))


def _digest(place: Place, issue: ExternalTask, container: Mapping[str, str]) -> str:
    """Return what stands for the task and the issue as they were reviewed."""
    told = kept(replace(issue, updated_at=""))
    said = [
        place.task.id,
        place.task.version,
        place.integration.id,
        place.connection.id,
        dict(container),
        told,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _link_here(conn: Conn, desk: Desk, place: Place, now: datetime) -> None:
    """Let the task be synced through the place, where it was not before."""
    if place.link is None:
        return
    task = place.task
    if place.instance is not None:
        queries.remove(conn, task.id)
    new_tasks.link(conn, task.id, task.name, task.template_id, place.link, by=desk.operator.user, now=now)


def _well(conn: Conn, desk: Desk, task_id: str, now: datetime) -> dict[str, Any]:
    """Return the columns of an instance that was just synced: no problem, and next as its schedule says."""
    row = queries.get(conn, task_id)
    return {
        **queries.NO_ERROR,
        "state": InstanceState.SUCCEEDED,
        "last_checked": now,
        "last_succeeded": now,
        "next_at": instance_runs.next_run_at(now, row.every_s, 0, desk.ctx.jitter_unit()),
        "next_trigger": Trigger.SCHEDULE,
        "triggered_by": "",
    }


def _run(desk: Desk, task_id: str, found: Reviewed, now: datetime) -> RunRow:
    return RunRow(
        id=desk.ctx.ids.new("run", now),
        instance_id=task_id,
        outcome=RunOutcome.ATTACHED,
        trigger=Trigger.OPERATOR,
        triggered_by=desk.operator.user,
        daemon_id=desk.ctx.daemon_id,
        started_at=now,
        finished_at=now,
        detail={"changes": [each.to_json() for each in found.changes]},
    )


def _noted(task: TaskRow, found: Reviewed) -> dict[str, Any]:
    """Return what the activity log says: the issue and the fields before and after."""
    before = {each.field: each.before[:_MOST_NOTED] for each in found.changes}
    after = {each.field: each.after[:_MOST_NOTED] for each in found.changes}
    was = task.external_key or task.external_url
    return {
        "before": {**({"issue": was} if was else {}), **before},
        "after": {"issue": found.issue.key or found.issue.url or found.issue.id, **after},
    }
