"""What an import will do: each thing of the file beside what the desk has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from healthdesk.api.apps import BY_BROWSER
from healthdesk.api.setup import SetupChange, SetupPlan
from healthdesk.operations.desk import Desk
from healthdesk.operations.setup_current import Current
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupConnection,
    SetupDocument,
    SetupEnvironment,
    SetupIntegration,
    SetupRule,
    SetupSource,
    SetupTemplate,
)

MOST_CHARS = 60


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


def plan(desk: Desk, document: SetupDocument, found: Current, secrets: Mapping[str, str]) -> list[Step]:
    """Return a step for each thing, in the order in which they are done."""
    known = {kind: set(ids) for kind, ids in found.ids.items()}
    for kind, key, _ in document.items():
        known.setdefault(kind, set()).add(key)
    here = {(kind, key): item for kind, key, item in found.document.items()}
    return [
        _step(desk, kind, key, item, here.get((kind, key)), known, secrets)
        for kind, key, item in document.items()
    ]


def _step(
    desk: Desk,
    kind: str,
    key: str,
    item: BaseModel,
    there: BaseModel | None,
    known: Mapping[str, set[str]],
    secrets: Mapping[str, str],
) -> Step:
    missing = [f"{noun} {name}" for noun, name in _names(item) if name not in known.get(f"{noun}s", set())]
    if missing:
        return Step(
            kind, key, item, "refuse", why=f"there is no {', no '.join(missing)}, here or in the file"
        )
    if there is None:
        why = _lacks(desk, item, secrets)
        return Step(kind, key, item, "refuse" if why else "add", why=why)
    differing = tuple(_differing(item, there))
    if not differing:
        return Step(kind, key, item, "same")
    why = _unchangeable(item, differing)
    told = [f"{name}: {_said(there, name)} → {_said(item, name)}" for name in differing]
    return Step(kind, key, item, "refuse" if why else "change", differing, told, why)


def _names(item: BaseModel) -> Iterator[tuple[str, str]]:
    """Yield (noun, name) of everything else that an item names."""
    if isinstance(item, SetupIntegration):
        for place in (item.production, item.testing):
            if place is not None:
                yield "connection", place.connection
        if item.connection:
            yield "connection", item.connection
    elif isinstance(item, SetupSource):
        for name in item.enabled:
            yield "integration", name
    elif isinstance(item, SetupRule):
        for noun, name in (("integration", item.integration), ("connection", item.connection)):
            if name:
                yield noun, name
        for name in item.channels:
            yield "channel", name
    elif isinstance(item, SetupTemplate) and item.integration:
        yield "integration", item.integration


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
    if item.callback_secret:
        fields.append("callback_secret")
    return [f"connections.{item.name}.{each}" for each in fields]


def _lacks(desk: Desk, item: BaseModel, secrets: Mapping[str, str]) -> str:
    """Return why an item cannot be made, or an empty string."""
    if isinstance(item, SetupConnection):
        if item.app not in desk.ctx.apps:
            return f"this desk knows no app {item.app}"
        method = desk.ctx.apps.get(item.app).manifest.method(item.auth)
        if method is not None and method.type in BY_BROWSER:
            return f"{method.name} is granted in a browser: add this connection by hand, then import again"
    lacking = [place for place in wanted_secrets(desk, item) if not secrets.get(place)]
    return f"needs {', '.join(lacking)}" if lacking else ""


def _differing(item: BaseModel, there: BaseModel) -> Iterator[str]:
    """Yield the names of the fields that the file gives and that the desk has otherwise."""
    for name in sorted(item.model_fields_set):
        ours, theirs = getattr(item, name), getattr(there, name)
        if isinstance(ours, SetupEnvironment) and isinstance(theirs, SetupEnvironment):
            yield from (f"{name}.{each}" for each in _differing(ours, theirs))
        elif isinstance(ours, list) and ours and isinstance(ours[0], str):
            if sorted(ours) != sorted(theirs) if name != "levels" else ours != theirs:
                yield name
        elif ours != theirs and name != "callback_secret":
            yield name


def _unchangeable(item: BaseModel, differing: tuple[str, ...]) -> str:
    fixed = {"app", "auth", "fields"} if isinstance(item, SetupConnection) else {"kind", "app"}
    if not fixed & set(differing) or not isinstance(item, SetupConnection | SetupIntegration):
        return ""
    if isinstance(item, SetupConnection):
        return "credentials are changed by `healthdesk connections update-credentials`, where they are tried"
    return "an integration stays of its kind and app: give the new one another name"


def _said(item: BaseModel, name: str) -> str:
    """Return a field's value for people, cut where it is long."""
    value: Any = item
    for part in name.split("."):
        value = getattr(value, part, None) if isinstance(value, BaseModel) else None
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    elif isinstance(value, list):
        value = [
            each.model_dump(mode="json", exclude_defaults=True) if isinstance(each, BaseModel) else each
            for each in value
        ]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"


def told(desk: Desk, steps: list[Step], document: SetupDocument, found: Current) -> SetupPlan:
    """Return a plan for people. Its version changes with the file and with the desk."""
    counts = {do: sum(step.do == do for step in steps) for do in ("add", "change", "same", "refuse")}
    lacking = [
        place
        for step in steps
        if step.do == "refuse" and step.why.startswith("needs ")
        for place in wanted_secrets(desk, step.item)
        if place in step.why
    ]
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
        missing_secrets=lacking,
        version=hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16],
    )
