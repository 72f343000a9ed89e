"""JSON templates of a manifest: a text that is one placeholder becomes the value itself, what has none is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from healthdesk.connectors.texts import MISSING, NULL, Values, text

_ONE = re.compile(r"\{([a-z][a-z0-9_]*)\}")

Maker = Callable[[Values], object]


def json_maker(value: Any, *, whole: bool = False) -> Maker:
    """Read a JSON template: what it returns makes the value, or MISSING where nothing in it has one.

    With `whole` it is part of an element of an array, which is left out as soon as anything within has no value.
    """
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, dict):
        return _json_object(
            {name: json_maker(each, whole=whole) for name, each in value.items()}, whole=whole
        )
    if isinstance(value, list | tuple):
        return _json_array([json_maker(each, whole=True) for each in value])
    return lambda _: value


def document(template: Any, values: Values) -> Any:
    """Return a JSON template with its values filled in; {} where nothing in it has one."""
    made = json_maker(template)(values)
    return {} if made is MISSING else made


def _json_text(template: str) -> Maker:
    if one := _ONE.fullmatch(template):
        name = one[1]

        def typed(values: Values) -> object:
            value = values.get(name)
            return MISSING if value is None else value

        return typed
    return text(template).render


def _json_object(members: dict[str, Maker], *, whole: bool = False) -> Maker:
    """Members without a value are left out; with `whole` the object is, as soon as one is."""

    def make(values: Values) -> object:
        made = {
            name: None if value is NULL else value
            for name, each in members.items()
            if (value := each(values)) is not MISSING
        }
        return MISSING if members and (not made or (whole and len(made) < len(members))) else made

    return make


def _json_array(elements: list[Maker]) -> Maker:
    def make(values: Values) -> object:
        given = [value for each in elements if (value := each(values)) is not MISSING]
        # what empties a list is an empty one, not one of nulls
        return MISSING if elements and not given else [value for value in given if value is not NULL]

    return make
