"""What a proof sync is to collect, held to the manifest and put to the app before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from healthdesk.connectors.app import App
from healthdesk.connectors.spec import DatasetManifest
from healthdesk.domain.roles import allowed
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import ConnectorError, Malformed, NotFound
from healthdesk.operations.accounts import app_name
from healthdesk.operations.asking import refusal, saved_connector
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.inputs import inputs_of
from healthdesk.operations.paging import everything
from healthdesk.operations.task_places import usable
from healthdesk.store import connections, integrations, labels
from healthdesk.store.rows import ConnectionSecretRow, IntegrationRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a proof sync is to collect, held to the manifest."""

    dataset: DatasetManifest
    fields: dict[str, str]


def wanted_of(app: App, dataset_id: str, fields: Mapping[str, str]) -> Wanted:
    """Return what is to be collected; Malformed or ConnectorError names the field that is wrong."""
    dataset = next((each for each in app.manifest.datasets if each.id == dataset_id), None)
    if dataset is None:
        known = ", ".join(each.id for each in app.manifest.datasets)
        raise Malformed(f"{app.name} has no dataset {dataset_id!r}", field="dataset", fix=f"one of {known}")
    return Wanted(dataset, inputs_of(dataset.fields, fields, whose=dataset.name, path="fields"))


def dataset_of(desk: Desk, app_id: str, dataset_id: str) -> DatasetManifest | None:
    """Return a dataset, None where the app or the dataset is gone."""
    if app_id not in desk.ctx.apps:
        return None
    datasets = desk.ctx.apps.get(app_id).manifest.datasets
    return next((each for each in datasets if each.id == dataset_id), None)


async def integration_of(desk: Desk, integration_id: str) -> IntegrationRow:
    """Return an integration that collects proof, or raise Malformed."""
    try:
        row = await desk.read(integrations.get, integration_id)
    except NotFound:
        raise Malformed(
            "no such integration", field="integration_id", fix="`healthdesk integrations list` names them"
        ) from None
    if row.kind is not IntegrationKind.PROOF:
        raise Malformed(
            f"{row.name} is of kind {row.kind.value}",
            field="integration_id",
            fix="`healthdesk integrations add --kind proof` makes one that collects proof",
        )
    return row


async def connection_for(
    desk: Desk, integration: IntegrationRow, connection_id: str | None
) -> ConnectionSecretRow:
    """Return the connection to collect with: the one that was named, else the only one that the operator may use."""
    if connection_id is not None:
        row = await usable(desk, connection_id)
        refuse_app(desk, row, integration.app)
        return row
    mine = [
        row
        for row in await everything(desk, connections.page)
        if row.app == integration.app
        and allowed(desk.operator.role, "connections.use", desk.standing_on(row).standing)
    ]
    if len(mine) != 1:
        called = app_name(desk, integration.app)
        names = ", ".join(f"{row.name} ({row.id})" for row in mine[:5])
        raise Malformed(
            f"you may use {len(mine)} connections to {called}: name one"
            if mine
            else f"no connection to {called}",
            field="connection_id",
            fix=f"one of {names}"
            if mine
            else f"`healthdesk connections add --app {integration.app}` adds one",
        )
    return await usable(desk, mine[0].id)


def refuse_app(desk: Desk, connection: ConnectionSecretRow, app_id: str) -> None:
    """Raise Malformed for a connection to another app."""
    if connection.app != app_id:
        raise Malformed(
            f"{connection.name} is a connection to {app_name(desk, connection.app)}",
            field="connection_id",
            fix=f"give one to {app_name(desk, app_id)}",
        )


def known_label(conn: Conn, label_id: str, *, lock: bool = False) -> None:
    """Raise Malformed where a label is not there; with `lock` one that is stays until the transaction ends."""
    try:
        labels.get(conn, label_id, lock=lock)
    except NotFound:
        raise Malformed(
            f"there is no label or control {label_id}",
            field="label_id",
            fix="`healthdesk labels list` names them, `healthdesk labels add` adds one",
        ) from None


async def try_out(desk: Desk, app: App, connection: ConnectionSecretRow, wanted: Wanted) -> None:
    """Ask the app whether the connection may read it; TrialRefused and TrialImpossible saved nothing."""
    connector = await saved_connector(desk, connection)
    try:
        tried = await connector.try_dataset(wanted.dataset.id, wanted.fields)
    except ConnectorError as error:
        field = f"fields.{error.field}" if error.field in wanted.fields else ""
        raise ConnectorError(error.what, fix=error.fix, field=field) from error
    if tried.failure is not None:
        raise refusal(app, tried.failure, field="fields")
