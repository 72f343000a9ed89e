"""Integrations of kinds tasks and proof: add, edit, show, pause, resume, remove. Those of kind delivery are in `integrations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.api.integrations import (
    Integration,
    IntegrationCreate,
    IntegrationEdit,
    ProofSettings,
    TaskSettings,
)
from healthdesk.connectors.app import App
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import IntegrationKind, IntegrationState
from healthdesk.errors import Conflict, Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.task_integration_views import Beside, beside, view
from healthdesk.operations.task_places import asked_settings, same_place, usable
from healthdesk.operations.task_settings import checked
from healthdesk.store import app_integrations as queries
from healthdesk.store import connections, integrations
from healthdesk.store.rows import ConnectionSecretRow, IntegrationRow


async def add(desk: Desk, new: IntegrationCreate) -> Integration:
    """Add an integration of kind tasks or proof; what the app says no to saves nothing."""
    desk.require("integrations.add")
    _refuse_environments(new)
    connection, app = await _place(desk, new)
    settings: TaskSettings | ProofSettings
    lacks: list[str] = []
    if connection is None:
        settings = new.proof or ProofSettings()
    else:
        settings, lacks = await asked_settings(
            desk, app, connection, new.tasks or TaskSettings(), unchecked=new.unchecked
        )
    now = desk.now()
    integration_id = desk.ctx.ids.new("int", now)
    kept = settings.model_dump(mode="json")

    def change(conn: Conn) -> tuple[IntegrationRow, Beside]:
        if connection is not None:
            connections.hold(conn, connection.id)  # it may have been disconnected while the app was asked
        queries.insert(
            conn,
            integration_id=integration_id,
            name=new.name,
            kind=new.kind,
            app=app.id,
            connection_id=connection.id if connection is not None else None,
            settings=kept,
            now=now,
            by=desk.operator.user,
        )
        detail = {"kind": new.kind.value, "app": app.id, "after": _told(kept)}
        desk.note(conn, Verb.ADDED, "integration", integration_id, new.name, detail)
        return _read(conn, integration_id)

    row, around = await desk.write(change, ("integration", integration_id))
    return view(desk, row, around).model_copy(update={"notes": lacks})


async def edit(desk: Desk, row: IntegrationRow, changes: IntegrationEdit) -> Integration:
    """Change an integration of kind tasks or proof. The app is asked first where settings or connection change."""
    desk.require("integrations.edit")
    _refuse_environments(changes)
    columns: dict[str, Any] = {}
    if changes.name is not None:
        columns["name"] = changes.name
    lacks: list[str] = []
    before_s = after_s = float(row.settings["every_s"])
    if row.kind is IntegrationKind.PROOF:
        if changes.tasks is not None or "connection_id" in changes.model_fields_set:
            raise Malformed(f"{row.name} is of kind proof", field="tasks", fix="it has `proof` to change")
        if changes.proof is not None:
            columns["settings"] = changes.proof.model_dump(mode="json")
            after_s = changes.proof.every_s
    else:
        of_tasks, lacks = await _task_columns(desk, row, changes)
        columns |= of_tasks
        after_s = float(columns.get("settings", row.settings)["every_s"])
    before = {name: getattr(row, name) for name in columns}

    def change(conn: Conn) -> tuple[IntegrationRow, Beside]:
        now = integrations.get(conn, row.id)
        if now.settings != row.settings and "settings" in columns:
            raise Conflict(f"{row.name} was changed meanwhile by somebody else; nothing was saved")
        queries.update(conn, row.id, columns)
        if after_s != before_s:
            queries.reschedule(conn, row.id, before_s, after_s, desk.now())
        was, becomes = _differing(before, columns)
        desk.note(
            conn,
            Verb.EDITED,
            "integration",
            row.id,
            row.name,
            {"before": _told(was), "after": _told(becomes)},
        )
        return _read(conn, row.id)

    changed, around = await desk.write(change, ("integration", row.id))
    desk.engine.instances.wake()
    return view(desk, changed, around).model_copy(update={"notes": lacks})


async def set_state(desk: Desk, integration_id: str, state: IntegrationState) -> Integration:
    """Pause or resume: nothing of a paused integration is synced or collected."""
    verb = Verb.PAUSED if state is IntegrationState.PAUSED else Verb.RESUMED

    def change(conn: Conn) -> tuple[IntegrationRow, Beside]:
        row = integrations.get(conn, integration_id)
        if queries.set_state(conn, integration_id, state):
            desk.note(conn, verb, "integration", integration_id, row.name)
        return _read(conn, integration_id)

    row, around = await desk.write(change, ("integration", integration_id))
    desk.engine.instances.wake()
    return view(desk, row, around)


async def remove(desk: Desk, integration_id: str, *, unlink: bool) -> None:
    """Remove an integration. Conflict while it has instances: tasks are unlinked with `unlink`, proof syncs never.

    Issues stay at the app, and tasks at the desk.
    """
    desk.require("integrations.remove")

    def change(conn: Conn) -> None:
        row = integrations.get(conn, integration_id)
        if row.kind is IntegrationKind.DELIVERY:
            raise Conflict(
                f"{row.name} delivers records: what it delivered is in the log, and stays",
                fix="`healthdesk integrations pause` stops it",
            )
        number = queries.instances_of(conn, integration_id)
        if number and row.kind is IntegrationKind.PROOF:
            raise Conflict(
                f"{row.name} has {_counted(number, 'proof sync')}",
                fix="delete them first: `healthdesk instances delete`",
            )
        if number and not unlink:
            raise Conflict(
                f"{row.name} has {_counted(number, 'linked task')}",
                fix="`healthdesk integrations remove --unlink` parts them from it (in the API, ?instances=unlink);"
                " the issues stay as they are",
            )
        queries.remove(conn, integration_id, desk.now())
        detail = {"kind": row.kind.value, "unlinked": number, "before": _told(row.settings)}
        desk.note(conn, Verb.REMOVED, "integration", integration_id, row.name, detail)

    await desk.write(change, ("integration", integration_id))


async def _place(desk: Desk, new: IntegrationCreate) -> tuple[ConnectionSecretRow | None, App]:
    """Return the admin connection of a new integration and its app; of kind proof there is no connection."""
    if new.kind is IntegrationKind.PROOF:
        if new.tasks is not None or new.connection_id is not None:
            raise Malformed(
                "an integration of kind proof has no connection and no tasks",
                field="connection_id" if new.connection_id is not None else "tasks",
                fix="each proof sync of it names its own connection",
            )
        if not new.app:
            raise Malformed("the app is missing", field="app", fix="`healthdesk apps` lists which have proof")
        app = desk.ctx.apps.get(new.app)
        if not app.manifest.datasets:
            raise Malformed(
                f"{app.name} has no proof to collect", field="app", fix="`healthdesk apps` lists which have"
            )
        return None, app
    if new.proof is not None:
        raise Malformed("an integration of kind tasks collects no proof", field="proof")
    if new.connection_id is None:
        raise Malformed(
            "the admin connection is missing",
            field="connection_id",
            fix="name one: `--connection` of `healthdesk integrations add`, or `connection_id`",
        )
    connection = await usable(desk, new.connection_id)
    if new.app not in (None, connection.app):
        raise Malformed(f"{connection.name} is a connection to {connection.app}", field="app")
    return connection, desk.ctx.apps.get(connection.app)


async def _task_columns(
    desk: Desk, row: IntegrationRow, changes: IntegrationEdit
) -> tuple[dict[str, Any], list[str]]:
    """Return the columns that an edit of a task integration changes, and what creations lack by these settings."""
    if changes.proof is not None:
        raise Malformed(f"{row.name} is of kind tasks", field="proof", fix="it has `tasks` to change")
    columns: dict[str, Any] = {}
    admin_id = row.connection_id
    if "connection_id" in changes.model_fields_set:
        if changes.connection_id is None:
            raise Malformed("connection_id cannot be cleared", field="connection_id")
        await same_place(desk, row, changes.connection_id)
        admin_id = columns["connection_id"] = changes.connection_id
    if changes.tasks is None and "connection_id" not in columns:
        return columns, []
    given = changes.tasks or TaskSettings.model_validate(row.settings)
    app = desk.ctx.apps.get(row.app)
    lacks: list[str] = []
    if changes.unchecked:
        settings = checked(app.manifest, given)
    elif admin_id is None:
        raise Conflict(
            f"{row.name} has no admin connection any more, through which {app.name} could be asked",
            fix=f"give it one: `healthdesk integrations edit {row.id} --connection`",
        )
    else:
        connection = await desk.read(connections.get_secret, admin_id)
        settings, lacks = await asked_settings(desk, app, connection, given, unchecked=False)
    if changes.tasks is not None:
        columns["settings"] = settings.model_dump(mode="json")
    return columns, lacks


def _refuse_environments(given: IntegrationCreate | IntegrationEdit) -> None:
    for name in ("production", "testing"):
        if getattr(given, name) is not None:
            raise Malformed("only an integration of kind delivery has environments", field=name)


def _read(conn: Conn, integration_id: str) -> tuple[IntegrationRow, Beside]:
    row = integrations.get(conn, integration_id)
    return row, beside(conn, [row])


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an edit changed, before and after; of settings only those that differ."""
    was, becomes = dict(before), dict(after)
    if "settings" in after:
        old, new = was.pop("settings"), becomes.pop("settings")
        names = [name for name in new if old.get(name) != new[name]]
        was |= {name: old.get(name) for name in names}
        becomes |= {name: new[name] for name in names}
    return was, becomes


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the activity log tells them: what is empty says nothing."""
    return {name: value for name, value in settings.items() if value not in ({}, None)}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
