"""A mapping as text, one step a line: `set tier = "gold"`, `rename score -> result.score`, `format at as date:%d.%m.%Y`.

A path or format that would read otherwise stands in quotes, as JSON: `rename "full name" -> name`.
"""

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
    'format PATH as HOW, remove PATH; a PATH with spaces in quotes: "full name".',
    "docs/delivery.md lists what HOW can be.",
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SETS = re.compile(rf"(?P<path>{_QUOTED}|\S+?)\s*=\s*(?P<value>.+)", re.DOTALL)
_STEPS = {
    MappingVerb.SET: _SETS,
    MappingVerb.DEFAULT: _SETS,
    MappingVerb.RENAME: re.compile(rf"(?P<path>{_QUOTED}|\S+?)\s*(?:->|→)\s*(?P<to>{_QUOTED}|\S+)"),
    MappingVerb.FORMAT: re.compile(rf"(?P<path>{_QUOTED}|\S+)\s+as\s+(?P<how>{_QUOTED}|.+)", re.DOTALL),
    MappingVerb.REMOVE: re.compile(rf"(?P<path>{_QUOTED}|\S+)"),
}
"""What follows each verb."""
_PLAIN_PATH = re.compile(r'[^\s"=→>]+')
_PLAIN_HOW = re.compile(r'[^\s"](?:.*\S)?')
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
            return f"{_word(step.path)} -> {_word(step.to)}"
        case MappingVerb.REMOVE:
            return _word(step.path)
        case MappingVerb.FORMAT:
            return f"{_word(step.path)} as {_word(step.how, _PLAIN_HOW)}"
        case _:
            return f"{_word(step.path)} = {_json(step.value)}"


def _word(text: str, plain: re.Pattern[str] = _PLAIN_PATH) -> str:
    """Return a text as it is where that reads the same, else quoted."""
    return text if text.isprintable() and plain.fullmatch(text) else _json(text)


def _json(value: Any) -> str:
    """Return JSON on one line, whatever ends lines elsewhere."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def text_of(steps: Iterable[MappingStep]) -> str:
    """Return steps as text, one a line."""
    return "\n".join(f"{step.do.value} {step_text(step)}" for step in steps)


def steps_of(text: str) -> list[MappingStep]:
    """Return the steps that were typed; ValueError names the line that is none and says how it is written.

    A value is JSON; what is no JSON is taken as a text, so that quotes can be left out. A path in quotes is JSON, too.
    """
    steps: list[MappingStep] = []
    for number, row in enumerate(text.split("\n"), start=1):
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
    for name in given.keys() - {"value"}:
        given[name] = _unquoted(number, given[name])
    try:
        return MappingStep(do=verb, **given)
    except ValidationError as error:
        raise ValueError(f"line {number}: {error.errors()[0]['msg']}") from error


def _unquoted(number: int, text: str) -> str:
    if not re.fullmatch(_QUOTED, text, re.DOTALL):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        raise ValueError(f'line {number}: what stands in quotes is JSON, as "full name"') from None


def value_of(text: str) -> Any:
    """Return the value that was typed: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
