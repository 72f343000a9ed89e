"""Reads config.toml and the environment into one tree, and words what the model refuses."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from healthdesk.errors import ConfigError

PREFIX = "HEALTHDESK_"
FILE_VARIABLE = "HEALTHDESK_CONFIG"

Variables = dict[tuple[str, ...], str]
"""Which keys came from the environment, and the variable that set each."""


def find_config_file(path: Path | None, environ: Mapping[str, str], default: Path) -> Path | None:
    """Return the file to read, or None where variables alone configure the desk (as in a container)."""
    if path is not None:
        return path
    if named := environ.get(FILE_VARIABLE):
        return Path(named)
    if default.is_file():
        return default
    if any(_split(name) for name in environ):
        return None
    raise ConfigError(
        "there is no config file",
        source=str(default),
        fix=f"run `healthdesk init`, or name another file with --config or {FILE_VARIABLE}",
    )


def read_toml(file: Path) -> dict[str, Any]:
    """Return the file's tables."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", source=str(file), fix="run `healthdesk init`, or correct the path"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8 text", source=str(file), fix="save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(
            f"the file cannot be read ({error.strerror})",
            source=str(file),
            fix="make it readable for the user that runs this command",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"this is not valid TOML: {error}",
            source=str(file),
            fix='text needs quotes: key = "value"; a table starts with [section]',
        ) from None


def merge_environment(tree: dict[str, Any], environ: Mapping[str, str], model: type[BaseModel]) -> Variables:
    """Put every HEALTHDESK_<SECTION>__<KEY> into the tree, and return which key each variable set."""
    variables: Variables = {}
    for name in sorted(environ):
        keys = _split(name)
        if not keys:
            continue
        node = tree
        for key in keys[:-1]:
            below = node.setdefault(key, {})
            if not isinstance(below, dict):
                raise ConfigError(
                    f"this sets a part of {key}, which is set to {below!r} as a whole elsewhere",
                    source=name,
                    key=".".join(keys),
                    fix=f"set all of {key} in one place",
                )
            node = below
        node[keys[-1]] = _value(environ[name], _annotation(model, keys))
        variables[keys] = name
    return variables


def explain(
    error: ValidationError, model: type[BaseModel], *, file: Path | None, variables: Variables
) -> ConfigError:
    """Return the first mistake as an error that names file (or variable), key and fix, and counts the others."""
    first, *others = error.errors()
    keys = _keys(first)
    variable = next((name for path, name in variables.items() if path == keys[: len(path)]), "")
    what, fix = _word(first, model, keys, variable)
    if others:
        more = ", ".join(dict.fromkeys(".".join(_keys(other)) for other in others))
        what = f"{what} (also wrong: {more})"
    return ConfigError(what, source=variable or str(file or "the environment"), key=".".join(keys), fix=fix)


def _word(
    error: ErrorDetails, model: type[BaseModel], keys: tuple[str, ...], variable: str
) -> tuple[str, str]:
    """Return what is wrong and the likely fix."""
    kind, context = error["type"], error.get("ctx", {})
    description = _description(model, keys)
    if kind == "extra_forbidden":
        known = list(_names(_model_at(model, keys[:-1])))
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        if not near:
            return "this key is unknown", f"known here are {', '.join(known)}"
        better = _variable((*keys[:-1], near[0])) if variable else near[0]
        return "this key is unknown", f"did you mean {better}?"
    if kind == "setting":
        return str(context["what"]), str(context["fix"])
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "this is a table", f"write [{'.'.join(keys)}] on a line of its own, and its keys below"
    value = repr(error["input"])
    fixes = {
        "int_type": "write a whole number, without quotes",
        "float_type": "write a number, without quotes",
        "float_parsing": "write a number, without quotes",
        "bool_type": "write true or false, without quotes",
        "string_type": "write text in quotes",
        "tuple_type": 'write a list, such as ["a", "b"]',
    }
    bounds = {
        "greater_than": "write a value above {gt:g}",
        "greater_than_equal": "write {ge:g} or more",
        "less_than": "write a value below {lt:g}",
        "less_than_equal": "write {le:g} or less",
    }
    if kind in bounds:
        return f"{value} is out of range", bounds[kind].format(**context)
    return f"{value} does not fit here", fixes.get(kind, f"this key is: {description}")


def _keys(error: ErrorDetails) -> tuple[str, ...]:
    """Return the dotted key of an error, without the positions inside a list."""
    return tuple(part for part in error["loc"] if isinstance(part, str) and "[" not in part)


def _split(name: str) -> tuple[str, ...]:
    """Return the keys that a variable sets; empty where the name is none of ours."""
    if not name.startswith(PREFIX) or "__" not in name:
        return ()
    return tuple(name.removeprefix(PREFIX).lower().split("__"))


def _variable(keys: Sequence[str]) -> str:
    return PREFIX + "__".join(keys).upper()


def _value(text: str, annotation: Any) -> Any:
    """Read a variable's text as the kind of value its key has."""
    if annotation is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            text.lower(), text
        )
    if "tuple" in str(annotation):
        if not text.lstrip().startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
    elif annotation not in (int, float) and not _is_model(annotation):
        return text
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return text if isinstance(value, bool) else value


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[BaseModel] | None) -> Iterator[tuple[str, Any, str]]:
    """List a table's keys with annotation and description."""
    if model is not None:
        for name, field in model.model_fields.items():
            yield field.alias or name, field.annotation, field.description or ""


def _names(model: type[BaseModel] | None) -> Iterator[str]:
    return (name for name, _, _ in _fields(model))


def _annotation(model: type[BaseModel] | None, keys: Sequence[str]) -> Any:
    table = _model_at(model, keys[:-1])
    return next((annotation for name, annotation, _ in _fields(table) if name == keys[-1]), None)


def _description(model: type[BaseModel], keys: Sequence[str]) -> str:
    table = _model_at(model, keys[:-1]) if keys else None
    return next((text for name, _, text in _fields(table) if name == keys[-1]), "")


def _model_at(model: type[BaseModel] | None, keys: Sequence[str]) -> type[BaseModel] | None:
    """Return the model of the table at `keys`, or None."""
    for key in keys:
        below = next((annotation for name, annotation, _ in _fields(model) if name == key), None)
        model = below if _is_model(below) else None
    return model
