"""The formats of a mapping's `format` step: how the value at a path is rewritten."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from healthdesk.domain.templating import text_of
from healthdesk.errors import MappingError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})
_DIRECTIVE = re.compile(r"%(.?)")
_DIRECTIVES = frozenset("YymdHMSjfz%")
"""What of strftime is the same on every host: no names of days and months, which depend on its language."""

_MOST_DIGITS = 400


def check_format(how: str) -> None:
    """Raise MappingError for what is no format."""
    name, _, rest = how.partition(":")
    if name == "date":
        unknown = [each for each in _DIRECTIVE.findall(rest) if each not in _DIRECTIVES]
        if not rest or unknown:
            what = f"%{unknown[0]} is not written" if unknown else "date needs a pattern"
            raise MappingError(what, fix="date:%d.%m.%Y; of %Y %y %m %d %H %M %S %f %j %z %%")
    elif name not in _PLAIN and name != "join":
        known = ", ".join((*_PLAIN, "date:%d.%m.%Y", "join:;"))
        raise MappingError(f"“{how}” is no format", fix=f"one of {known}")
    elif rest and name != "join":
        raise MappingError(f"the format {name} takes nothing after a colon", fix=name)


def formatted(value: object, how: str, path: str) -> Any:
    """Return a value as the format `how` writes it; null stays. Raises MappingError, naming the path, never the value."""
    if value is None:
        return None
    name, _, rest = how.partition(":")
    try:
        if name == "date":
            return _moment(value).strftime(rest)
        if name == "join":
            return rest.join(text_of(each) for each in value) if isinstance(value, list) else text_of(value)
        return _PLAIN[name](value)
    except (ValueError, OverflowError, MappingError):
        raise MappingError(
            f"the value at {path} cannot be written as {name}", fix="correct the record, or the mapping"
        ) from None


def _moment(value: object) -> date:
    text = value.strip() if isinstance(value, str) else ""
    return date.fromisoformat(text) if len(text) == len("2026-07-04") else datetime.fromisoformat(text)


def _number(value: object) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text) or len(text) > _MOST_DIGITS:
        raise ValueError
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _integer(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = text_of(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


_PLAIN: dict[str, Callable[[object], Any]] = {
    "text": text_of,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "upper": lambda value: text_of(value).upper(),
    "lower": lambda value: text_of(value).lower(),
    "trim": lambda value: text_of(value).strip(),
}
