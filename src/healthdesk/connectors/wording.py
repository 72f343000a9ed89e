"""Says what pydantic refuses in a manifest in words for its author, with the nearest key for a wrong one."""

from __future__ import annotations

import difflib
import types
from collections.abc import Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from healthdesk.connectors.spec import Manifest
from healthdesk.connectors.spec.base import Misplaced
from healthdesk.connectors.toml_lines import Path

_WANTED = {
    "string": ("text", 'write it in quotes: "…"'),
    "int": ("a whole number", "write it without quotes"),
    "float": ("a number", "write it without quotes"),
    "bool": ("true or false", "write it without quotes"),
    "list": ("a list", 'write ["…", "…"], or [[tables]]'),
    "tuple": ("a list", 'write ["…", "…"]'),
    "dict": ("a table", 'write { name = "…" }'),
    "model": ("a table", "write its keys under a [table] of their own"),
}
_PATTERNS = {
    "^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, a letter first",
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "lower-case letters, digits and single hyphens, a letter first",
}


def word(error: ErrorDetails) -> tuple[Path, str, str]:
    """Return where in the manifest a mistake is, the reason and the fix."""
    # A wrong name in a table of names ends with this word.
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    kind, context = error["type"], error.get("ctx", {})
    name = path[-1] if path else ""
    if kind == "extra_forbidden":
        return path, f"there is no key {name}", _known(path)
    if kind == "missing":
        if isinstance(name, int):
            return path[:-1], f"there is no value number {name + 1}", "add it"
        return path[:-1], f"the key {name} is missing", f"add {name} = …"
    if kind == "value_error":
        cause = context.get("error")
        if isinstance(cause, Misplaced):
            path = (*path, *cause.at)
        return path, str(cause), "correct it"
    if kind in ("literal_error", "enum"):
        return path, f"{_short(error['input'])} is not known here", _choices(error)
    if kind == "string_pattern_mismatch":
        form = _PATTERNS.get(context["pattern"], context["pattern"])
        return path, f"{_short(error['input'])} has another form", f"write {form}"
    wanted = next(
        (
            words
            for start, words in _WANTED.items()
            if kind.startswith((f"{start}_type", f"{start}_parsing", f"{start}_from"))
        ),
        None,
    )
    if wanted is not None:
        return path, f"{_short(error['input'])} is not {wanted[0]}", wanted[1]
    return path, f"{error['msg'][:1].lower()}{error['msg'][1:]}", "correct it"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _known(path: Path) -> str:
    names = _names(path[:-1])
    name = str(path[-1])
    if len(path) > 1 and name in _names(()) and not difflib.get_close_matches(name, names, cutoff=0.8):
        return f"{name} belongs to the app: write it above the first [table]"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here are {', '.join(names)}"


def _choices(error: ErrorDetails) -> str:
    text = error.get("ctx", {}).get("expected", "").replace(" or ", ", ")
    names = [name.strip().strip("'") for name in text.split(",")]
    near = difflib.get_close_matches(str(error["input"]), names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"one of {', '.join(names)}"


def _names(path: Sequence[str | int]) -> list[str]:
    """Return the keys of the table at `path`."""
    return [field.alias or name for model in _models(path) for name, field in model.model_fields.items()]


def _models(path: Sequence[str | int]) -> list[type[BaseModel]]:
    models: list[type[BaseModel]] = [Manifest]
    for part in path:
        if isinstance(part, int):
            continue
        models = [
            below
            for model in models
            for name, field in model.model_fields.items()
            if (field.alias or name) == part
            for below in _within(field.annotation)
        ]
    return models


def _within(annotation: Any) -> list[type[BaseModel]]:
    """Return the tables that a value of this annotation is or holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (list, Union, types.UnionType):
        return [model for each in get_args(annotation) for model in _within(each)]
    return []
