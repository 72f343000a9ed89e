"""Actions on tasks and proof syncs: Sync now, Unlink, Create a new issue, Reconnect."""

from __future__ import annotations

from typing import Any

from healthdesk.api.instances import Instance, InstanceSync, Reconnect, Reconnected
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import InstanceKind, InstanceState
from healthdesk.domain.instance_words import counted, instance_word
from healthdesk.domain.states import IntegrationKind, Trigger
from healthdesk.engine import new_tasks
from healthdesk.engine.sites import same_site
from healthdesk.errors import Conflict
from healthdesk.operations.accounts import app_name
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain_instances import not_now
from healthdesk.operations.instances import view_of
from healthdesk.operations.issue_places import may_use
from healthdesk.operations.paging import everything
from healthdesk.store import connections, instance_context, integrations, links, usable
from healthdesk.store import instances as queries
from healthdesk.store.rows import ConnectionRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceRow, TaskRow


async def sync(desk: Desk, instance_id: str, choice: InstanceSync) -> Instance:
    """Sync now, and return the instance as it is then; after `wait_s` seconds it goes on by itself."""
    row, task = await desk.read(_allowed, desk, instance_id, "sync")
    await desk.engine.instances.run_now(instance_id, Trigger.OPERATOR, desk.operator.user, choice.wait_s)

    def change(conn: Conn) -> Instance:
        shown = view_of(conn, desk, instance_id)
        link = task.link if task is not None else None
        detail = {
            "before": instance_word(row.state, link),
            "after": "still running" if shown.running else shown.state_word,
        }
        desk.note(conn, Verb.SYNCED, "instance", instance_id, row.name, detail)
        return shown

    return await desk.write(change)


async def unlink(desk: Desk, instance_id: str) -> Instance:
    """Part a task from its issue. Both stay as they are and are not synced; its problem counts it no more."""

    def change(conn: Conn) -> Instance:
        row, task = _allowed(conn, desk, instance_id, "unlink")
        links.unlink(conn, instance_id)
        parted = {"state": InstanceState.PENDING, "next_at": None, "blocked": False}
        queries.update(conn, instance_id, {**queries.NO_ERROR, **parted})
        desk.note(conn, Verb.UNLINKED, "instance", instance_id, row.name, _issue(task, "before"))
        return view_of(conn, desk, instance_id)

    return await desk.write(change, ("instance", instance_id), ("task", instance_id))


async def create_issue(desk: Desk, instance_id: str) -> Instance:
    """Let a task that is unlinked, or whose issue was deleted, get a new one; it is created at once."""
    now = desk.now()

    def change(conn: Conn) -> Instance:
        row, task = _allowed(conn, desk, instance_id, "create_issue")
        # The operator may have been taken off the connection since it was chosen.
        desk.require("connections.use", desk.standing_on(connections.get(conn, row.connection_id or "")))
        settings = integrations.get(conn, row.integration_id).settings
        links.want_new(conn, instance_id, settings.get("container"))
        due = {"next_at": now, "next_trigger": Trigger.OPERATOR, "triggered_by": desk.operator.user}
        queries.update(conn, instance_id, {**queries.NO_ERROR, "state": InstanceState.PENDING, **due})
        desk.note(conn, Verb.CREATED_ISSUE, "instance", instance_id, row.name, _issue(task, "before"))
        return view_of(conn, desk, instance_id)

    shown = await desk.write(change, ("instance", instance_id), ("task", instance_id))
    desk.engine.instances.wake()
    return shown


async def reconnect(desk: Desk, instance_id: str, choice: Reconnect) -> Reconnected:
    """Give a task a connection, and with it all others of the same user and app that lost theirs; all are synced at once."""
    every = await everything(desk, integrations.page)
    now = desk.now()

    def change(conn: Conn) -> Reconnected:
        row, _ = _allowed(conn, desk, instance_id, "reconnect")
        chosen = new_tasks.link_of(
            conn,
            desk.ctx,
            row.integration_id,
            row.owner,
            choice.connection_id,
            lambda each: may_use(desk, each),
        )
        connection = connections.hold(conn, chosen.connection_id)
        desk.require("connections.use", desk.standing_on(connection))
        here = _of_this_site(conn, desk, row, connection, every)
        number = queries.reconnect(conn, row.owner, row.app, connection.id, now, integration_ids=here)
        usable.used(conn, connection.id, now)
        detail: dict[str, Any] = {"before": "disconnected", "after": connection.name, "tasks": number}
        desk.note(conn, Verb.RECONNECTED, "instance", instance_id, row.name, detail)
        verb = "is" if number == 1 else "are"
        told = f"{counted(InstanceKind.TASK, number)} of {row.owner} in {app_name(desk, row.app)}"
        return Reconnected(
            instances=number,
            sentence=f"{told} {verb} connected again, through {connection.name}, and synced now.",
        )

    # Without an id: whoever shows any instance reads it again.
    done = await desk.write(change, ("instance", ""), ("task", ""), ("connection", choice.connection_id))
    desk.engine.instances.wake()
    return done


def _of_this_site(
    conn: Conn, desk: Desk, row: InstanceRow, connection: ConnectionRow, every: list[IntegrationRow]
) -> list[str]:
    """Return the integrations whose issues a connection sees: those at its site.

    The admin connection tells the site; of an integration that has none any more, the addresses of its issues do.
    """
    host = instance_context.issue_host(conn, row.integration_id, row.owner)
    here = [row.integration_id]
    for each in every:
        if each.kind is not IntegrationKind.TASKS or each.app != row.app or each.id == row.integration_id:
            continue
        admin = instance_context.connections_of(conn, [each.connection_id]).get(each.connection_id or "")
        if admin is not None:
            if same_site(desk.ctx.apps, admin, connection):
                here.append(each.id)
            continue
        other = instance_context.issue_host(conn, each.id, row.owner)
        if not host or not other or host == other:
            here.append(each.id)
    return here


def _allowed(conn: Conn, desk: Desk, instance_id: str, action: str) -> tuple[InstanceRow, TaskRow | None]:
    """Return an instance and its task; NotPermitted or Conflict where the action is not for the operator, or not now."""
    row = queries.get(conn, instance_id)
    around = instance_context.around(conn, [row])
    connection = around.connections.get(row.connection_id or "")
    desk.require(f"instances.{action}", desk.standing_of(row, connection))
    task = around.tasks.get(instance_id)
    refused = not_now(row, task, connection, paused=row.integration_id in around.paused).get(action)
    if refused:
        raise Conflict(f"{row.name}: {refused}")
    return row, task


def _issue(task: TaskRow | None, when: str) -> dict[str, Any]:
    """Return the issue of a task for the activity log."""
    called = (task.external_key or task.external_url or task.external_id) if task is not None else ""
    return {when: called} if called else {}
