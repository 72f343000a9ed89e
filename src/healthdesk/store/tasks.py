"""The desk's tasks: what operators say of them. How they are linked with issues is in `links`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select

from healthdesk.domain.instance_states import LinkState, WorkStatus
from healthdesk.store.instances import instance_row
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import InstanceRow, TaskRow
from healthdesk.store.schema_instances import instances, tasks
from healthdesk.store.scope import missing

CHANGEABLE = frozenset({"name", "description", "status", "due", "assignee", "template_id", "fields"})
"""What an operator says of a task."""

_COLUMNS = tuple(each.name for each in fields(TaskRow))


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks: every filter that is not None applies. `text` is looked for in names and keys of issues."""

    status: WorkStatus | None = None
    template_id: str | None = None
    integration_id: str | None = None
    assignee: str | None = None
    text: str | None = None


EVERY = TaskQuery()


def insert(
    conn: Connection,
    *,
    id: str,
    name: str,
    description: str = "",
    status: WorkStatus = WorkStatus.NOT_STARTED,
    due: str = "",
    assignee: str = "",
    template_id: str | None = None,
    link: LinkState | None = None,
    container: Mapping[str, str] | None = None,
    fields: Mapping[str, Any] | None = None,
    now: datetime,
    by: str,
) -> None:
    """Store a new task. `link` is WANTED for one that gets an issue in `container`, which has an instance of its id too."""
    conn.execute(
        sa.insert(tasks).values(
            id=id,
            name=name,
            description=description,
            status=status,
            due=due,
            assignee=assignee,
            template_id=template_id,
            link=link,
            container=dict(container or {}),
            fields=dict(fields or {}),
            created_at=now,
            created_by=by,
            updated_at=now,
            updated_by=by,
        )
    )


def get(conn: Connection, task_id: str, *, lock: bool = False) -> TaskRow:
    """Return a task, or raise NotFound. `lock` keeps it from changing until the transaction ends."""
    query = select(tasks).where(tasks.c.id == task_id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("task", task_id)
    return _task(row)


def update(conn: Connection, task_id: str, changes: Mapping[str, Any], by: str, now: datetime) -> None:
    """Change what is in CHANGEABLE and count a version, or raise NotFound. An instance of the id takes its name along."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a task has no {', '.join(sorted(unknown))} to change")
    changed = conn.execute(
        sa.update(tasks)
        .where(tasks.c.id == task_id)
        .values({**changes, "version": tasks.c.version + 1, "updated_at": now, "updated_by": by})
    )
    if not changed.rowcount:
        raise missing("task", task_id)
    carried = {name: changes[name] for name in ("name", "template_id") if name in changes}
    if carried:
        conn.execute(sa.update(instances).where(instances.c.id == task_id).values(carried))


def remove(conn: Connection, task_id: str) -> None:
    """Remove a task, or raise NotFound. Whoever removes it removes its instance before."""
    if not conn.execute(sa.delete(tasks).where(tasks.c.id == task_id)).rowcount:
        raise missing("task", task_id)


def page(
    conn: Connection, query: TaskQuery = EVERY, *, after: str | None = None, limit: int = 50
) -> PageRows[TaskRow]:
    """Return tasks that match, newest first."""
    chosen = select(tasks)
    if query.integration_id is not None:
        chosen = chosen.join(instances, instances.c.id == tasks.c.id).where(
            instances.c.integration_id == query.integration_id
        )
    for name in ("status", "template_id", "assignee"):
        wanted = getattr(query, name)
        if wanted is not None:
            chosen = chosen.where(tasks.c[name] == wanted)
    if query.text is not None:
        chosen = chosen.where(
            or_(
                tasks.c.name.icontains(query.text, autoescape=True),
                tasks.c.external_key.icontains(query.text, autoescape=True),
            )
        )
    return paged(conn, chosen, tasks.c.id, _task, after=after, limit=limit, newest_first=True)


def instances_of(conn: Connection, ids: Iterable[str]) -> dict[str, InstanceRow]:
    """Return what syncs these tasks, by id; those without an integration have nothing."""
    found = conn.execute(select(instances).where(instances.c.id.in_(list(ids))))
    return {row.id: instance_row(row) for row in found}


def _task(row: Any) -> TaskRow:
    return TaskRow(**{name: getattr(row, name) for name in _COLUMNS})
