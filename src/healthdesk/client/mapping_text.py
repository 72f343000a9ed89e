"""A mapping as text, one step a line: `set tier = "gold"`, `rename score -> result.score`, `format at as date:%d.%m.%Y`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from healthdesk.api.delivery import MappingStep
from healthdesk.domain.states import MappingVerb

HELP = (
    "One step a line: set PATH = VALUE, default PATH = VALUE, rename PATH -> PATH,",
    "format PATH as HOW, remove PATH. docs/delivery.md lists what HOW can be.",
)
_STEPS = {
    MappingVerb.SET: re.compile(r"(?P<path>\S+)\s*=\s*(?P<value>.+)"),
    MappingVerb.DEFAULT: re.compile(r"(?P<path>\S+)\s*=\s*(?P<value>.+)"),
    MappingVerb.RENAME: re.compile(r"(?P<path>\S+)\s*(?:->|→)\s*(?P<to>\S+)"),
    MappingVerb.FORMAT: re.compile(r"(?P<path>\S+)\s+as\s+(?P<how>.+)"),
    MappingVerb.REMOVE: re.compile(r"(?P<path>\S+)"),
}
"""What follows each verb."""
_LIKE = {
    MappingVerb.SET: 'set tier = "gold"',
    MappingVerb.DEFAULT: "default score = 0",
    MappingVerb.RENAME: "rename score -> result.score",
    MappingVerb.FORMAT: "format born as date:%d.%m.%Y",
    MappingVerb.REMOVE: "remove notes",
}


def step_text(step: MappingStep) -> str:
    """Return what a step does, after its verb."""
    match step.do:
        case MappingVerb.RENAME:
            return f"{step.path} -> {step.to}"
        case MappingVerb.REMOVE:
            return step.path
        case MappingVerb.FORMAT:
            return f"{step.path} as {step.how}"
        case _:
            return f"{step.path} = {json.dumps(step.value, ensure_ascii=False)}"


def text_of(steps: Iterable[MappingStep]) -> str:
    """Return steps as text, one a line."""
    return "\n".join(f"{step.do.value} {step_text(step)}" for step in steps)


def steps_of(text: str) -> list[MappingStep]:
    """Return the steps that were typed; ValueError names the line that is none and says how it is written.

    A value is JSON; what is no JSON is taken as a text, so that quotes can be left out.
    """
    steps: list[MappingStep] = []
    for number, row in enumerate(text.splitlines(), start=1):
        if row.strip():
            steps.append(_step(number, row.strip()))
    return steps


def _step(number: int, row: str) -> MappingStep:
    word, _, rest = row.partition(" ")
    verb = next((each for each in MappingVerb if each.value == word.lower()), None)
    if verb is None:
        verbs = ", ".join(each.value for each in MappingVerb)
        raise ValueError(f"line {number}: a step begins with {verbs}")
    found = _STEPS[verb].fullmatch(rest.strip())
    if found is None:
        raise ValueError(f"line {number}: is written like `{_LIKE[verb]}`")
    given: dict[str, Any] = found.groupdict()
    if "value" in given:
        given["value"] = value_of(given["value"].strip())
    try:
        return MappingStep(do=verb, **given)
    except ValidationError as error:
        raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error


def value_of(text: str) -> Any:
    """Return the value that was typed: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
