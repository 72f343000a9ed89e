"""The settings of a proof sync: edited, put to the app, saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from healthdesk.api.integrations import ProofSettings
from healthdesk.api.proof import ProofSync, ProofSyncSettings
from healthdesk.connectors.app import App
from healthdesk.connectors.reading import dataset_title
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import Role, Trigger
from healthdesk.errors import Conflict, NotPermitted
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.proof import get_sync, view_of, whole
from healthdesk.operations.proof_inputs import Wanted, dataset_of, known_label, try_out, wanted_of
from healthdesk.store import instances, integrations, labels, proof
from healthdesk.store.rows import ConnectionSecretRow
from healthdesk.store.rows_instances import InstanceRow, ProofSyncRow


async def settings(desk: Desk, sync_id: str, changes: ProofSyncSettings) -> ProofSync:
    """Change a proof sync. What it collects is put to the app first, and collected at once when it was saved."""
    row, sync, connection = await desk.read(whole, sync_id)
    desk.require("instances.settings", desk.standing_of(row, connection))
    await desk.read(_refiled, desk, row, changes.label_id)
    wanted = None
    if changes.dataset is not None or changes.fields is not None:
        wanted = await _asked(desk, row, sync, connection, changes)
    columns = await _columns(desk, row, changes)
    mine: dict[str, Any] = {"named": bool(changes.name) if changes.name is not None else sync.named}
    chosen = changes.name if mine["named"] else ""
    columns["name"] = _name(desk, row, sync, wanted, chosen)
    if wanted is not None:
        mine |= {"dataset": wanted.dataset.id, "fields": wanted.fields}
    now = desk.now()

    def change(conn: Conn) -> ProofSync:
        current, latest = get_sync(conn, sync_id, lock=True)
        if _configured(current, latest) != _configured(row, sync):
            raise Conflict(
                f"{row.name} was changed meanwhile by somebody else; nothing was saved",
                fix="look at it again, and do it once more",
            )
        _refiled(conn, desk, current, changes.label_id)
        if changes.label_id is not None:
            known_label(conn, changes.label_id, lock=True)
        before, after = _differing(current, latest, {**columns, **mine})
        instances.update(conn, sync_id, columns, bumps=wanted is not None)
        proof.update(conn, sync_id, mine)
        if wanted is not None or "every_s" in after:
            instances.due_now(conn, [sync_id], now, Trigger.EDIT, desk.operator.user)
        if after:
            detail = {"before": before, "after": after}
            desk.note(conn, Verb.EDITED, "instance", sync_id, columns["name"], detail)
        return view_of(conn, desk, sync_id)

    changed = await desk.write(change, ("instance", sync_id))
    desk.engine.instances.wake()
    return changed


async def _asked(
    desk: Desk,
    row: InstanceRow,
    sync: ProofSyncRow,
    connection: ConnectionSecretRow | None,
    changes: ProofSyncSettings,
) -> Wanted:
    """Return what it collects from now on, once the app let its connection read that."""
    if connection is not None:
        # They may have been taken off it since it was chosen: it collects nothing else for them then.
        desk.require("connections.use", desk.standing_on(connection))
    app = desk.ctx.apps.get(row.app)
    wanted = _changed(app, sync, changes)
    if changes.unchecked:
        return wanted
    if connection is None:
        raise Conflict(
            f"{row.name} has no connection, through which {app.name} could be asked",
            fix=f"`healthdesk instances change-connection {row.id}` gives it one",
        )
    await try_out(desk, app, connection, wanted)
    return wanted


async def _columns(desk: Desk, row: InstanceRow, changes: ProofSyncSettings) -> dict[str, Any]:
    """Return what changes of the instance beside its name."""
    columns: dict[str, Any] = {}
    if changes.label_id is not None:
        await desk.read(known_label, changes.label_id)
        columns["label_id"] = changes.label_id
    if "every_s" in changes.model_fields_set:
        integration = await desk.read(integrations.get, row.integration_id)
        columns["every_s"] = changes.every_s or ProofSettings.model_validate(integration.settings).every_s
    return columns


def _refiled(conn: Conn, desk: Desk, row: InstanceRow, label_id: str | None) -> None:
    """Raise NotPermitted for who may not take it from the label or control it is filed under.

    Members of the new one see everything that was collected: only who sees it now, or an administrator, shows it to others.
    """
    if label_id in (None, row.label_id) or desk.operator.role is Role.ADMINISTRATOR:
        return
    if row.label_id is None or labels.is_member(conn, row.label_id, desk.operator.user):
        return
    now = labels.get(conn, row.label_id)
    whom = (
        f"Ask one of its members ({', '.join(now.members)}), or" if now.members else "It has no members; ask"
    )
    raise NotPermitted(
        f"{row.name} is filed under the {now.kind.value} {now.name}, and only its members file it elsewhere",
        field="label_id",
        fix=f"{whom} an administrator: {', '.join(desk.administrators())}",
    )


def _name(desk: Desk, row: InstanceRow, sync: ProofSyncRow, wanted: Wanted | None, chosen: str | None) -> str:
    """Return its name: the one that was chosen (None: as before), else the generated one."""
    if chosen != "":
        return chosen or row.name
    if wanted is not None:
        return dataset_title(wanted.dataset, wanted.fields)
    dataset = dataset_of(desk, row.app, sync.dataset)
    return row.name if dataset is None else dataset_title(dataset, sync.fields)


def _configured(row: InstanceRow, sync: ProofSyncRow) -> tuple[object, ...]:
    """Return what operators decide of it: runs change the rest."""
    return (row.connection_id, row.label_id, row.every_s, row.name, sync.dataset, sync.fields)


def _changed(app: App, sync: ProofSyncRow, changes: ProofSyncSettings) -> Wanted:
    """Return what it collects from now on: fields that are not given stay, unless it is another dataset."""
    dataset_id = changes.dataset or sync.dataset
    stays = sync.fields if dataset_id == sync.dataset else {}
    return wanted_of(app, dataset_id, {**stays, **(changes.fields or {})})


def _differing(
    row: InstanceRow, sync: ProofSyncRow, wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs of what is wanted, before and after."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in wanted.items():
        was = getattr(sync if name in proof.CHANGEABLE else row, name)
        if was != value:
            before[name], after[name] = was, value
    return before, after
