"""Tasks of the desk: list, show, add, edit, remove. With an integration each has an issue, which is synced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.instances import Issue
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit, TaskFilter
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import LinkState
from healthdesk.domain.roles import Standing
from healthdesk.domain.states import Trigger
from healthdesk.domain.task_mapping import status_word
from healthdesk.engine import new_tasks
from healthdesk.engine.new_tasks import Link, NewTask
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.instance_views import instance_view
from healthdesk.operations.paging import cursor, to_page
from healthdesk.operations.refusals import refused_in
from healthdesk.operations.task_inputs import before_and_after, checked, noted
from healthdesk.store import connections, instance_context, instances, links, templates
from healthdesk.store import tasks as queries
from healthdesk.store.instance_context import Around
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import InstanceRow, TaskRow
from healthdesk.store.tasks import TaskQuery

SYNCED = frozenset({LinkState.WANTED, LinkState.CREATING, LinkState.LINKED})
"""A task in one of these states is made due by an edit."""

_EDITED = ("name", "description", "status", "due", "assignee", "fields")


class Shown:
    """What is read beside a page of tasks: what syncs them, and the names around."""

    def __init__(self, conn: Conn, rows: Sequence[TaskRow]) -> None:
        self.synced = queries.instances_of(conn, [row.id for row in rows])
        self.around: Around = instance_context.around(conn, list(self.synced.values()))
        self.templates = templates.names(conn, (row.template_id for row in rows))


def view(desk: Desk, row: TaskRow, beside: Shown) -> Task:
    """Return a task as operators see it."""
    synced: InstanceRow | None = beside.synced.get(row.id)
    return Task(
        id=row.id,
        name=row.name,
        description=row.description,
        status=row.status,
        status_word=status_word(row.status),
        due=row.due,
        assignee=row.assignee,
        template_id=row.template_id,
        template_name=beside.templates.get(row.template_id or "", ""),
        version=row.version,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        instance=instance_view(desk, synced, beside.around) if synced is not None else None,
        issue=_issue(row) if row.external is not None else None,
        refused=refused_in(desk, row),
    )


def _issue(row: TaskRow) -> Issue:
    return Issue.model_validate({**(row.external or {}), "container": dict(row.container)})


def view_of(conn: Conn, desk: Desk, task_id: str) -> Task:
    """Return a task as it is in this transaction; NotFound."""
    row = queries.get(conn, task_id)
    return view(desk, row, Shown(conn, [row]))


async def list_all(desk: Desk, chosen: TaskFilter, after: str | None, limit: int) -> Page[Task]:
    """Return tasks that match, newest first."""
    desk.require("tasks.list")
    query = TaskQuery(chosen.status, chosen.template_id, chosen.integration_id, chosen.assignee, chosen.text)
    after = cursor("tsk", after)

    def read(conn: Conn) -> tuple[PageRows[TaskRow], Shown]:
        rows = queries.page(conn, query, after=after, limit=limit)
        return rows, Shown(conn, rows.items)

    rows, beside = await desk.read(read)
    return to_page(rows, lambda row: view(desk, row, beside))


async def show(desk: Desk, task_id: str) -> Task:
    """Return a task."""
    desk.require("tasks.show")
    return await desk.read(view_of, desk, task_id)


async def add(desk: Desk, new: TaskCreate) -> Task:
    """Add a task. With an integration its issue is created at once, under the operator's own connection."""
    if new.integration_id is None:
        desk.require("tasks.add")
        if new.connection_id is not None:
            raise _without_integration()
    said = checked(new.model_dump(include=set(_EDITED)))
    now = desk.now()

    def change(conn: Conn) -> Task:
        if new.template_id is not None:
            _know_template(conn, new.template_id)
        through = None
        if new.integration_id is not None:
            through = _through(conn, desk, new.integration_id, new.connection_id, action="tasks.add")
        wanted = NewTask(by=desk.operator.user, template_id=new.template_id, link=through, **said)
        task_id = new_tasks.insert(conn, desk.ctx, wanted, now)
        detail: dict[str, Any] = {"after": noted({**said, "status": new.status.value})}
        if through is not None:
            detail["integration"] = through.integration.name
        desk.note(conn, Verb.ADDED, "task", task_id, said["name"], detail)
        return view_of(conn, desk, task_id)

    made = await desk.ctx.store.write(change)
    tell(desk, made)
    return made


async def edit(desk: Desk, task_id: str, changes: TaskEdit) -> Task:
    """Change a task; what syncs it is due at once. Conflict when it changed since the version that was read."""
    given = changes.model_dump(include=set(_EDITED), exclude_unset=True)
    wanted = checked({name: value for name, value in given.items() if value is not None})
    if changes.connection_id is not None and changes.integration_id is None:
        raise _without_integration()
    now = desk.now()

    def change(conn: Conn) -> Task:
        row = _editable(conn, desk, task_id, "tasks.edit")
        if changes.version is not None and changes.version != row.version:
            raise Conflict(
                f"{row.name} was changed meanwhile by {row.updated_by}; nothing was saved",
                fix="look at it again, and do it once more",
                field="version",
            )
        changed = {name: value for name, value in wanted.items() if value != getattr(row, name)}
        if changed:
            queries.update(conn, task_id, changed, desk.operator.user, now)
        detail = before_and_after(row, changed)
        if changes.integration_id is not None:
            name = changed.get("name", row.name)
            detail["integration"] = _integrate(conn, desk, row, name, changes)
        elif changed and row.link in SYNCED:
            instances.due_now(conn, [task_id], now, Trigger.EDIT, desk.operator.user)
        if changed or "integration" in detail:
            desk.note(conn, Verb.EDITED, "task", task_id, row.name, detail)
        return view_of(conn, desk, task_id)

    edited = await desk.ctx.store.write(change)
    tell(desk, edited)
    return edited


async def remove(desk: Desk, task_id: str) -> None:
    """Remove a task, parted from its issue first: that stays as it is at the app."""

    def change(conn: Conn) -> bool:
        row = _editable(conn, desk, task_id, "tasks.remove")
        synced = queries.instances_of(conn, [task_id]).get(task_id)
        detail: dict[str, Any] = {}
        if synced is not None:
            links.unlink(conn, task_id)
            instances.remove(conn, task_id)
            if row.external_id and row.link is LinkState.LINKED:
                detail["issue stays"] = row.external_key or row.external_url or row.external_id
        queries.remove(conn, task_id)
        desk.note(conn, Verb.REMOVED, "task", task_id, row.name, detail)
        return synced is not None

    linked = await desk.write(change, ("task", task_id))
    if linked:
        desk.tell(("instance", task_id))


def _integrate(conn: Conn, desk: Desk, row: TaskRow, name: str, changes: TaskEdit) -> str:
    """Let a task that has no issue get one through an integration; return that one's name."""
    assert changes.integration_id is not None
    synced = queries.instances_of(conn, [row.id]).get(row.id)
    if synced is not None:
        if row.link in SYNCED:
            issue = row.external_key or "an issue that is still to be created"
            raise Conflict(
                f"{row.name} is linked with {issue} already",
                fix="unlink it first: `healthdesk instances unlink`",
                field="integration_id",
            )
        # Whoever the task is assigned to may edit it; that another issue and owner come in is for whose it is.
        around = instance_context.around(conn, [synced]).connections
        desk.require(
            "instances.create_issue", desk.standing_of(synced, around.get(synced.connection_id or ""))
        )
        instances.remove(conn, row.id)
    through = _through(
        conn, desk, changes.integration_id, changes.connection_id, action="tasks.edit", task=row
    )
    links.want_new(conn, row.id)
    new_tasks.link(conn, row.id, name, row.template_id, through, by=desk.operator.user, now=desk.now())
    return through.integration.name


def _through(
    conn: Conn,
    desk: Desk,
    integration_id: str,
    connection_id: str | None,
    *,
    action: str,
    task: TaskRow | None = None,
) -> Link:
    """Return what a task is linked through under the operator's own connection, if they may do that."""
    if connection_id is not None:
        # Before what it is good for is judged: whoever holds nothing on it is told whom to ask.
        desk.require("connections.use", desk.standing_on(connections.get(conn, connection_id)))
    through = new_tasks.link_of(
        conn,
        desk.ctx,
        integration_id,
        desk.operator.user,
        connection_id,
        lambda row: desk.refusal("connections.use", desk.standing_on(row)) is None,
    )
    held = desk.standing_on(connections.hold(conn, through.connection_id))
    desk.require("connections.use", held)
    desk.require(action, held if task is None else desk.standing_in(task))
    return through


def _editable(conn: Conn, desk: Desk, task_id: str, action: str) -> TaskRow:
    """Return a task that the operator may change, locked."""
    try:
        row = queries.get(conn, task_id, lock=True)
    except NotFound:
        # Whoever may change no task at all is told that, whether there is one or not.
        desk.require(action, Standing.OWNER)
        raise
    desk.require(action, desk.standing_in(row))
    return row


def _know_template(conn: Conn, template_id: str) -> None:
    try:
        templates.get(conn, template_id)
    except NotFound:
        raise Malformed(
            "no such template", field="template_id", fix="`healthdesk templates list` names them"
        ) from None


def _without_integration() -> Malformed:
    return Malformed(
        "a connection goes with an integration", field="connection_id", fix="give integration_id"
    )


def tell(desk: Desk, task: Task) -> None:
    """Say that a task was made or changed, and let what syncs it look."""
    desk.tell(("task", task.id))
    if task.instance is not None:
        desk.tell(("instance", task.id))
        desk.engine.instances.wake()
