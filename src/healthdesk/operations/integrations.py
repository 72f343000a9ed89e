"""Integrations: add, show, edit, pause and resume. Those of kinds tasks and proof are in `task_integrations`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.integrations import (
    ChangedIntegration,
    EnvironmentChoice,
    EnvironmentEdit,
    EnvironmentSettings,
    Integration,
    IntegrationCreate,
    IntegrationEdit,
)
from healthdesk.api.keys import NewSecret
from healthdesk.connectors.app import App
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations import delivery_inputs, task_integration_views, task_integrations
from healthdesk.operations.addresses import given_delivery
from healthdesk.operations.apart import apart_notes, refuse_shared
from healthdesk.operations.before_after import differences, integration_words, replaced_values
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.headers import check_headers
from healthdesk.operations.integration_views import changed_view, view
from healthdesk.operations.keys import first_signing_secret
from healthdesk.operations.paging import cursor, to_page
from healthdesk.operations.paths import given_path
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as queries
from healthdesk.store import sources as source_queries
from healthdesk.store.rows import EnvironmentRow, IntegrationRow, PageRows


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Integration]:
    """Return integrations by age."""
    desk.require("integrations.list")
    after = cursor("int", after)

    def read(conn: Conn) -> tuple[PageRows[IntegrationRow], task_integration_views.Beside]:
        rows = queries.page(conn, after=after, limit=limit)
        return rows, task_integration_views.beside(conn, rows.items)

    rows, beside = await desk.read(read)
    return to_page(rows, lambda row: _view(desk, row, beside))


async def show(desk: Desk, integration_id: str) -> Integration:
    """Return an integration."""
    desk.require("integrations.show")

    def read(conn: Conn) -> tuple[IntegrationRow, task_integration_views.Beside]:
        row = queries.get(conn, integration_id)
        return row, task_integration_views.beside(conn, [row])

    return _view(desk, *await desk.read(read))


def _view(desk: Desk, row: IntegrationRow, beside: task_integration_views.Beside) -> Integration:
    if row.kind is IntegrationKind.DELIVERY:
        return view(desk, row)
    return task_integration_views.view(desk, row, beside)


async def add(desk: Desk, new: IntegrationCreate) -> ChangedIntegration:
    """Add an integration. One of kind delivery has one or both environments, each with a signing secret shown this once."""
    desk.require("integrations.add")
    if new.kind is not IntegrationKind.DELIVERY:
        return _without_secrets(await task_integrations.add(desk, new))
    _refuse_of_apps(new)
    chosen = _chosen(new.production, new.testing)
    if not chosen:
        raise Malformed(
            "an integration needs an environment", field="production", fix="give production or testing"
        )
    now = desk.now()
    integration_id = desk.ctx.ids.new("int", now)
    settings = {environment: _settings(environment, given, None) for environment, given in chosen.items()}

    def change(conn: Conn) -> tuple[IntegrationRow, list[NewSecret], list[str]]:
        queries.insert(
            conn,
            integration_id=integration_id,
            name=new.name,
            kind=IntegrationKind.DELIVERY,
            now=now,
            by=desk.operator.user,
        )
        for environment, columns in settings.items():
            know_connection(desk, conn, environment, columns)
            queries.put_environment(conn, integration_id, environment, columns, now)
        secrets = [first_signing_secret(desk, conn, integration_id, environment) for environment in settings]
        environments = [environment.value for environment in settings]
        desk.note(conn, Verb.ADDED, "integration", integration_id, new.name, {"environments": environments})
        row = queries.get(conn, integration_id)
        refuse_shared(row, chosen)
        return row, secrets, checked(desk, conn, row, chosen)

    row, secrets, notes = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return changed_view(desk, row, secrets, notes)


async def edit(desk: Desk, integration_id: str, changes: IntegrationEdit) -> ChangedIntegration:
    """Change an integration; an environment that does not exist yet is created, with a signing secret."""
    desk.require("integrations.edit")
    before = await desk.read(queries.get, integration_id)
    if before.kind is not IntegrationKind.DELIVERY:
        return _without_secrets(await task_integrations.edit(desk, before, changes))
    _refuse_of_apps(changes)
    chosen = _chosen(changes.production, changes.testing)
    now = desk.now()

    def change(conn: Conn) -> tuple[IntegrationRow, list[NewSecret], list[str]]:
        row = queries.get(conn, integration_id)
        secrets: list[NewSecret] = []
        existing = {each.environment: each for each in row.environments}
        connected = []
        if changes.name is not None:
            queries.rename(conn, integration_id, changes.name)
        for environment, given in chosen.items():
            columns = _settings(environment, given, existing.get(environment))
            if columns:
                know_connection(desk, conn, environment, columns)
                queries.put_environment(conn, integration_id, environment, columns, now)
            if "connection_id" in columns:
                connected.append(environment)
            if environment not in existing:
                secrets.append(first_signing_secret(desk, conn, integration_id, environment))
        after = queries.get(conn, integration_id)
        refuse_shared(after, connected)
        notes = checked(desk, conn, after, chosen)
        detail = differences(integration_words(row), integration_words(after), replaced_values(row, after))
        desk.note(conn, Verb.EDITED, "integration", integration_id, row.name, detail)
        return after, secrets, notes

    row, secrets, notes = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return changed_view(desk, row, secrets, notes)


async def set_state(
    desk: Desk, integration_id: str, choice: EnvironmentChoice, state: IntegrationState
) -> Integration:
    """Pause or resume; records of a paused environment are held and sent when it resumes."""
    paused = state is IntegrationState.PAUSED
    desk.require("integrations.pause" if paused else "integrations.resume")
    before = await desk.read(queries.get, integration_id)
    if before.kind is not IntegrationKind.DELIVERY:
        if choice.environment is not None:
            raise Malformed(f"{before.name} has no environments", field="environment")
        return await task_integrations.set_state(desk, integration_id, state)

    def change(conn: Conn) -> IntegrationRow:
        row = queries.get(conn, integration_id)
        if choice.environment is not None and choice.environment not in {
            each.environment for each in row.environments
        }:
            raise NotFound(f"{row.name} has no environment {choice.environment.value}")
        changed = queries.set_state(conn, integration_id, choice.environment, state)
        if changed:
            desk.note(
                conn,
                Verb.PAUSED if paused else Verb.RESUMED,
                "integration",
                integration_id,
                row.name,
                {"environments": [each.value for each in changed]},
            )
        return queries.get(conn, integration_id)

    row = await desk.write(change, ("integration", integration_id))
    await desk.engine.refresh()
    return view(desk, row)


def _refuse_of_apps(given: IntegrationCreate | IntegrationEdit) -> None:
    for name in ("app", "connection_id", "tasks", "proof"):
        if getattr(given, name, None) is not None:
            raise Malformed(
                f"{name} is of integrations of other kinds than delivery",
                field=name,
                fix="an environment names its connection: production.connection_id",
            )


def _without_secrets(shown: Integration) -> ChangedIntegration:
    return ChangedIntegration(**shown.model_dump())


def app_of(desk: Desk, conn: Conn, connection_id: str) -> App | None:
    """Return the app of a connection; None of one whose connector is not here."""
    app = connection_queries.get(conn, connection_id).app
    return desk.ctx.apps.get(app) if app in desk.ctx.apps else None


def checked(desk: Desk, conn: Conn, row: IntegrationRow, chosen: Collection[Environment]) -> list[str]:
    """Return what to see to in the environments that were chosen; raises Malformed for one that cannot deliver so."""
    changed = [each for each in row.environments if each.environment in chosen]
    sources = [source_queries.get(conn, key) for key in row.sources] if changed else []
    notes: list[str] = []
    for each in changed:
        delivery_inputs.check_environment(each)
        delivery_inputs.check_operation(each, app_of(desk, conn, each.connection_id))
        notes += delivery_inputs.notes(each, sources)
    return notes + (apart_notes(row.environments) if changed else [])


def _chosen(
    production: EnvironmentSettings | EnvironmentEdit | None,
    testing: EnvironmentSettings | EnvironmentEdit | None,
) -> dict[Environment, EnvironmentSettings | EnvironmentEdit]:
    both = ((Environment.PRODUCTION, production), (Environment.TESTING, testing))
    return {environment: given for environment, given in both if given is not None}


def _settings(
    environment: Environment, given: EnvironmentSettings | EnvironmentEdit, stored: EnvironmentRow | None
) -> dict[str, Any]:
    """Return the columns that are given. A null clears what may be empty; it is refused for the rest.

    An address that is given as it is shown of what is `stored` is that.
    """
    columns = given.model_dump(exclude_unset=not isinstance(given, EnvironmentSettings))
    if given.delivery is not None and "delivery" in columns:
        columns["delivery"] = given_delivery(
            given.delivery.model_dump(mode="json", exclude_defaults=True),
            {} if stored is None else stored.delivery,
            f"{environment.value}.delivery",
        )
    for name in ("connection_id", "path", "method", "headers", "on_unknown", "delivery"):
        if name in columns and columns[name] is None:
            raise Malformed(f"{name} cannot be cleared", field=f"{environment.value}.{name}")
    if stored is None and "connection_id" not in columns:
        raise Malformed(
            f"{environment.value} does not exist yet and needs a connection",
            field=f"{environment.value}.connection_id",
            fix="name one: `--connection` of `healthdesk integrations edit`, or `connection_id`",
        )
    if "headers" in columns:
        check_headers(columns["headers"], f"{environment.value}.headers")
    if "path" in columns:
        was = "" if stored is None else stored.path
        columns["path"] = given_path(columns["path"], was, f"{environment.value}.path")
    return columns


def know_connection(desk: Desk, conn: Conn, environment: Environment, columns: dict[str, Any]) -> None:
    """Raise Malformed for a connection that is not there, or whose app takes no records."""
    if "connection_id" not in columns:
        return
    field = f"{environment.value}.connection_id"
    try:
        row = connection_queries.get(conn, columns["connection_id"])
    except NotFound:
        raise Malformed("no such connection", field=field) from None
    if row.app in desk.ctx.apps and "delivery" not in desk.ctx.apps.get(row.app).manifest.kinds:
        raise Malformed(
            f"records cannot be delivered through {row.name}: {desk.ctx.apps.get(row.app).name} takes none",
            field=field,
            fix="name a connection of the app http-endpoint",
        )
