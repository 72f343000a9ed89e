"""Everything else of an import: channels, rules, labels, templates, proof syncs and shared filters.

Each function takes the thing, its id where it is there already, and which of its fields differ; it returns the id.
"""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from healthdesk.api.alerts import ChannelCreate, RuleCreate, RuleEdit
from healthdesk.api.filters import SavedFilterCreate
from healthdesk.api.labels import LabelCreate, LabelEdit
from healthdesk.api.proof import ChangeConnection, ProofSyncCreate, ProofSyncSettings
from healthdesk.api.tasks import TemplateCreate, TemplateEdit
from healthdesk.operations import channels, filters, labels, proof, proof_settings, rules, templates
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupFilter,
    SetupProof,
    SetupRule,
    SetupTemplate,
)
from healthdesk.operations.setup_making import Making, given


async def channel(making: Making, item: SetupChannel, there: str, _differing: tuple[str, ...]) -> str:
    """Make a channel; of one that is there its URL is a secret, and stays."""
    if there:
        return there
    url = SecretStr(making.secrets[f"channels.{item.name}.url"])
    return (await channels.add(making.desk, ChannelCreate(name=item.name, url=url))).id


async def rule(making: Making, item: SetupRule, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a rule. What it is for is decided when it is made: for something else it is made anew."""
    channel_ids = [making.id("channels", name) for name in item.channels]
    if there and {"integration", "connection"} & set(differing):
        await rules.remove(making.desk, there)
        there = ""
    if not there:
        new = RuleCreate(
            name=item.name,
            integration_id=making.id_or_none("integrations", item.integration),
            connection_id=making.id_or_none("connections", item.connection),
            environments=item.environments,
            channel_ids=channel_ids,
            recoveries=item.recoveries,
        )
        there = (await rules.add(making.desk, new)).id
        differing = () if item.enabled else ("enabled",)
    changes: dict[str, Any] = {
        name: getattr(item, name) for name in differing if name in RuleEdit.model_fields
    }
    if "channels" in differing:
        changes["channel_ids"] = channel_ids
    if changes:
        await rules.edit(making.desk, there, RuleEdit(**changes))
    return there


async def label(making: Making, item: LabelCreate, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a label or a control; its members are those of the file, and not who imports it."""
    if not there:
        there = (await labels.add(making.desk, item)).id
        differing = ("members",) if "members" in item.model_fields_set else ()
    if differing:
        await labels.edit(making.desk, there, LabelEdit(**given(item, *differing)))
    return there


async def template(making: Making, item: SetupTemplate, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a repeating task."""
    through: dict[str, Any] = {
        "integration_id": making.id_or_none("integrations", item.integration),
        "connection_id": making.id_or_none("connections", item.connection),
    }
    if not there:
        new = TemplateCreate(name=item.name, task=item.task, schedule=item.schedule, **through)
        return (await templates.add(making.desk, new)).id
    changes: dict[str, Any] = {
        name: getattr(item, name) for name in differing if name in ("task", "schedule")
    }
    if {"integration", "connection"} & set(differing):
        changes |= through
    await templates.edit(making.desk, there, TemplateEdit(**changes))
    return there


async def proof_sync(making: Making, item: SetupProof, there: str, differing: tuple[str, ...]) -> str:
    """Make or change a proof sync; the app is asked when it is collected."""
    kind, name = ("label", item.label) if item.label else ("control", item.control)
    label_id = making.id("labels", f"{kind} {name}")
    connection_id = making.id("connections", item.connection)
    if not there:
        new = ProofSyncCreate(
            integration_id=making.id("integrations", item.integration),
            connection_id=connection_id,
            dataset=item.dataset,
            fields=item.fields,
            label_id=label_id,
            name=item.name,
            every_s=item.every_s,
            unchecked=True,
        )
        return (await proof.add(making.desk, new)).id
    changes: dict[str, Any] = given(item, *({"dataset", "fields", "every_s"} & set(differing)))
    if {"label", "control"} & set(differing):
        changes["label_id"] = label_id
    if changes:
        # Under the name it has in the file, whatever it collects now: by that it is found again.
        settings = ProofSyncSettings(name=item.name, unchecked=True, **changes)
        await proof_settings.settings(making.desk, there, settings)
    if "connection" in differing:
        choice = ChangeConnection(connection_id=connection_id, unchecked=True)
        await proof.change_connection(making.desk, there, choice)
    return there


async def saved_filter(making: Making, item: SetupFilter, there: str, _differing: tuple[str, ...]) -> str:
    """Share a filter, or change one that is shared; that stays whose it is."""
    narrowed = item.filter.model_copy(
        update={"integration_id": making.id_or_none("integrations", item.integration)}
    )
    new = SavedFilterCreate(name=item.name, filter=narrowed, shared=True)
    owner = making.found.owners.get(there, "")
    return (await filters.save(making.desk, new, owner=owner)).id
