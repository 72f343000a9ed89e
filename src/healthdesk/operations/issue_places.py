"""Where an issue for a task is looked for: through its own integration and connection, or through those that are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from healthdesk.domain.instance_states import LinkState
from healthdesk.domain.task_mapping import TaskMapping
from healthdesk.engine import new_tasks
from healthdesk.engine.new_tasks import Link
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import connections, integrations, tasks
from healthdesk.store import instances as queries
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceRow, TaskRow


@dataclass(frozen=True, slots=True)
class Place:
    """A task, and where an issue for it is looked for. `link` is what it will be linked through where that is new."""

    task: TaskRow
    instance: InstanceRow | None
    integration: IntegrationRow
    connection: ConnectionSecretRow
    link: Link | None = None

    @property
    def mapping(self) -> TaskMapping:
        """The integration's settings."""
        return TaskMapping.of(self.integration.settings)

    def container(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return where an issue lives: what is given, else where the integration creates them."""
        return {**self.mapping.container, **{name: value for name, value in given.items() if value}}


async def place_of(desk: Desk, task_id: str, integration_id: str | None, connection_id: str | None) -> Place:
    """Return where issues for a task are; Malformed where it has no integration and none is named."""
    return await desk.read(_place, desk, task_id, integration_id, connection_id)


def _place(
    conn: Conn, desk: Desk, task_id: str, integration_id: str | None, connection_id: str | None
) -> Place:
    task = _task(conn, task_id)
    instance = tasks.instances_of(conn, [task_id]).get(task_id)
    if instance is not None and integration_id in (None, instance.integration_id):
        if connection_id in (None, instance.connection_id) or task.link is LinkState.LINKED:
            return _present(conn, desk, task, instance)
        integration_id = instance.integration_id
    if integration_id is None:
        raise Malformed(
            f"{task.name} has no integration yet",
            field="integration_id",
            fix="name one of kind tasks: `--integration`, or `integration_id`",
        )
    if instance is not None:
        held = desk.standing_of(instance, _connection(conn, instance.connection_id))
        desk.require("instances.attach", held)
    else:
        desk.require("tasks.edit", desk.standing_in(task))
    link = new_tasks.link_of(
        conn,
        desk.ctx,
        integration_id,
        desk.operator.user,
        connection_id,
        lambda row: may_use(desk, row),
    )
    secret = connections.get_secret(conn, link.connection_id)
    return Place(task, instance, link.integration, secret, link)


def _present(conn: Conn, desk: Desk, task: TaskRow, instance: InstanceRow) -> Place:
    """Return the place of a task that has an integration and works with its connection."""
    connection = _connection(conn, instance.connection_id)
    desk.require("instances.attach", desk.standing_of(instance, connection))
    if connection is None:
        raise Conflict(
            f"the connection of {task.name} was disconnected",
            fix="reconnect it first: `healthdesk instances reconnect`",
        )
    # They may have been taken off it since it was chosen: nothing else is asked through it then.
    desk.require("connections.use", desk.standing_on(connection))
    return Place(task, instance, integrations.get(conn, instance.integration_id), connection)


def _task(conn: Conn, task_id: str) -> TaskRow:
    try:
        return tasks.get(conn, task_id)
    except NotFound:
        row = queries.get(conn, task_id)
        raise Conflict(
            f"{row.name} is a proof sync: it has no issue", fix="name a task: `healthdesk tasks list`"
        ) from None


def _connection(conn: Conn, connection_id: str | None) -> ConnectionSecretRow | None:
    if connection_id is None:
        return None
    try:
        return connections.get_secret(conn, connection_id)
    except NotFound:
        return None


def may_use(desk: Desk, row: ConnectionRow) -> bool:
    """Tell whether the operator may work with a connection."""
    return desk.refusal("connections.use", desk.standing_on(row)) is None
