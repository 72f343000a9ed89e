"""A set-up as TOML: written, and read with the line of what is wrong."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from healthdesk.connectors.toml_lines import Path, line_of, lines_of
from healthdesk.errors import Malformed
from healthdesk.operations.setup_document import HEALTH_TWICE, KINDS, SetupDocument, key_of

HEAD = """\
# The set-up of a healthdesk desk, as `healthdesk import` reads it. Secrets are not in it: the import asks for those of what
# is new, or takes them from a file of its own (--secrets). What is left out here stays as it is.
"""
MOST_TOLD = 5
_WANTED = {
    "string": ("no text", "write it in quotes"),
    "int": ("no whole number", "write it without quotes"),
    "float": ("no number", "write it without quotes"),
    "bool": ("not true or false", "write true or false, without quotes"),
    "list": ("no list", 'write ["…", "…"], or [[tables]]'),
    "dict": ("no table", "write its keys under a [table] of their own"),
    "model": ("no table", "write its keys under a [table] of their own"),
}
"""What is wrong, and what to do, by the beginning of pydantic's name for it."""
_FIXES = {HEALTH_TWICE: "take heartbeat out, or ping"}
"""What to do about what the document itself refuses."""


def rendered(document: SetupDocument, left_out: Sequence[str] = ()) -> str:
    """Return a document as TOML, what is as by default left out; `left_out` are sentences of what cannot be in it."""
    plain: dict[str, Any] = {"healthdesk": 1}
    for kind in KINDS:
        items = [_plain(item) for item in getattr(document, kind)]
        if items:
            plain[kind] = items
    # Every character that could end the comment is gone: names are whatever an operator typed.
    notes = "".join(f"# Not in this file: {''.join(filter(str.isprintable, each))}\n" for each in left_out)
    return HEAD + notes + "\n" + tomli_w.dumps(plain, multiline_strings=True)


def _plain(item: BaseModel) -> dict[str, Any]:
    """Return an item for TOML, which has no null; the names that tell it apart are always there."""
    plain: dict[str, Any] = _without_null(item.model_dump(mode="json", exclude_defaults=True))
    return plain


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_null(each) for each in value if each is not None]
    return value


def parsed(text: str) -> SetupDocument:
    """Read a document. Malformed says on which line and in which table it is wrong, and what to do.

    Nothing that is said of it quotes a value, which may be a secret that was written into the wrong file.
    """
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Malformed(
            f"this is no TOML: {error}",
            field="text",
            fix="correct the file there, or begin with one that `healthdesk export` writes",
        ) from None
    try:
        document = SetupDocument.model_validate(tree)
    except ValidationError as error:
        raise _wrong(error.errors(include_input=False, include_url=False), tree, lines_of(text)) from None
    _refuse_twice(document, text)
    return document


def _refuse_twice(document: SetupDocument, text: str) -> None:
    for kind in KINDS:
        seen: dict[str, int] = {}
        for index, item in enumerate(getattr(document, kind)):
            first = seen.setdefault(key_of(item), index)
            if first != index:
                lines = lines_of(text)
                raise Malformed(
                    f"line {line_of(lines, (kind, index))}, {kind} {key_of(item)!r}: it is there twice, first on"
                    f" line {line_of(lines, (kind, first))}",
                    field=kind,
                    fix="take one out, or give it another name",
                )


def _wrong(errors: Sequence[ErrorDetails], tree: Mapping[str, Any], lines: Mapping[Path, int]) -> Malformed:
    """Return the error of what is wrong: each place with its line, and what to do about the first."""
    said = []
    # A key that is misspelt is why another one is missing.
    errors = sorted(errors, key=lambda each: each["type"] != "extra_forbidden")
    for error in errors[:MOST_TOLD]:
        path: Path = tuple(part for part in error["loc"] if part != "[key]")
        at = path[:-1] if error["type"] == "missing" else path
        said.append(f"line {line_of(lines, at)}, {_place(path, tree)}: {_reason(error)[0]}")
    if len(errors) > MOST_TOLD:
        said.append(f"and {len(errors) - MOST_TOLD} more")
    first = errors[0]
    return Malformed(
        "; ".join(said), field=".".join(str(part) for part in first["loc"]) or "text", fix=_reason(first)[1]
    )


def _place(path: Path, tree: Mapping[str, Any]) -> str:
    """Return where something is for people: `connections 'CRM' base_url`."""
    words: list[str] = []
    value: Any = tree
    for part in path:
        value = _within(value, part)
        if not isinstance(part, int):
            words.append(part)
            continue
        name = (value.get("name") or value.get("key")) if isinstance(value, Mapping) else None
        words.append(repr(name) if isinstance(name, str) and len(name) <= 100 else f"number {part + 1}")
    return " ".join(words) or "the file"


def _within(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _reason(error: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong, and what to do."""
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        known = _names(error["loc"][:-1])
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        return "there is no such key", f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    if kind == "missing":
        return "it is missing", f"add {name} = …"
    if kind == "list_type" and name in KINDS and len(error["loc"]) == 1:
        return "it is one table, and there may be many", f"write it in two brackets: [[{name}]]"
    for start, (what, fix) in _WANTED.items():
        if kind.startswith((f"{start}_type", f"{start}_parsing", f"{start}_from", f"{start}_attributes")):
            return f"it is {what}", fix
    if kind in ("enum", "literal_error"):
        return (
            "it is not known here",
            f"one of {error.get('ctx', {}).get('expected', '').replace(' or ', ', ')}",
        )
    message = error["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}", _FIXES.get(message, "correct it")


def _names(path: Sequence[str | int]) -> list[str]:
    """Return the keys of the table at a place of the document."""
    models: list[type[BaseModel]] = [SetupDocument]
    for part in path:
        if isinstance(part, int):
            continue
        models = [
            below
            for model in models
            if part in model.model_fields
            for below in _models_of(model.model_fields[part].annotation)
        ]
    return sorted({name for model in models for name in model.model_fields})


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in _models_of(each)]
