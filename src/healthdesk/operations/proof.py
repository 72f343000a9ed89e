"""Proof syncs: show, add, change connection, delete. What the app says no to is not saved."""

from __future__ import annotations

from typing import Any

from healthdesk.api.integrations import ProofSettings
from healthdesk.api.proof import ChangeConnection, ProofSync, ProofSyncCreate
from healthdesk.connectors.reading import dataset_title
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Trigger
from healthdesk.errors import Conflict
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.instance_views import instance_view
from healthdesk.operations.proof_inputs import (
    connection_for,
    dataset_of,
    integration_of,
    known_label,
    refuse_app,
    try_out,
    wanted_of,
)
from healthdesk.operations.task_places import usable
from healthdesk.store import connections, instance_context, instances, integrations, proof
from healthdesk.store.rows import ConnectionSecretRow
from healthdesk.store.rows_instances import InstanceRow, ProofSyncRow


async def show(desk: Desk, sync_id: str) -> ProofSync:
    """Return a proof sync whole."""
    desk.require("instances.show")
    return await desk.read(view_of, desk, sync_id)


def view_of(conn: Conn, desk: Desk, sync_id: str) -> ProofSync:
    """Return a proof sync as it is in this transaction; NotFound."""
    row, sync = get_sync(conn, sync_id)
    seen = instance_view(desk, row, instance_context.around(conn, [row]))
    dataset = dataset_of(desk, row.app, sync.dataset)
    return ProofSync(
        **seen.model_dump(),
        dataset=sync.dataset,
        dataset_name=dataset.name if dataset is not None else sync.dataset,
        fields=dict(sync.fields),
        named=sync.named,
        generated_name=dataset_title(dataset, sync.fields) if dataset is not None else row.name,
        rows=sync.rows,
        content_hash=sync.last_hash,
        last_run_id=sync.last_run_id,
    )


async def add(desk: Desk, new: ProofSyncCreate) -> ProofSync:
    """Add a proof sync, once the app let its connection read the dataset; it is collected at once."""
    integration = await integration_of(desk, new.integration_id)
    connection = await connection_for(desk, integration, new.connection_id)
    desk.require("instances.add", desk.standing_on(connection))
    app = desk.ctx.apps.get(integration.app)
    wanted = wanted_of(app, new.dataset, new.fields)
    await desk.read(known_label, new.label_id)
    if not new.unchecked:
        await try_out(desk, app, connection, wanted)
    every_s = new.every_s or ProofSettings.model_validate(integration.settings).every_s
    name = new.name or dataset_title(wanted.dataset, wanted.fields)
    now = desk.now()
    sync_id = desk.ctx.ids.new("prf", now)

    def change(conn: Conn) -> ProofSync:
        connections.hold(conn, connection.id)  # it may have been disconnected while the app was asked
        integrations.get(conn, integration.id)
        known_label(conn, new.label_id, lock=True)
        instances.insert(
            conn,
            id=sync_id,
            kind=InstanceKind.PROOF,
            integration_id=integration.id,
            connection_id=connection.id,
            app=app.id,
            owner=desk.operator.user,
            name=name,
            every_s=every_s,
            now=now,
            by=desk.operator.user,
            label_id=new.label_id,
            next_at=now,
        )
        proof.insert(
            conn, id=sync_id, dataset=wanted.dataset.id, fields=wanted.fields, named=new.name is not None
        )
        detail = {"dataset": wanted.dataset.id, "fields": wanted.fields, "connection": connection.name}
        desk.note(conn, Verb.ADDED, "instance", sync_id, name, detail)
        return view_of(conn, desk, sync_id)

    made = await desk.write(change, ("instance", sync_id))
    desk.engine.instances.wake()
    return made


async def change_connection(desk: Desk, sync_id: str, choice: ChangeConnection) -> ProofSync:
    """Let a proof sync collect with another connection of its app, once that could read the dataset."""
    row, sync, before = await desk.read(whole, sync_id)
    desk.require("instances.change_connection", desk.standing_of(row, before))
    connection = await usable(desk, choice.connection_id)
    app = desk.ctx.apps.get(row.app)
    refuse_app(desk, connection, row.app)
    if not choice.unchecked:
        await try_out(desk, app, connection, wanted_of(app, sync.dataset, sync.fields))
    now = desk.now()

    def change(conn: Conn) -> ProofSync:
        current, _ = get_sync(conn, sync_id, lock=True)
        connections.hold(conn, connection.id)
        columns: dict[str, Any] = {"connection_id": connection.id, "next_at": now, "blocked": False}
        if current.connection_id is None:
            columns |= instances.NO_ERROR
        instances.update(conn, sync_id, columns)
        instances.due_now(conn, [sync_id], now, Trigger.EDIT, desk.operator.user)
        names = {"before": before.name if before is not None else "", "after": connection.name}
        desk.note(conn, Verb.CHANGED_CONNECTION, "instance", sync_id, row.name, names)
        return view_of(conn, desk, sync_id)

    changed = await desk.write(change, ("instance", sync_id))
    desk.engine.instances.wake()
    return changed


async def delete(desk: Desk, sync_id: str) -> None:
    """Delete a proof sync and everything it collected."""
    row, _, connection = await desk.read(whole, sync_id)
    desk.require("instances.delete", desk.standing_of(row, connection))

    def change(conn: Conn) -> None:
        current, sync = get_sync(conn, sync_id, lock=True)
        instances.remove(conn, sync_id)
        proof.remove(conn, sync_id)
        detail = {"dataset": sync.dataset, "fields": dict(sync.fields), "rows": sync.rows}
        desk.note(conn, Verb.REMOVED, "instance", sync_id, current.name, detail)

    await desk.write(change, ("instance", sync_id))


def get_sync(conn: Conn, sync_id: str, *, lock: bool = False) -> tuple[InstanceRow, ProofSyncRow]:
    """Return a proof sync with what it collects; NotFound, or Conflict for a task."""
    row = instances.get(conn, sync_id, lock=lock)
    if row.kind is not InstanceKind.PROOF:
        raise Conflict(f"{row.name} is a task", fix="`healthdesk tasks` has what can be done with tasks")
    return row, proof.get(conn, sync_id)


def whole(conn: Conn, sync_id: str) -> tuple[InstanceRow, ProofSyncRow, ConnectionSecretRow | None]:
    """Return a proof sync with its connection, None where that was disconnected."""
    row, sync = get_sync(conn, sync_id)
    connection = connections.get_secret(conn, row.connection_id) if row.connection_id is not None else None
    return row, sync, connection
