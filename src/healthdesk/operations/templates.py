"""Templates, the repeating tasks: list, show, add, edit, remove, and create a task of one by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.tasks import (
    Schedule,
    Task,
    Template,
    TemplateCreate,
    TemplateEdit,
    TemplateTask,
)
from healthdesk.domain.activity import Verb
from healthdesk.domain.pings import PingSchedule, check_schedule
from healthdesk.domain.repeating import schedule_word
from healthdesk.engine import templates as engine
from healthdesk.engine.new_tasks import link_of
from healthdesk.engine.templates import schedule_of
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, to_page
from healthdesk.operations.task_inputs import checked
from healthdesk.operations.tasks import tell, view_of
from healthdesk.store import app_integrations
from healthdesk.store import templates as queries
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import TemplateRow


class _Beside:
    """What is read beside a page of templates."""

    def __init__(self, conn: Conn, rows: Sequence[TemplateRow]) -> None:
        self.integrations = app_integrations.names(
            conn, [row.integration_id for row in rows if row.integration_id is not None]
        )
        self.counts = queries.counts(conn, [row.id for row in rows])


def _view(row: TemplateRow, beside: _Beside) -> Template:
    return Template(
        id=row.id,
        name=row.name,
        task=TemplateTask.model_validate(row.task),
        schedule=None if row.schedule is None else Schedule.model_validate(row.schedule),
        schedule_word=schedule_word(schedule_of(row)),
        integration_id=row.integration_id,
        integration_name=beside.integrations.get(row.integration_id or "", ""),
        connection_id=row.connection_id,
        owner=row.owner,
        next_at=row.next_at,
        last_at=row.last_at,
        error=row.error,
        tasks=beside.counts.get(row.id, 0),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _read(conn: Conn, template_id: str) -> Template:
    row = queries.get(conn, template_id)
    return _view(row, _Beside(conn, [row]))


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Template]:
    """Return templates by age."""
    desk.require("templates.list")
    after = cursor("tpl", after)

    def read(conn: Conn) -> tuple[PageRows[TemplateRow], _Beside]:
        rows = queries.page(conn, after=after, limit=limit)
        return rows, _Beside(conn, rows.items)

    rows, beside = await desk.read(read)
    return to_page(rows, lambda row: _view(row, beside))


async def show(desk: Desk, template_id: str) -> Template:
    """Return a template."""
    desk.require("templates.show")
    return await desk.read(_read, template_id)


async def add(desk: Desk, new: TemplateCreate) -> Template:
    """Add a template. Its tasks are created under the connection of whoever adds it."""
    desk.require("templates.add")
    now = desk.now()
    schedule = _schedule(new.schedule, now)
    row = TemplateRow(
        id=desk.ctx.ids.new("tpl", now),
        name=new.name,
        task=_task(new.task),
        schedule=None if schedule is None else schedule.to_json(),
        integration_id=new.integration_id,
        connection_id=new.connection_id,
        owner=desk.operator.user,
        next_at=None if schedule is None else schedule.expected_after(now),
        last_at=None,
        error="",
        created_at=now,
        created_by=desk.operator.user,
    )

    def change(conn: Conn) -> Template:
        _check_link(conn, desk, row.owner, row.integration_id, row.connection_id)
        queries.insert(conn, row)
        detail = {"after": _noted({"task": row.task, "schedule": schedule_word(schedule)})}
        desk.note(conn, Verb.ADDED, "template", row.id, row.name, detail)
        return _read(conn, row.id)

    made = await desk.write(change, ("template", row.id))
    desk.engine.templates.wake()
    return made


async def edit(desk: Desk, template_id: str, changes: TemplateEdit) -> Template:
    """Change a template; tasks that exist stay as they are. A new schedule counts from now."""
    desk.require("templates.edit")
    now = desk.now()
    given = changes.model_fields_set
    if changes.without_schedule and changes.schedule is not None:
        raise Malformed("schedule and without_schedule exclude each other", field="without_schedule")
    wanted: dict[str, Any] = {}
    if changes.name is not None:
        wanted["name"] = changes.name
    if changes.task is not None:
        wanted["task"] = _task(changes.task)
    if changes.schedule is not None or changes.without_schedule:
        schedule = _schedule(changes.schedule, now)
        wanted["schedule"] = None if schedule is None else schedule.to_json()
    for name in ("integration_id", "connection_id"):
        if name in given:
            wanted[name] = getattr(changes, name)
    if "integration_id" in wanted:
        wanted.setdefault("connection_id", None)

    def change(conn: Conn) -> Template:
        row = queries.get(conn, template_id, lock=True)
        changed = {name: value for name, value in wanted.items() if value != getattr(row, name)}
        if "integration_id" in wanted or "connection_id" in wanted:
            integration_id = wanted.get("integration_id", row.integration_id)
            _check_link(conn, desk, row.owner, integration_id, wanted.get("connection_id"))
        columns = dict(changed)
        if "schedule" in changed:
            columns["next_at"] = schedule.expected_after(now) if schedule is not None else None
        if changed:
            queries.update(conn, template_id, {**columns, "error": ""})
            before = {name: getattr(row, name) for name in changed}
            detail = {"before": _noted(before), "after": _noted(changed)}
            desk.note(conn, Verb.EDITED, "template", template_id, row.name, detail)
        return _read(conn, template_id)

    edited = await desk.write(change, ("template", template_id))
    desk.engine.templates.wake()
    return edited


async def remove(desk: Desk, template_id: str) -> None:
    """Remove a template; tasks that were made from it stay."""
    desk.require("templates.remove")

    def change(conn: Conn) -> None:
        row = queries.get(conn, template_id, lock=True)
        queries.remove(conn, template_id)
        number = _Beside(conn, [row]).counts.get(template_id, 0)
        desk.note(conn, Verb.REMOVED, "template", template_id, row.name, {"tasks stay": number})

    await desk.write(change, ("template", template_id))


async def create(desk: Desk, template_id: str) -> Task:
    """Create a task from a template now, under its owner's connection; its schedule goes on as it is."""
    desk.require("templates.create")
    now = desk.now()

    def change(conn: Conn) -> Task:
        row = queries.get(conn, template_id, lock=True)
        task_id = engine.create(conn, desk.ctx, row, now, by=desk.operator.user)
        queries.created(conn, template_id, now, row.next_at)
        made = view_of(conn, desk, task_id)
        desk.note(conn, Verb.ADDED, "task", task_id, made.name, {"template": row.name})
        return made

    made = await desk.ctx.store.write(change)
    tell(desk, made)
    desk.tell(("template", template_id))
    return made


def _task(given: TemplateTask) -> dict[str, Any]:
    return checked(given.model_dump(mode="json"), "task.")


def _schedule(given: Schedule | None, now: datetime) -> PingSchedule | None:
    if given is None:
        return None
    try:
        return check_schedule(PingSchedule(**given.model_dump()), now)
    except Malformed as error:
        raise Malformed(error.what, fix=error.fix, field=f"schedule.{error.field}") from error


def _check_link(
    conn: Conn, desk: Desk, owner: str, integration_id: str | None, connection_id: str | None
) -> None:
    """Raise Malformed where a task could not be created with this now."""
    if integration_id is not None:
        link_of(conn, desk.ctx, integration_id, owner, connection_id)
    elif connection_id is not None:
        raise Malformed(
            "a connection goes with an integration", field="connection_id", fix="give integration_id"
        )


def _noted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template says as the activity log keeps it, without its long texts."""
    kept = dict(values)
    if isinstance(kept.get("task"), Mapping):
        kept["task"] = {
            name: value
            for name, value in kept["task"].items()
            if name not in ("description", "fields") and value not in ("", None)
        }
    return kept
