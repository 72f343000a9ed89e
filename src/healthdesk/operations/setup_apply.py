"""Doing what an import planned: each thing by the operation that an operator would have used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr

from healthdesk.api.alerts import ChannelCreate, RuleCreate, RuleEdit
from healthdesk.api.connections import ConnectionCreate, ConnectionEdit, Credentials
from healthdesk.api.integrations import (
    ChangedIntegration,
    EnvironmentChoice,
    EnvironmentEdit,
    EnvironmentSettings,
    IntegrationCreate,
    IntegrationEdit,
)
from healthdesk.api.labels import LabelCreate, LabelEdit
from healthdesk.api.people import MemberGrant
from healthdesk.api.sources import SourceCreate, SourceEdit, SourceEnable
from healthdesk.api.tasks import TemplateCreate, TemplateEdit
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState
from healthdesk.operations import (
    channels,
    connecting,
    integrations,
    labels,
    members,
    rules,
    sources,
    task_integrations,
    templates,
)
from healthdesk.operations.desk import Desk
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupConnection,
    SetupEnvironment,
    SetupIntegration,
    SetupRule,
    SetupSource,
    SetupTemplate,
)
from healthdesk.operations.setup_plan import Step

_OF_ENVIRONMENTS = frozenset(EnvironmentSettings.model_fields) - {"connection_id"}


@dataclass(slots=True)
class Applying:
    """An import under way: what is there by kind and key, the secrets that were given, and those that it made."""

    desk: Desk
    ids: dict[str, dict[str, str]]
    secrets: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)

    async def apply(self, step: Step) -> None:
        """Do one step of the plan."""
        item, adding = step.item, step.do == "add"
        object_id = self.ids.get(step.kind, {}).get(step.key, "")
        by_type: Mapping[type[BaseModel], Callable[..., Awaitable[str]]] = {
            SetupConnection: self._connection,
            SetupIntegration: self._integration,
            SetupSource: self._source,
            SetupChannel: self._channel,
            SetupRule: self._rule,
            LabelCreate: self._label,
            SetupTemplate: self._template,
        }
        made = await by_type[type(item)](item, object_id if not adding else "", step.differing)
        self.ids.setdefault(step.kind, {})[step.key] = made

    def _id(self, kind: str, name: str) -> str:
        return self.ids[kind][name]

    async def _connection(self, item: SetupConnection, there: str, differing: tuple[str, ...]) -> str:
        given = _given(item, "base_url", "settings", "heartbeat", "verification", "callback_limit_per_minute")
        if there:
            changes = {name: value for name, value in given.items() if name in differing}
            if changes:
                await connecting.edit(self.desk, there, ConnectionEdit(unchecked=True, **changes))
        else:
            place = f"connections.{item.name}."
            secret = {
                key.removeprefix(place): SecretStr(value)
                for key, value in self.secrets.items()
                if key.startswith(place)
            }
            callback = secret.pop("callback_secret", None)
            fields = {**{key: SecretStr(value) for key, value in item.fields.items()}, **secret}
            new = ConnectionCreate(
                app=item.app,
                name=item.name,
                credentials=Credentials(auth=item.auth, fields=fields),
                unchecked=True,
                callback_secret=callback,
                **given,
            )
            there = (await connecting.add(self.desk, new)).id
        if "members" in item.model_fields_set:
            for user, grant in item.members.items():
                await members.put(self.desk, there, user, MemberGrant(grant=grant))
        return there

    async def _integration(self, item: SetupIntegration, there: str, differing: tuple[str, ...]) -> str:
        changed: ChangedIntegration | None = None
        if not there:
            changed = await integrations.add(self.desk, IntegrationCreate(**self._new(item)))
        elif edit := self._edit(item, differing):
            changed = await integrations.edit(self.desk, there, IntegrationEdit(**edit))
        if changed is not None:
            there = changed.id
            for secret in changed.new_signing_secrets:
                self.made[f"integrations.{item.name}.{secret.environment.value}.signing_secret"] = (
                    secret.secret
                )
        await self._pause(item, there, differing, adding=changed is not None)
        return there

    def _new(self, item: SetupIntegration) -> dict[str, Any]:
        """Return an integration as it is added."""
        new: dict[str, Any] = {"name": item.name, "kind": item.kind}
        if item.kind is IntegrationKind.DELIVERY:
            for name, place in _places(item):
                settings = place.model_dump(include=set(_OF_ENVIRONMENTS))
                new[name] = EnvironmentSettings(
                    connection_id=self._id("connections", place.connection), **settings
                )
            return new
        new |= {"unchecked": True, "tasks": item.tasks, "proof": item.proof}
        if item.kind is IntegrationKind.TASKS:
            return new | {"connection_id": self._id("connections", item.connection)}
        return new | {"app": item.app}

    def _edit(self, item: SetupIntegration, differing: tuple[str, ...]) -> dict[str, Any]:
        """Return what of an integration changes."""
        changes: dict[str, Any] = {}
        for name, place in _places(item):
            fields = {each.partition(".")[2] for each in differing if each.startswith(f"{name}.")}
            if name in differing:  # an environment that does not exist yet
                fields = place.model_fields_set | {"connection"}
            values = {each: getattr(place, each) for each in fields & _OF_ENVIRONMENTS}
            if "connection" in fields:
                values["connection_id"] = self._id("connections", place.connection)
            if values:
                changes[name] = EnvironmentEdit(**values)
        for name in ("tasks", "proof"):
            if name in differing:
                changes |= {name: getattr(item, name), "unchecked": True}
        if "connection" in differing:
            changes |= {"connection_id": self._id("connections", item.connection), "unchecked": True}
        return changes

    async def _pause(
        self, item: SetupIntegration, there: str, differing: tuple[str, ...], *, adding: bool
    ) -> None:
        """Pause or resume what the file says otherwise."""
        if item.kind is not IntegrationKind.DELIVERY:
            if "paused" in differing or (adding and item.paused):
                state = IntegrationState.PAUSED if item.paused else IntegrationState.ACTIVE
                await task_integrations.set_state(self.desk, there, state)
            return
        for name, place in _places(item):
            if f"{name}.paused" in differing or (adding and place.paused):
                state = IntegrationState.PAUSED if place.paused else IntegrationState.ACTIVE
                choice = EnvironmentChoice(environment=Environment(name))
                await integrations.set_state(self.desk, there, choice, state)

    async def _source(self, item: SetupSource, there: str, differing: tuple[str, ...]) -> str:
        if not there:
            new = SourceCreate(key=item.key, name=item.name, levels=item.levels, fields=item.fields)
            there = (await sources.add(self.desk, new)).id
        elif changes := {
            name: value
            for name, value in _given(item, "name", "levels", "fields").items()
            if name in differing
        }:
            await sources.edit(self.desk, there, SourceEdit(**changes))
        if "enabled" in item.model_fields_set:
            wanted = {self._id("integrations", name) for name in item.enabled}
            now = set((await sources.show(self.desk, there)).integrations)
            for integration_id in sorted(wanted ^ now):
                choice = SourceEnable(integration_id=integration_id, enabled=integration_id in wanted)
                await sources.enable(self.desk, there, choice)
        return there

    async def _channel(self, item: SetupChannel, there: str, _differing: tuple[str, ...]) -> str:
        if there:
            return there
        url = self.secrets[f"channels.{item.name}.url"]
        return (await channels.add(self.desk, ChannelCreate(name=item.name, url=SecretStr(url)))).id

    async def _rule(self, item: SetupRule, there: str, differing: tuple[str, ...]) -> str:
        channel_ids = [self._id("channels", name) for name in item.channels]
        if not there:
            new = RuleCreate(
                name=item.name,
                integration_id=self._id("integrations", item.integration) if item.integration else None,
                connection_id=self._id("connections", item.connection) if item.connection else None,
                environments=item.environments,
                channel_ids=channel_ids,
                recoveries=item.recoveries,
            )
            there = (await rules.add(self.desk, new)).id
            differing = ("enabled",) if not item.enabled else ()
        changes: dict[str, Any] = {
            name: getattr(item, name) for name in differing if name in RuleEdit.model_fields
        }
        if "channels" in differing:
            changes["channel_ids"] = channel_ids
        if changes:
            await rules.edit(self.desk, there, RuleEdit(**changes))
        return there

    async def _label(self, item: LabelCreate, there: str, differing: tuple[str, ...]) -> str:
        if not there:
            return (await labels.add(self.desk, item)).id
        await labels.edit(self.desk, there, LabelEdit(**{name: getattr(item, name) for name in differing}))
        return there

    async def _template(self, item: SetupTemplate, there: str, differing: tuple[str, ...]) -> str:
        integration_id = self._id("integrations", item.integration) if item.integration else None
        if not there:
            new = TemplateCreate(
                name=item.name, task=item.task, schedule=item.schedule, integration_id=integration_id
            )
            return (await templates.add(self.desk, new)).id
        changes: dict[str, Any] = {name: getattr(item, name) for name in differing if name != "integration"}
        if "integration" in differing:
            changes["integration_id"] = integration_id
        await templates.edit(self.desk, there, TemplateEdit(**changes))
        return there


def _given(item: BaseModel, *names: str) -> dict[str, Any]:
    """Return those of these fields that the file gives."""
    return {name: getattr(item, name) for name in names if name in item.model_fields_set}


def _places(item: SetupIntegration) -> list[tuple[str, SetupEnvironment]]:
    both = (("production", item.production), ("testing", item.testing))
    return [(name, place) for name, place in both if place is not None]
