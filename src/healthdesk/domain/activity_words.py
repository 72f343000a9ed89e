"""What an activity entry says beside its verb, in the words people use."""

from __future__ import annotations

import json
from collections.abc import Mapping

_UNITS = ((86400 * 2, 86400, "days"), (3600, 3600, "h"), (60, 60, "min"))


def detail_words(detail: Mapping[str, object]) -> str:
    """Return the details in one line, such as `overlap 24 h`; an id is left out where its name is there."""
    return ", ".join(part for name, value in detail.items() if (part := _part(name, value, detail)))


def named_words(detail: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return each detail's name and value in words, none left out."""
    return [(_name(name, value), _value(name, value)) for name, value in detail.items()]


def object_words(kind: str, name: str, object_id: str, detail: Mapping[str, object]) -> str:
    """Return what it was done to: `connection CRM`, or `3 records` where it was done to many."""
    many = detail.get("resent")
    if kind == "record" and not name and not object_id and isinstance(many, int):
        return f"{many:,} record{'' if many == 1 else 's'}"
    return f"{kind} {name or object_id}".strip()


def _part(name: str, value: object, detail: Mapping[str, object]) -> str:
    if (name.endswith("_id") and name.removesuffix("_id") in detail) or value in ({}, []):
        return ""
    return f"{_name(name, value)} {_value(name, value)}".strip()


def _name(name: str, value: object) -> str:
    return name.removesuffix("_s").replace("_", " ") if _is_duration(name, value) else name.replace("_", " ")


def _is_duration(name: str, value: object) -> bool:
    return name.endswith("_s") and isinstance(value, int | float) and not isinstance(value, bool)


def _value(name: str, value: object) -> str:
    if isinstance(value, int | float) and _is_duration(name, value):
        return _duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(key, item)} {_value(key, item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_value("", item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _duration(seconds: float) -> str:
    for least, size, unit in _UNITS:
        if seconds >= least and seconds % size == 0:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:g} s"
