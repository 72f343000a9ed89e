"""How tasks are linked with issues: creations begun and kept, what syncs found, attached and parted ones.

Every function looks at the task as it is now: it may have been edited, unlinked or removed while the app was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.instance_states import LinkState, WorkStatus
from healthdesk.domain.task_mapping import FIELDS, ours
from healthdesk.errors import Conflict, NotFound
from healthdesk.store import runs, tasks
from healthdesk.store.issue_holders import HERE, holder_of
from healthdesk.store.rows_instances import RunRow, TaskRow
from healthdesk.store.schema_instances import instance_runs, templates
from healthdesk.store.schema_instances import tasks as table

__all__ = [
    "LinkedTask",
    "attach",
    "begin_creation",
    "for_sync",
    "give_up_creation",
    "keep_created",
    "keep_sync",
    "mark_deleted",
    "unlink",
    "want_new",
]

_FORGOTTEN: Mapping[str, Any] = {"creating_at": None, "creating_title": ""}


@dataclass(frozen=True, slots=True)
class LinkedTask:
    """A task and the name of its template."""

    task: TaskRow
    template_name: str = ""


def for_sync(conn: Connection, task_id: str) -> LinkedTask:
    """Return a task as a sync needs it, or raise NotFound."""
    task = tasks.get(conn, task_id)
    name = None
    if task.template_id is not None:
        name = conn.execute(select(templates.c.name).where(templates.c.id == task.template_id)).scalar()
    return LinkedTask(task, name or "")


def begin_creation(
    conn: Connection, task: TaskRow, run: RunRow, container: Mapping[str, str], now: datetime
) -> TaskRow | None:
    """Commit that an issue is about to be created, with the run that does it; None for a task that needs none by now.

    Returns the task as it is then: that is what the issue is made of.

    Until something is known of its issue, `synced` holds when the first creation was tried (`since`), what the task said
    at the last one (`said`), and the ids of issues that the task was linked with before (`former`): neither what is older
    nor one of those is what was created.
    """
    row = _locked(conn, task.id)
    wanted = row is not None and row.link in (LinkState.WANTED, LinkState.CREATING)
    if row is None or not wanted or row.creating_at != task.creating_at:
        return None
    since = row.creating_at or now
    _set(
        conn,
        task.id,
        link=LinkState.CREATING,
        creating_at=now,
        creating_title=row.name,
        container=dict(container),
        synced={
            "since": since.isoformat(),
            **(row.synced or {}),
            "said": {name: ours(row, name) for name in FIELDS},
        },
    )
    runs.begin(conn, run)
    return tasks.get(conn, task.id)


def give_up_creation(conn: Connection, task_id: str, began_at: datetime) -> None:
    """Keep that the app refused to create an issue: there is none, and the next run asks again.

    That it was tried is remembered in `synced`, and looked up before: a refusal may have been that of a proxy.
    """
    conn.execute(
        sa.update(table)
        .where(table.c.id == task_id, table.c.link == LinkState.CREATING, table.c.creating_at == began_at)
        .values(link=LinkState.WANTED, **_FORGOTTEN)
    )


def keep_created(
    conn: Connection,
    task_id: str,
    issue: Mapping[str, Any],
    container: Mapping[str, str],
    synced: Mapping[str, Any],
    *,
    run_id: str | None = None,
) -> bool:
    """Link a task with the issue that was created for it, or found; return whether it is.

    The issue is kept in the detail of the run `run_id` whatever became of the task: one that was removed leaves no other
    trace of it. A task that was unlinked meanwhile keeps the issue's id without being linked, one that was attached to
    another issue is left alone, and an issue that another task is linked with is not given away.
    """
    if run_id is not None:
        detail = {
            "issue": {**{name: issue[name] for name in ("id", "key", "url")}, "container": dict(container)}
        }
        conn.execute(sa.update(instance_runs).where(instance_runs.c.id == run_id).values(detail=detail))
    row = _locked(conn, task_id)
    if row is None or row.link in HERE or row.link is None:
        return False
    if holder_of(conn, task_id, issue, container) is not None:
        return False
    linked = row.link is not LinkState.UNLINKED
    if linked or not row.external_id:
        found: dict[str, Any] = {**_of_issue(issue, container), **_FORGOTTEN}
        if linked:
            found |= {"link": LinkState.LINKED, "synced": dict(synced)}
        _set(conn, task_id, **found)
    return linked


def keep_sync(
    conn: Connection,
    task: TaskRow,
    pulled: Mapping[str, str],
    synced: Mapping[str, Any],
    issue: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
) -> None:
    """Keep what a sync of `task`, as it was read then, came to. `pulled` are its new values, `by` is who made them.

    Of a task that was parted from the issue or synced by another daemon meanwhile nothing changes. What somebody edited
    meanwhile is not overwritten: that field stays as it was synced before, and the next sync compares it again.
    """
    row = _locked(conn, task.id)
    if row is None or row.link not in HERE:
        return
    if row.external_id != task.external_id or row.synced != task.synced:
        return
    kept = {name: value for name, value in pulled.items() if getattr(row, name) == getattr(task, name)}
    agreed = _without(synced, task.synced, set(pulled) - set(kept))
    values: dict[str, Any] = dict(kept)
    if "status" in values:
        values["status"] = WorkStatus(values["status"])
    if values:
        tasks.update(conn, task.id, values, by, now)
    _set(conn, task.id, link=LinkState.LINKED, synced=agreed, **_of_issue(issue, row.container))


def mark_deleted(conn: Connection, task: TaskRow) -> None:
    """Keep that the app no longer knows the issue of a task, as it was read then."""
    conn.execute(
        sa.update(table)
        .where(
            table.c.id == task.id, table.c.external_id == task.external_id, table.c.link == LinkState.LINKED
        )
        .values(link=LinkState.DELETED)
    )


def attach(
    conn: Connection,
    task_id: str,
    issue: Mapping[str, Any],
    container: Mapping[str, str],
    values: Mapping[str, str],
    synced: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
) -> None:
    """Link a task with an existing issue that overwrites it with `values`; Conflict where another task has it."""
    if (other := holder_of(conn, task_id, issue, container)) is not None:
        raise Conflict(
            f"{issue['key'] or issue['id']} is linked with the task {other} already",
            fix="unlink that one first, or attach another issue",
        )
    changes: dict[str, Any] = dict(values)
    if "status" in changes:
        changes["status"] = WorkStatus(changes["status"])
    tasks.update(conn, task_id, changes, by, now)
    _set(
        conn,
        task_id,
        link=LinkState.LINKED,
        synced=dict(synced),
        **_of_issue(issue, container),
        **_FORGOTTEN,
    )


def unlink(conn: Connection, task_id: str) -> None:
    """Part a task from its issue, whose id it keeps. A creation that is under way is not forgotten: it may have made one."""
    _set(conn, task_id, link=LinkState.UNLINKED)


def want_new(conn: Connection, task_id: str, container: Mapping[str, str] | None = None) -> None:
    """Let a task get an issue of its own, whatever it was linked with before, or raise NotFound.

    `container` is where it is created, wherever the one before was. A creation whose answer was lost is looked for where
    it was begun.
    """
    row = tasks.get(conn, task_id, lock=True)
    if container is not None and row.creating_at is None:
        _set(conn, task_id, container=dict(container))
    memory = row.synced or {}
    former = [*memory.get("former", ()), *([row.external_id] if row.external_id else ())]
    doubt = {
        name: memory[name] for name in ("since", "said") if name in memory and row.creating_at is not None
    }
    _set(
        conn,
        task_id,
        link=LinkState.WANTED,
        external_id="",
        external_key="",
        external_url="",
        external=None,
        synced={**doubt, "former": former} if former or doubt else None,
    )


def _of_issue(issue: Mapping[str, Any], container: Mapping[str, str]) -> dict[str, Any]:
    return {
        "external_id": issue["id"],
        "external_key": issue["key"],
        "external_url": issue["url"],
        "external": dict(issue),
        "container": dict(container),
    }


def _without(
    synced: Mapping[str, Any], before: Mapping[str, Any] | None, left: Collection[str]
) -> dict[str, Any]:
    """Return what counts as synced, the fields in `left` as they were before."""
    agreed = {side: dict(synced[side]) for side in ("ours", "theirs")}
    for side, values in agreed.items():
        for name in left:
            values.pop(name, None)
            if name in ((before or {}).get(side) or {}):
                values[name] = (before or {})[side][name]
    return agreed


def _locked(conn: Connection, task_id: str) -> TaskRow | None:
    try:
        return tasks.get(conn, task_id, lock=True)
    except NotFound:
        return None


def _set(conn: Connection, task_id: str, **values: Any) -> None:
    conn.execute(sa.update(table).where(table.c.id == task_id).values(values))
