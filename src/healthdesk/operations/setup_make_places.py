"""Connections, integrations and sources of an import: each by the operation that an operator would have used.

Each function takes the thing, its id where it is there already, and which of its fields differ; it returns the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from healthdesk.api.connections import ConnectionCreate, ConnectionEdit, Credentials
from healthdesk.api.flow import Silence
from healthdesk.api.integrations import (
    ChangedIntegration,
    EnvironmentChoice,
    EnvironmentEdit,
    EnvironmentSettings,
    IntegrationCreate,
    IntegrationEdit,
)
from healthdesk.api.keys import KeyCreate, ReceiptSecretCreate
from healthdesk.api.people import MemberGrant
from healthdesk.api.pings import PingSet
from healthdesk.api.sources import SourceCreate, SourceEdit, SourceEnable
from healthdesk.domain.masking import is_secret_header
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.errors import Malformed
from healthdesk.operations import (
    connecting,
    integrations,
    keys,
    members,
    pings,
    receipts,
    silence,
    sources,
    task_integrations,
)
from healthdesk.operations.setup_document import (
    SetupConnection,
    SetupIntegration,
    SetupSource,
)
from healthdesk.operations.setup_found import secret_place
from healthdesk.operations.setup_making import Making, given
from healthdesk.store import integrations as queries

_OF_ENVIRONMENTS = frozenset(EnvironmentSettings.model_fields) - {"connection_id"}


async def connection(making: Making, item: SetupConnection, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a connection."""
    desk = making.desk
    settings = given(item, "base_url", "settings", "heartbeat", "verification", "callback_limit_per_minute")
    if there:
        changes = {name: value for name, value in settings.items() if name in differing}
        if changes:
            await connecting.edit(desk, there, ConnectionEdit(unchecked=True, **changes))
    else:
        secret = {
            key: SecretStr(value) for key, value in making.secrets_of(f"connections.{item.name}.").items()
        }
        callback = secret.pop("callback_secret", None)
        open_fields = {key: SecretStr(value) for key, value in item.fields.items()}
        new = ConnectionCreate(
            app=item.app,
            name=item.name,
            credentials=Credentials(auth=item.auth, fields={**open_fields, **secret}),
            unchecked=True,
            callback_secret=callback,
            **settings,
        )
        there = (await connecting.add(desk, new)).id
    if item.ping is not None and (not differing or "ping" in differing):
        wanted = PingSet(schedule=item.ping.schedule, grace_s=item.ping.grace_s)
        ping = await pings.put(desk, there, wanted)
        if ping.url:
            making.made[f"connections.{item.name}.ping"] = ping.url
    if "members" in item.model_fields_set:
        await _members(making, item, there)
    return there


async def _members(making: Making, item: SetupConnection, there: str) -> None:
    """Have those that the file names as members, and nobody else."""
    before = next((each for each in making.found.document.connections if each.name == item.name), None)
    was = before.members if before is not None else {}
    for user, grant in item.members.items():
        if was.get(user) != grant:
            await members.grant(making.desk, there, user, MemberGrant(grant=grant))
    for user in sorted(set(was) - set(item.members)):
        await members.remove(making.desk, there, user)


async def integration(making: Making, item: SetupIntegration, there: str, differing: tuple[str, ...]) -> str:
    """Make or change an integration, and pause or resume what the file says otherwise."""
    changed: ChangedIntegration | None = None
    adding = not there
    if adding:
        changed = await integrations.add(making.desk, IntegrationCreate(**_new(making, item)))
    elif edit := _edit(making, item, differing):
        await _refuse_to_lose_headers(making, there, edit)
        changed = await integrations.edit(making.desk, there, IntegrationEdit(**edit))
    if changed is not None:
        there = changed.id
        making.notes += [f"{item.name}: {note}" for note in changed.notes]
        await _secrets(making, item, changed)
    await _pause(making, item, there, differing, adding=adding)
    return there


async def _secrets(making: Making, item: SetupIntegration, changed: ChangedIntegration) -> None:
    """Make what the environments of a file need to work: a key and a signing secret of a new one, and what proves receipts.

    An endpoint may have made the secret of its receipts: the one that was given is kept then.
    """
    signing = {each.environment: each.secret for each in changed.new_signing_secrets}
    named = {name for name, _place in item.places()}
    for each in changed.environments:
        environment = each.environment
        if environment in signing:
            key = await keys.new_key(making.desk, changed.id, KeyCreate(environment=environment))
            making.made[secret_place(item.name, environment, "key")] = key.secret
            making.made[secret_place(item.name, environment, "signing_secret")] = signing[environment]
        if environment.value in named and each.delivery.receipt is not None and not each.receipt_secret_hint:
            place = secret_place(item.name, environment, "receipt_secret")
            text = making.secrets.get(place)
            choice = ReceiptSecretCreate(environment=environment, secret=SecretStr(text) if text else None)
            try:
                made = await receipts.new_receipt_secret(making.desk, changed.id, choice)
            except Malformed as error:
                raise Malformed(f"{place}: {error.what}", fix=error.fix) from error
            if made.secret:
                making.made[place] = made.secret
            else:
                making.taken.add(place)


def _new(making: Making, item: SetupIntegration) -> dict[str, Any]:
    """Return an integration as it is added."""
    new: dict[str, Any] = {"name": item.name, "kind": item.kind}
    if item.kind is IntegrationKind.DELIVERY:
        for name, place in item.places():
            settings = place.model_dump(include=set(_OF_ENVIRONMENTS))
            new[name] = EnvironmentSettings(
                connection_id=making.id("connections", place.connection), **settings
            )
        return new
    new |= {"unchecked": True, "tasks": item.tasks, "proof": item.proof}
    if item.kind is IntegrationKind.TASKS:
        return new | {"connection_id": making.id("connections", item.connection)}
    return new | {"app": item.app}


def _edit(making: Making, item: SetupIntegration, differing: tuple[str, ...]) -> dict[str, Any]:
    """Return what of an integration changes."""
    changes: dict[str, Any] = {}
    for name, place in item.places():
        fields = {each.partition(".")[2] for each in differing if each.startswith(f"{name}.")}
        if name in differing:  # an environment that does not exist yet
            fields = place.model_fields_set | {"connection"}
        values = {each: getattr(place, each) for each in fields & _OF_ENVIRONMENTS}
        if "connection" in fields:
            values["connection_id"] = making.id("connections", place.connection)
        if values:
            changes[name] = EnvironmentEdit(**values)
    for name in ("tasks", "proof"):
        if name in differing:
            changes |= {name: getattr(item, name), "unchecked": True}
    if "connection" in differing:
        changes |= {"connection_id": making.id("connections", item.connection), "unchecked": True}
    return changes


async def _refuse_to_lose_headers(making: Making, there: str, edit: Mapping[str, Any]) -> None:
    """Raise Malformed where the headers of a file would replace some that hold secrets, which no file has."""
    row = await making.desk.read(queries.get, there)
    for each in row.environments:
        changes = edit.get(each.environment.value)
        lost = [name for name in each.headers if is_secret_header(name)]
        if changes is not None and "headers" in changes.model_fields_set and lost:
            raise Malformed(
                f"the header {lost[0]} of {each.environment.value} holds a secret, which no file has, and would be lost",
                fix="put it into the connection's credentials first",
            )


async def _pause(
    making: Making, item: SetupIntegration, there: str, differing: tuple[str, ...], *, adding: bool
) -> None:
    if item.kind is not IntegrationKind.DELIVERY:
        if "paused" in differing or (adding and item.paused):
            await task_integrations.set_state(making.desk, there, _state(paused=item.paused))
        return
    for name, place in item.places():
        new = adding or name in differing
        if f"{name}.paused" in differing or (new and place.paused):
            choice = EnvironmentChoice(environment=Environment(name))
            await integrations.set_state(making.desk, there, choice, _state(paused=place.paused))


def _state(*, paused: bool) -> IntegrationState:
    return IntegrationState.PAUSED if paused else IntegrationState.ACTIVE


async def source(making: Making, item: SetupSource, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a source, where it is enabled, and when its silence is a problem."""
    desk = making.desk
    if not there:
        new = SourceCreate(key=item.key, name=item.name, levels=item.levels, fields=item.fields)
        there = (await sources.add(desk, new)).id
    elif changes := {
        name: value for name, value in given(item, "name", "levels", "fields").items() if name in differing
    }:
        await sources.edit(desk, there, SourceEdit(**changes))
    if "enabled" in item.model_fields_set:
        wanted = {making.id("integrations", name) for name in item.enabled}
        now = set((await sources.show(desk, there)).integrations)
        for integration_id in sorted(wanted ^ now):
            choice = SourceEnable(integration_id=integration_id, enabled=integration_id in wanted)
            await sources.enable(desk, there, choice)
    if "silence" in item.model_fields_set:
        await _silence(making, item, there)
    return there


async def _silence(making: Making, item: SetupSource, there: str) -> None:
    """Set it where the file says so; where it does not any more it is learnt again."""
    wanted = {
        (making.id("integrations", each.integration), each.environment): each.after_s for each in item.silence
    }
    pulses = (await sources.show(making.desk, there)).pulses
    now = {(each.integration_id, each.environment): each.set_s for each in pulses if each.set_s is not None}
    for (integration_id, environment), after_s in {**dict.fromkeys(now), **wanted}.items():
        if now.get((integration_id, environment)) != after_s:
            said = Silence(integration_id=integration_id, environment=environment, after_s=after_s)
            await silence.set_silence(making.desk, there, said)
