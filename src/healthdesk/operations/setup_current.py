"""The desk as a document: what an export writes, and what an import compares with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.api.integrations import EnvironmentSettings, Integration
from healthdesk.api.labels import LabelCreate
from healthdesk.domain.states import Environment, Grant, IntegrationKind, IntegrationState
from healthdesk.errors import Conflict
from healthdesk.operations import channels, connections, integrations, labels, rules, sources, templates
from healthdesk.operations.desk import Desk
from healthdesk.operations.secrets import opened
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupConnection,
    SetupDocument,
    SetupEnvironment,
    SetupIntegration,
    SetupRule,
    SetupSource,
    SetupTemplate,
    key_of,
)
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store.rows import ConnectionSecretRow, EnvironmentRow, IntegrationRow

T = TypeVar("T")
PAGE = 500


@dataclass(slots=True)
class Current:
    """The desk's document, with the id of each thing by kind and key."""

    document: SetupDocument
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def id(self, kind: str, key: str) -> str | None:
        """Return the id of a thing, or None where there is none."""
        return self.ids.get(kind, {}).get(key)


async def current(desk: Desk) -> Current:
    """Read everything that an operator configured."""
    found = Current(SetupDocument())
    document = found.document
    named: dict[str, str] = {}
    for connection in await every(lambda after: connections.list_all(desk, after, PAGE)):
        document.connections.append(await _connection(desk, connection))
        named[connection.id] = connection.name
    _note(found, "connections", {name: each for each, name in named.items()})

    shown = await every(lambda after: integrations.list_all(desk, after, PAGE))
    rows = {each.id: await desk.read(integration_queries.get, each.id) for each in shown}
    document.integrations = [_integration(each, rows[each.id], named) for each in shown]
    _note(found, "integrations", {each.name: each.id for each in shown})
    named |= {each.id: each.name for each in shown}

    made = await every(lambda after: sources.list_all(desk, after, PAGE))
    document.sources = [
        SetupSource(
            key=each.key,
            name=each.name,
            levels=each.levels,
            fields=each.fields,
            enabled=sorted(named[one] for one in each.integrations if one in named),
        )
        for each in made
    ]
    _note(found, "sources", {each.key: each.id for each in made})

    targets = await every(lambda after: channels.list_all(desk, after, PAGE))
    document.channels = [SetupChannel(name=each.name) for each in targets]
    _note(found, "channels", {each.name: each.id for each in targets})
    named |= {each.id: each.name for each in targets}

    routing = await every(lambda after: rules.list_all(desk, after, PAGE))
    document.rules = [
        SetupRule(
            name=each.name,
            integration=named.get(each.integration_id or "", ""),
            connection=named.get(each.connection_id or "", ""),
            environments=each.environments,
            channels=sorted(named[one] for one in each.channel_ids if one in named),
            recoveries=each.recoveries,
            enabled=each.enabled,
        )
        for each in routing
    ]
    _note(found, "rules", {each.name: each.id for each in routing})

    filed = await every(lambda after: labels.list_all(desk, None, after, PAGE))
    document.labels = [
        LabelCreate(kind=each.kind, name=each.name, description=each.description, members=each.members)
        for each in filed
    ]
    _note(found, "labels", {key_of(item): each.id for item, each in zip(document.labels, filed, strict=True)})

    repeating = await every(lambda after: templates.list_all(desk, after, PAGE))
    document.templates = [
        SetupTemplate(
            name=each.name,
            task=each.task,
            schedule=each.schedule,
            integration=named.get(each.integration_id or "", ""),
        )
        for each in repeating
    ]
    _note(found, "templates", {each.name: each.id for each in repeating})
    return found


async def every(read: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    """Return all items of a list."""
    items: list[T] = []
    after: str | None = None
    while True:
        page = await read(after)
        items += page.items
        after = page.next
        if after is None:
            return items


def _note(found: Current, kind: str, ids: dict[str, str]) -> None:
    found.ids[kind] = ids


async def _connection(desk: Desk, shown: Connection) -> SetupConnection:
    row = await desk.read(connection_queries.get_secret, shown.id)
    return SetupConnection(
        name=shown.name,
        app=shown.app,
        auth=shown.auth,
        fields=_open_fields(desk, row),
        base_url=row.base_url,
        settings=dict(row.settings),
        heartbeat=shown.heartbeat if shown.app == "http-endpoint" else None,
        verification=shown.verification,
        callback_secret=bool(shown.callback_secret_hint),
        callback_limit_per_minute=shown.callback_limit_per_minute,
        members={each.user: Grant(each.grant) for each in shown.members if each.grant in set(Grant)},
    )


def _open_fields(desk: Desk, row: ConnectionSecretRow) -> dict[str, str]:
    """Return what of the credentials is no secret, such as a user name; nothing where they cannot be read."""
    if row.app not in desk.ctx.apps:
        return {}
    method = desk.ctx.apps.get(row.app).manifest.method(row.auth)
    open_keys = {each.key for each in method.fields if not each.secret} if method is not None else set()
    if not open_keys:
        return {}
    try:
        values = opened(desk, row).values
    except Conflict:
        return {}
    return {key: value for key, value in values.items() if key in open_keys}


def _integration(shown: Integration, row: IntegrationRow, named: dict[str, str]) -> SetupIntegration:
    places = {each.environment: _environment(each) for each in row.environments}
    return SetupIntegration(
        name=shown.name,
        kind=shown.kind,
        production=places.get(Environment.PRODUCTION),
        testing=places.get(Environment.TESTING),
        app=shown.app,
        connection=named.get(shown.connection_id or "", ""),
        tasks=shown.tasks,
        proof=shown.proof,
        paused=shown.kind is not IntegrationKind.DELIVERY and shown.state is IntegrationState.PAUSED,
    )


def _environment(row: EnvironmentRow) -> SetupEnvironment:
    settings = {
        name: getattr(row, name) for name in EnvironmentSettings.model_fields if name != "connection_id"
    }
    return SetupEnvironment.model_validate(
        {
            **settings,
            "headers": dict(row.headers),
            "delivery": dict(row.delivery),
            "connection": row.connection_name,
            "paused": row.state is IntegrationState.PAUSED,
        }
    )
