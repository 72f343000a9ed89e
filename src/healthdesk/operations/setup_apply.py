"""Doing what an import planned, and rehearsing it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from healthdesk.api.labels import LabelCreate
from healthdesk.errors import HealthdeskError
from healthdesk.operations import setup_make_places, setup_make_rest
from healthdesk.operations.setup_document import (
    SetupChannel,
    SetupConnection,
    SetupFilter,
    SetupIntegration,
    SetupProof,
    SetupRule,
    SetupSource,
    SetupTemplate,
)
from healthdesk.operations.setup_making import Making
from healthdesk.operations.setup_plan import Step, names_in

_BY_TYPE: Mapping[type[BaseModel], Callable[[Making, Any, str, tuple[str, ...]], Awaitable[str]]] = {
    SetupConnection: setup_make_places.connection,
    SetupIntegration: setup_make_places.integration,
    SetupSource: setup_make_places.source,
    SetupChannel: setup_make_rest.channel,
    SetupRule: setup_make_rest.rule,
    LabelCreate: setup_make_rest.label,
    SetupTemplate: setup_make_rest.template,
    SetupProof: setup_make_rest.proof_sync,
    SetupFilter: setup_make_rest.saved_filter,
}


class StepFailed(Exception):
    """A step cannot be done; `error` says why."""

    def __init__(self, step: Step, error: HealthdeskError) -> None:
        super().__init__(str(error))
        self.step = step
        self.error = error


async def apply(making: Making, steps: Sequence[Step]) -> None:
    """Do every step that adds or changes something, in order; raises StepFailed."""
    for step in steps:
        await _do(making, step)


async def rehearse(making: Making, steps: Sequence[Step]) -> list[StepFailed]:
    """Do what can be done of them, and return what cannot: all of it is told at once. What rests on that is left out."""
    failures: list[StepFailed] = []
    failed: set[tuple[str, str]] = set()
    for step in steps:
        if failed.isdisjoint((kind, name) for kind, _noun, name in names_in(step.item)):
            try:
                await _do(making, step)
            except StepFailed as failure:
                failures.append(failure)
            else:
                continue
        failed.add((step.kind, step.key))
    return failures


async def _do(making: Making, step: Step) -> None:
    if step.do not in ("add", "change"):
        return
    there = making.found.ids.get(step.kind, {}).get(step.key, "") if step.do == "change" else ""
    try:
        made = await _BY_TYPE[type(step.item)](making, step.item, there, step.differing)
    except HealthdeskError as error:
        raise StepFailed(step, error) from error
    making.found.ids.setdefault(step.kind, {})[step.key] = made
