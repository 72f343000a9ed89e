"""The desk as a document: what an export writes, and what an import compares with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import TypeVar

from healthdesk.api.alerts import Rule
from healthdesk.api.common import Page
from healthdesk.api.filters import SavedFilter
from healthdesk.api.integrations import EnvironmentSettings, Integration, ProofSettings
from healthdesk.api.labels import LabelCreate
from healthdesk.api.sources import Source
from healthdesk.api.tasks import Template
from healthdesk.domain.instance_states import InstanceKind, LabelKind
from healthdesk.domain.masking import is_secret_header
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.operations import (
    channels,
    connections,
    filters,
    integrations,
    labels,
    rules,
    sources,
    templates,
)
from healthdesk.operations.addresses import ENDPOINTS
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.setup_connections import connection_item, pings_by_connection
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupEnvironment,
    SetupFilter,
    SetupIntegration,
    SetupProof,
    SetupRule,
    SetupSilence,
    SetupSource,
    SetupTemplate,
    key_of,
)
from healthdesk.operations.setup_found import (
    Current,
    address_of,
    heartbeat_of,
    lookup_of,
    path_of,
    secret_place,
    setting_of,
)
from healthdesk.store import instances, proof
from healthdesk.store import integrations as integration_queries
from healthdesk.store.rows import EnvironmentRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceQuery, InstanceRow, ProofSyncRow

T = TypeVar("T")
PAGE = 500
OF_THIS_DESK = ("problem_id", "job_id", "lookup")
"""Parts of a filter that mean nothing on another desk, or are data of people."""


async def current(desk: Desk) -> Current:
    """Read everything that an operator configured. What comes later names what came before."""
    found = Current()
    await _connections(desk, found)
    await _integrations(desk, found)
    for source in await every(lambda after: sources.list_all(desk, after, PAGE)):
        found.document.sources.append(_source(found, source))
        found.note("sources", source.key, source.id)
    for channel in await every(lambda after: channels.list_all(desk, after, PAGE)):
        found.document.channels.append(SetupChannel(name=channel.name))
        found.note("channels", channel.name, channel.id)
    for rule in await every(lambda after: rules.list_all(desk, after, PAGE)):
        _rule(found, rule)
    for label in await every(lambda after: labels.list_all(desk, None, after, PAGE)):
        item = LabelCreate(
            kind=label.kind, name=label.name, description=label.description, members=label.members
        )
        found.document.labels.append(item)
        found.note("labels", key_of(item), label.id)
    for template in await every(lambda after: templates.list_all(desk, after, PAGE)):
        _template(found, template)
    await _proof_syncs(desk, found)
    for saved in await every(lambda after: filters.list_all(desk, after, PAGE)):
        _filter(found, saved)
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


async def _connections(desk: Desk, found: Current) -> None:
    pings = await pings_by_connection(desk)
    for shown in await every(lambda after: connections.list_all(desk, after, PAGE)):
        item = await connection_item(desk, shown, pings.get(shown.id))
        item.base_url = found.shown(item.base_url, address_of(shown.name))
        for key in ENDPOINTS:
            if key in item.settings:
                item.settings[key] = found.shown(item.settings[key], setting_of(shown.name, key))
        if item.heartbeat is not None:
            path = found.shown(item.heartbeat.path, heartbeat_of(shown.name))
            item.heartbeat = item.heartbeat.model_copy(update={"path": path})
        found.document.connections.append(item)
        found.note("connections", shown.name, shown.id)
        found.owners[shown.id] = shown.owner


async def _integrations(desk: Desk, found: Current) -> None:
    for shown in await every(lambda after: integrations.list_all(desk, after, PAGE)):
        row = await desk.read(integration_queries.get, shown.id)
        name = found.distinct("integrations", shown.name)
        found.document.integrations.append(_integration(name, shown, row, found))
        found.note("integrations", name, shown.id)


def _integration(name: str, shown: Integration, row: IntegrationRow, found: Current) -> SetupIntegration:
    places = {each.environment: _environment(each) for each in row.environments}
    for environment, place in places.items():
        place.path = found.shown(place.path, path_of(name, environment))
        if place.delivery is not None and place.delivery.lookup is not None:
            lookup = place.delivery.lookup
            lookup.path = found.shown(lookup.path, lookup_of(name, environment))
    found.gaps |= dict(_gaps(name, row))
    found.left_out += [
        f"header {header} of {name} {each.environment.value}, as it holds a secret"
        for each in row.environments
        for header in each.headers
        if is_secret_header(header)
    ]
    return SetupIntegration(
        name=name,
        kind=shown.kind,
        production=places.get(Environment.PRODUCTION),
        testing=places.get(Environment.TESTING),
        app=shown.app,
        connection=found.name(shown.connection_id),
        tasks=shown.tasks,
        proof=shown.proof,
        paused=shown.kind is not IntegrationKind.DELIVERY and shown.state is IntegrationState.PAUSED,
    )


def _gaps(name: str, row: IntegrationRow) -> Iterator[tuple[str, str]]:
    """Yield (place, sentence) of the secrets that the environments of an integration lack."""
    for each in row.environments:
        command = f"`healthdesk integrations keys {row.id} --environment {each.environment.value}"
        if not each.key_hint:
            yield (
                secret_place(name, each.environment, "key"),
                f"{name}: {each.environment.value} has no key, so nothing can be posted to it: {command} --new` makes one",
            )
        if each.delivery.get("receipt") is not None and not each.receipt_secret_hint:
            yield (
                secret_place(name, each.environment, "receipt_secret"),
                f"{name}: {each.environment.value} has no receipt secret, so every receipt is refused: {command} --receipt --new` makes one",
            )


def _environment(row: EnvironmentRow) -> SetupEnvironment:
    settings = {
        name: getattr(row, name) for name in EnvironmentSettings.model_fields if name != "connection_id"
    }
    return SetupEnvironment.model_validate(
        {
            **settings,
            "headers": {name: value for name, value in row.headers.items() if not is_secret_header(name)},
            "delivery": dict(row.delivery),
            "connection": row.connection_name,
            "paused": row.state is IntegrationState.PAUSED,
        }
    )


def _source(found: Current, source: Source) -> SetupSource:
    silence = [
        SetupSilence(
            integration=found.name(each.integration_id), environment=each.environment, after_s=each.set_s
        )
        for each in source.pulses
        if each.set_s is not None
    ]
    return SetupSource(
        key=source.key,
        name=source.name,
        levels=source.levels,
        fields=source.fields,
        enabled=sorted(found.name(each) for each in source.integrations if each in found.names),
        silence=sorted(silence, key=lambda each: (each.integration, each.environment.value)),
    )


def _rule(found: Current, rule: Rule) -> None:
    """Add a rule, unless what it is for is gone: without that it would be a rule for everything."""
    wanted = rule.integration_id or rule.connection_id
    to = sorted(found.name(each) for each in rule.channel_ids if each in found.names)
    if (wanted and wanted not in found.names) or not to:
        found.left_out.append(
            f"rule {rule.name}, as {'its channels are' if not to else 'what it is for is'} gone"
        )
        return
    item = SetupRule(
        name=found.distinct("rules", rule.name),
        integration=found.name(rule.integration_id),
        connection=found.name(rule.connection_id),
        environments=rule.environments,
        channels=to,
        recoveries=rule.recoveries,
        enabled=rule.enabled,
    )
    found.document.rules.append(item)
    found.note("rules", item.name, rule.id)


def _template(found: Current, template: Template) -> None:
    """Add a repeating task, unless its integration or connection is gone: without them it would create no issues."""
    if _gone(found, template.integration_id, template.connection_id):
        found.left_out.append(f"template {template.name}, as its integration or connection is gone")
        return
    item = SetupTemplate(
        name=found.distinct("templates", template.name),
        task=template.task,
        schedule=template.schedule,
        integration=found.name(template.integration_id),
        connection=found.name(template.connection_id),
    )
    found.document.templates.append(item)
    found.note("templates", item.name, template.id)


def _gone(found: Current, *ids: str | None) -> bool:
    return any(each is not None and each not in found.names for each in ids)


async def _proof_syncs(desk: Desk, found: Current) -> None:
    after: str | None = None
    while True:

        def read(
            conn: Conn, after: str | None = after
        ) -> tuple[list[InstanceRow], dict[str, ProofSyncRow], str | None]:
            page = instances.page(conn, InstanceQuery(kind=InstanceKind.PROOF), after=after, limit=PAGE)
            return page.items, proof.of(conn, [row.id for row in page.items]), page.next

        rows, syncs, after = await desk.read(read)
        for row in rows:
            _proof_sync(found, row, syncs[row.id])
        if after is None:
            return


def _proof_sync(found: Current, row: InstanceRow, sync: ProofSyncRow) -> None:
    if _gone(found, row.integration_id, row.connection_id, row.label_id) or row.connection_id is None:
        found.left_out.append(f"proof sync {row.name}, as its connection is gone")
        return
    integration = found.name(row.integration_id)
    of = next(each for each in found.document.integrations if each.name == integration)
    usual_s = (of.proof or ProofSettings()).every_s
    kind, _, label = found.name(row.label_id).partition(" ")
    item = SetupProof(
        name=found.distinct("proof_syncs", row.name),
        integration=integration,
        connection=found.name(row.connection_id),
        dataset=sync.dataset,
        fields=dict(sync.fields),
        label=label if kind == LabelKind.LABEL.value else "",
        control=label if kind == LabelKind.CONTROL.value else "",
        every_s=None if row.every_s == usual_s else row.every_s,
    )
    found.document.proof_syncs.append(item)
    found.note("proof_syncs", item.name, row.id)


def _filter(found: Current, saved: SavedFilter) -> None:
    """Add a shared filter; one's own are as personal as bookmarks."""
    if not saved.shared:
        found.unshared.add(saved.name)
        return
    beyond: Collection[str] = [name for name in OF_THIS_DESK if getattr(saved.filter, name)]
    if beyond or _gone(found, saved.filter.integration_id):
        found.left_out.append(f"filter {saved.name}, as it names what only this desk has")
        return
    item = SetupFilter(
        name=found.distinct("filters", saved.name),
        integration=found.name(saved.filter.integration_id),
        filter=saved.filter.model_copy(update={"integration_id": None}),
    )
    found.document.filters.append(item)
    found.note("filters", item.name, saved.id)
    found.owners[saved.id] = saved.owner
