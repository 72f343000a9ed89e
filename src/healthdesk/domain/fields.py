"""Checks a record's data against the fields its source declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A declared field: `type` is string, number, integer, boolean, date, datetime, object, array or any."""

    name: str
    type: str = "any"
    required: bool = False


def check_data(data: object, fields: Sequence[FieldSpec]) -> list[str]:
    """Return what is wrong, such as `risk_level: required, missing`; never a value.

    Without declared fields nothing is checked, and keys that are not declared are let through. An optional field
    may be null.
    """
    if not fields:
        return []
    if not isinstance(data, dict):
        return [f"data: expected an object, got {kind_of(data)}"]
    wrong = []
    for field in fields:
        if field.name not in data:
            if field.required:
                wrong.append(f"{field.name}: required, missing")
            continue
        value = data[field.name]
        if value is None:
            if field.required:
                wrong.append(f"{field.name}: required, null")
        elif field.type != "any" and not _CHECKS[field.type](value):
            wrong.append(f"{field.name}: expected {_EXPECTED[field.type]}, got {kind_of(value)}")
    return wrong


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return _is_number(value) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def _is_date(value: object) -> bool:
    """Tell whether it is a day as `2025-11-22`."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_datetime(value: object) -> bool:
    """Tell whether it is a day and a time of day, with or without a zone."""
    if not isinstance(value, str) or len(value) <= len("2025-11-22"):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "datetime": _is_datetime,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}

_EXPECTED: Mapping[str, str] = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "date": "a date like 2025-11-22",
    "datetime": "a date and time like 2025-11-22T14:02:00Z",
    "object": "an object",
    "array": "an array",
}


def kind_of(value: object) -> str:
    """Return what JSON calls a value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, dict) else "an array"
