"""Where tasks of an integration live, and what the app offers there: asked through a connection before it is saved."""

from __future__ import annotations

from healthdesk.api.apps import AppField
from healthdesk.api.integrations import Choices, ChoicesAsked, StatusChoice, TaskSettings
from healthdesk.connectors.app import App
from healthdesk.engine.sites import same_site, site_of
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations.accounts import app_name
from healthdesk.operations.asking import offered
from healthdesk.operations.desk import Desk
from healthdesk.operations.task_settings import (
    checked,
    completed,
    container_of,
    missing,
    suggestion,
    tasks_of,
)
from healthdesk.store import connections
from healthdesk.store.rows import ConnectionSecretRow, IntegrationRow


async def choices(desk: Desk, asked: ChoicesAsked) -> Choices:
    """Ask the app what tasks can be configured with in a container, and suggest a mapping."""
    desk.require("integrations.choices")
    connection = await usable(desk, asked.connection_id)
    app = desk.ctx.apps.get(connection.app)
    tasks = tasks_of(app.manifest)
    container = container_of(app.manifest, asked.container, "container")
    offer = await offered(desk, connection, container, saving=False)
    return Choices(
        noun=tasks.noun,
        container=[AppField.model_validate(each, from_attributes=True) for each in tasks.container],
        statuses=[StatusChoice.model_validate(each, from_attributes=True) for each in offer.statuses],
        fields=[AppField.model_validate(each, from_attributes=True) for each in offer.fields],
        suggested=suggestion(offer, container),
    )


async def usable(desk: Desk, connection_id: str) -> ConnectionSecretRow:
    """Return a connection that the operator may work with."""
    try:
        row = await desk.read(connections.get_secret, connection_id)
    except NotFound:
        raise Malformed(
            "no such connection", field="connection_id", fix="`healthdesk connections list` names them"
        ) from None
    desk.require("connections.use", desk.standing_on(row))
    return row


async def asked_settings(
    desk: Desk, app: App, connection: ConnectionSecretRow, given: TaskSettings, *, unchecked: bool
) -> tuple[TaskSettings, list[str]]:
    """Return task settings held to the manifest and, unless `unchecked`, to what the app offers; and what is missing."""
    settings = checked(app.manifest, given)
    if unchecked:
        return settings, []
    offer = await offered(desk, connection, settings.container, saving=True)
    return completed(app.name, settings, offer), missing(app.name, settings.values, offer.fields)


async def same_place(desk: Desk, row: IntegrationRow, connection_id: str) -> None:
    """Raise Malformed for an admin connection to another app, or to another site than the one before."""
    connection = await usable(desk, connection_id)
    if connection.app != row.app:
        raise Malformed(
            f"{connection.name} is a connection to {app_name(desk, connection.app)}",
            field="connection_id",
            fix=f"{row.name} needs one to {app_name(desk, row.app)}",
        )
    if row.connection_id is None:
        return
    before = await desk.read(connections.get, row.connection_id)
    if not same_site(desk.ctx.apps, before, connection):
        raise Malformed(
            f"{connection.name} is at {site_of(desk.ctx.apps, connection)}, and the issues are at {site_of(desk.ctx.apps, before)}",
            field="connection_id",
            fix="add an integration of its own for another site",
        )
