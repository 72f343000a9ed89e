"""What an import will do: each thing of the file beside what the desk has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pydantic import BaseModel

from healthdesk.api.apps import BY_BROWSER
from healthdesk.api.setup import SetupChange, SetupPlan
from healthdesk.domain.states import IntegrationKind
from healthdesk.errors import ConnectorError
from healthdesk.operations.desk import Desk
from healthdesk.operations.setup_current import OF_THIS_DESK
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupConnection,
    SetupDocument,
    SetupEnvironment,
    SetupFilter,
    SetupIntegration,
    SetupProof,
    SetupRule,
    SetupSource,
)
from healthdesk.operations.setup_found import Current
from healthdesk.operations.setup_kept import as_kept
from healthdesk.operations.setup_said import differences

FIXED: Mapping[type[BaseModel], tuple[frozenset[str], str]] = {
    SetupConnection: (
        frozenset({"app", "auth", "fields"}),
        "credentials are changed by `healthdesk connections update-credentials`, where they are tried",
    ),
    SetupIntegration: (
        frozenset({"kind", "app"}),
        "an integration stays of its kind and app: give the new one another name",
    ),
    SetupProof: (
        frozenset({"integration"}),
        "a proof sync stays with its integration: give the new one another name",
    ),
}
"""What is not changed in what is there, and why."""


@dataclass(slots=True)
class Step:
    """One thing of the file: what is to be done with it, and which of its fields that are given differ."""

    kind: str
    key: str
    item: BaseModel
    do: str
    differing: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)
    why: str = ""
    lacking: list[str] = field(default_factory=list)


def plan(desk: Desk, document: SetupDocument, found: Current, secrets: Mapping[str, str]) -> list[Step]:
    """Return a step for each thing, in the order in which they are done, then one for each that the file leaves alone."""
    here = {(kind, key): item for kind, key, item in found.document.items()}
    given = {(kind, key): item for kind, key, item in document.items()}
    everything = {**here, **given}
    steps = []
    for (kind, key), item in given.items():
        there = here.get((kind, key))
        kept = as_kept(desk, item, there, found, everything)
        step = Step(kind, key, kept, "same")
        _decide(desk, step, there, everything, found, secrets)
        steps.append(step)
    left = [Step(kind, key, item, "left") for (kind, key), item in here.items() if (kind, key) not in given]
    return steps + left


def _decide(
    desk: Desk,
    step: Step,
    there: BaseModel | None,
    everything: Mapping[tuple[str, str], BaseModel],
    found: Current,
    secrets: Mapping[str, str],
) -> None:
    """Say what is to be done with a thing."""
    item = step.item
    missing = [
        name if kind == "labels" else f"{noun} {name}"
        for kind, noun, name in names_in(item)
        if (kind, name) not in everything
    ]
    if there is None:
        step.lacking = [place for place in wanted_secrets(desk, item) if not secrets.get(place)]
    if missing:
        step.why = f"there is no {', no '.join(missing)}, here or in the file"
    elif why := _never(desk, item, found):
        step.why = why
    elif there is None:
        step.do = "add"
        if step.lacking:
            step.why = f"needs {', '.join(step.lacking)}"
    elif differing := tuple(_differing(item, there)):
        step.do, step.differing = "change", differing
        step.told = differences(there, item, differing)
        fixed, why = FIXED.get(type(item), (frozenset(), ""))
        step.why = why if fixed & set(differing) else ""
    if step.why:
        step.do = "refuse"


def names_in(item: BaseModel) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, noun, name) of everything else that an item names."""
    if isinstance(item, SetupIntegration):
        places = [place for place in (item.production, item.testing) if place is not None]
        yield from (("connections", "connection", place.connection) for place in places)
    elif isinstance(item, SetupSource):
        named = [*item.enabled, *(each.integration for each in item.silence)]
        yield from (("integrations", "integration", name) for name in named)
    elif isinstance(item, SetupRule):
        yield from (("channels", "channel", name) for name in item.channels)
    elif isinstance(item, SetupProof):
        filed = (("label", item.label), ("control", item.control))
        yield from (("labels", kind, f"{kind} {name}") for kind, name in filed if name)
    for noun in ("integration", "connection"):
        if name := getattr(item, noun, ""):
            yield f"{noun}s", noun, name


def wanted_secrets(desk: Desk, item: BaseModel) -> list[str]:
    """Return the places of the secrets that making an item takes."""
    if isinstance(item, SetupChannel):
        return [f"channels.{item.name}.url"]
    if not isinstance(item, SetupConnection) or item.app not in desk.ctx.apps:
        return []
    method = desk.ctx.apps.get(item.app).manifest.method(item.auth)
    fields = (
        [each.key for each in method.fields if each.secret and each.required] if method is not None else []
    )
    fields += [each for each in item.optional_secrets if each not in fields]
    if item.callback_secret:
        fields.append("callback_secret")
    return [f"connections.{item.name}.{each}" for each in fields]


def _never(desk: Desk, item: BaseModel, found: Current) -> str:
    """Return why an item cannot be on this desk, or an empty string."""
    if isinstance(item, SetupConnection):
        return _no_connection(desk, item, found)
    if isinstance(item, SetupIntegration) and item.kind is IntegrationKind.TASKS and not item.connection:
        return "its admin connection is missing: add connection = …"
    if isinstance(item, SetupProof):
        if bool(item.label) == bool(item.control):
            return "it is filed under a label or under a control: add label = … or control = …"
        return "" if item.connection else "what it collects with is missing: add connection = …"
    if isinstance(item, SetupFilter):
        beyond = [name for name in ("integration_id", *OF_THIS_DESK) if getattr(item.filter, name)]
        if beyond:
            return f"{', '.join(beyond)} cannot be in a file: an integration is named beside the filter"
        if item.name in found.unshared:
            return "you have a filter of that name for yourself: share it, or remove it first"
    return ""


def _no_connection(desk: Desk, item: SetupConnection, found: Current) -> str:
    try:
        manifest = desk.ctx.apps.get(item.app).manifest
    except ConnectorError as error:
        return f"{error.what}: {error.fix}"
    method = manifest.method(item.auth)
    if method is None:
        return (
            f"{manifest.name} has no auth {item.auth}: one of {', '.join(each.id for each in manifest.auth)}"
        )
    secret = [each.key for each in method.fields if each.secret and each.key in item.fields]
    if secret:
        return f"{', '.join(secret)} is secret: take it out of the file, and give it with --secrets"
    known = {each.key for each in method.fields if each.secret}
    if beyond := [key for key in item.optional_secrets if key not in known]:
        return f"{method.name} has no secret {beyond[0]}: one of {', '.join(sorted(known)) or 'none'}"
    if method.type in BY_BROWSER and item.name not in found.ids.get("connections", {}):
        return f"{method.name} is granted in a browser: add this connection by hand, then import again"
    return ""


def _differing(item: BaseModel, there: BaseModel) -> Iterator[str]:
    """Yield the names of the fields that the file gives and that the desk has otherwise."""
    for name in sorted(item.model_fields_set):
        ours, theirs = getattr(item, name), getattr(there, name)
        if isinstance(ours, SetupEnvironment) and isinstance(theirs, SetupEnvironment):
            yield from (f"{name}.{each}" for each in _differing(ours, theirs))
        elif name in ("enabled", "channels", "members", "environments") and isinstance(ours, list):
            if sorted(ours) != sorted(theirs):
                yield name
        elif ours != theirs and name not in ("callback_secret", "optional_secrets"):
            yield name


def told(steps: list[Step], document: SetupDocument, found: Current, secrets: Mapping[str, str]) -> SetupPlan:
    """Return a plan for people. Its version changes with the file and with the desk."""
    counts = {do: sum(step.do == do for step in steps) for do in ("add", "change", "same", "refuse", "left")}
    versions = [each.model_dump_json() for each in (document, found.document)]
    return SetupPlan(
        changes=[
            SetupChange.model_validate(
                {"do": step.do, "kind": step.kind, "name": step.key, "fields": step.told, "why": step.why}
            )
            for step in steps
        ],
        added=counts["add"],
        changed=counts["change"],
        same=counts["same"],
        refused=counts["refuse"],
        left=counts["left"],
        missing_secrets=[place for step in steps for place in step.lacking],
        unused_secrets=unused(steps, secrets),
        version=hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16],
    )


def unused(
    steps: Sequence[Step], secrets: Mapping[str, str], kept: AbstractSet[str] | None = None
) -> list[str]:
    """Return the places of secrets that nothing takes; `kept` are those of receipts that were, None where that is not known."""
    takers = tuple(
        f"{step.kind}.{step.key}."
        for step in steps
        if step.do in ("add", "refuse", "change")
        and (kept is None if step.kind == "integrations" else step.do != "change")
    )
    return sorted(place for place in secrets if not place.startswith(takers) and place not in (kept or ()))
