"""Text templates of a manifest: `{name}` stands for a value, doubled braces for themselves.

Every template is read once and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from healthdesk.connectors.paths import as_text
from healthdesk.errors import ConnectorError

Values = Mapping[str, object]


class _Missing:
    """Stands for what has no value; no text of an app can be it."""


class _Null:
    """Stands for JSON's null, which empties a field; as text it is empty."""


MISSING: Final = _Missing()
NULL: Final = _Null()
_PART = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")
_MOST_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """A template as its parts: literals, and names in tuples of one."""

    parts: tuple[str | tuple[str], ...]

    def render(self, values: Values, encode: Callable[[str], str] | None = None) -> str | _Missing:
        """Return the text, each value encoded; MISSING where one of them is."""
        made: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                made.append(part)
                continue
            value = values.get(part[0])
            if value is None:
                return MISSING
            text = as_value(value)
            made.append(encode(text) if encode else text)
        return "".join(made)

    def filled(self, values: Values) -> str:
        """Return the text with what has no value left empty."""
        return "".join(
            part if isinstance(part, str) else as_value(values.get(part[0])) for part in self.parts
        )

    @property
    def names(self) -> list[str]:
        """Return the names it asks for."""
        return [part[0] for part in self.parts if not isinstance(part, str)]

    def missing(self, values: Values, *, empty: bool = False) -> list[str]:
        """Return the names without a value; with `empty` also those whose value is an empty text."""
        gone = (None, "") if empty else (None,)
        return [name for name in self.names if values.get(name) in gone]


@lru_cache(maxsize=4096)
def text(template: str) -> Text:
    """Read a template."""
    parts: list[str | tuple[str]] = []
    literal, position = "", 0
    for match in _PART.finditer(template):
        literal += template[position : match.start()]
        position = match.end()
        if match[1] is None:
            literal += match[0][0]
            continue
        if literal:
            parts.append(literal)
        parts.append((match[1],))
        literal = ""
    literal += template[position:]
    return Text((*parts, literal) if literal else tuple(parts))


def rendered(template: str, values: Values, what: str) -> str:
    """Return a template's text; a ConnectorError names the field that has no value. `what` is what it is for."""
    made = text(template).render(values)
    if isinstance(made, _Missing):
        raise missing_value(text(template).missing(values), what)
    return made


def filled(template: str, values: Values) -> str:
    """Return a sentence with what has no value left empty."""
    return text(template).filled(values)


def as_value(value: object) -> str:
    """Return a value as it stands in a URL, a header or a form. None and NULL are nothing."""
    if value is NULL:
        return ""
    return value if isinstance(value, str) else as_text(value, _MOST_TEXT)


def missing_value(names: list[str], what: str) -> ConnectorError:
    """Return the error that names what has no value. `what` needs it."""
    name = names[0] if names else "a value"
    return ConnectorError(f"{name} is missing, and {what} needs it", fix=f"give {name}", field=name)
