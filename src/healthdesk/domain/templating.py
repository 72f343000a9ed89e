"""The templates of delivery: `{id}`, `{level}`, `{data.path}` in a path, a header or a value of a mapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from healthdesk.errors import MappingError

NAMES: Final = ("id", "webhook_id", "source", "level", "completed_at", "sample")
"""What of a record itself a template may name; beside it stands `data.` and a path."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIX = "correct the record, or take the value out by a fix or the mapping"
_SEGMENT = re.compile(r"(?:[^.\\]|\\.)+")


class Missing:
    """Stands for what is not there; None is JSON's null."""


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a record templates name beside its data. `completed_at` is aware."""

    id: str = ""
    webhook_id: str = ""
    source: str = ""
    level: str | None = None
    completed_at: datetime | None = None
    sample: bool = False

    def value(self, name: str) -> str | bool:
        """Return one of `NAMES` as text, and whether it is a sample; what there is none of is empty."""
        if name == "sample":
            return self.sample
        if name == "completed_at":
            return "" if self.completed_at is None else utc_text(self.completed_at)
        return str(getattr(self, name) or "")


def utc_text(at: datetime) -> str:
    """Return a time as `2026-07-04T14:02:11Z`, with its fraction where it has one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, ...]:
    r"""Return the names of a dotted path, `\.` being a dot in a name. Raises MappingError for an empty one."""
    names = _SEGMENT.findall(path)
    if not names or ".".join(names) != path:
        raise MappingError(
            f"“{path}” is no path",
            fix=r"names with dots between them, as answers.0.score; a dot in a name is \.",
        )
    return tuple(re.sub(r"\\(.)", r"\1", name) for name in names)


def join_path(names: tuple[str, ...]) -> str:
    """Return names as the dotted path that `split_path` reads."""
    return ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in names)


def look(data: object, names: tuple[str, ...]) -> Any:
    """Return what is at a path, MISSING where nothing is; a number counts the elements of a list from 0."""
    for name in names:
        if isinstance(data, dict):
            if name not in data:
                return MISSING
            data = data[name]
        elif isinstance(data, list) and name.isascii() and name.isdecimal() and int(name) < len(data):
            data = data[int(name)]
        else:
            return MISSING
    return data


def text_of(value: object) -> str:
    """Return a value of JSON as text: texts as they are, null empty, objects and lists as compact JSON.

    Raises MappingError for what has no text: a number beyond a double, as `1e400` is read, or data nested too deeply.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise MappingError("a number in the record's data is too large to be written", fix=_FIX) from None
    except RecursionError:
        raise MappingError("the record's data is nested too deeply to be written", fix=_FIX) from None


def sendable(text: str, what: str) -> str:
    """Return a text that UTF-8 has bytes for. Raises MappingError, naming `what`, for half of a surrogate pair."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MappingError(f"{what} holds half of a character, which cannot be sent", fix=_FIX) from None
    return text


@dataclass(frozen=True, slots=True)
class Template:
    """A template as its parts: literals, and what is named, in tuples: `("id",)` or `("data", "answers", "0")`."""

    parts: tuple[str | tuple[str, ...], ...]

    @property
    def plain(self) -> bool:
        """Whether it names nothing."""
        return all(isinstance(part, str) for part in self.parts)

    @property
    def named(self) -> Iterator[tuple[str, ...]]:
        """Yield what it names."""
        return (part for part in self.parts if not isinstance(part, str))

    def values(self, facts: Facts, data: object) -> Iterator[tuple[str | tuple[str, ...], Any]]:
        """Yield each part with its value: of literals the text itself, MISSING where data has nothing."""
        for part in self.parts:
            if isinstance(part, str):
                yield part, part
            elif part[0] == "data":
                yield part, look(data, part[1:])
            else:
                yield part, facts.value(part[0])

    def render(self, facts: Facts, data: object) -> Any:
        """Return the text, MISSING where data lacks what it names; named alone, a value keeps its type."""
        values = list(self.values(facts, data))
        if any(value is MISSING for _, value in values):
            return MISSING
        if len(values) == 1 and not isinstance(values[0][0], str):
            return values[0][1]
        return "".join(text_of(value) for _, value in values)


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """Read a template. Raises MappingError for a name that there is not, or a brace without its other."""
    parts: list[str | tuple[str, ...]] = []
    literal, position = "", 0
    for match in _PART.finditer(text):
        literal += text[position : match.start()]
        position = match.end()
        if match[0] in ("{{", "}}"):
            literal += match[0][0]
        elif match[1] is None:
            raise MappingError(f"a {match[0]} stands alone in “{text}”", fix=f"write {match[0] * 2} for one")
        else:
            if literal:
                parts.append(literal)
            parts.append(_named(match[1]))
            literal = ""
    literal += text[position:]
    return Template((*parts, literal) if literal else tuple(parts))


def _named(name: str) -> tuple[str, ...]:
    if name in NAMES:
        return (name,)
    if name.startswith("data.") and len(name) > len("data."):
        return ("data", *split_path(name.removeprefix("data.")))
    known = ", ".join(f"{{{each}}}" for each in NAMES)
    raise MappingError(
        f"{{{name}}} names nothing of a record",
        fix=f"one of {known}, or {{data.…}} and a path in its data; "
        f"braces that stand for themselves are doubled: {{{{{name}}}}}",
    )


def data_names(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Return by key of `texts` which members of data their templates name: the first name of each path."""
    return {
        key: {part[1] for part in template(text).named if part[0] == "data"} for key, text in texts.items()
    }
