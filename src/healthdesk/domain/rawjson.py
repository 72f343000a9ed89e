"""Finds the exact bytes of a posted record's `data`, which the endpoint receives as they are.

The scanner of the standard library (written in C) parses one member after the other, so the span is known
without a second pass and without a loop over characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn, cast

from healthdesk.errors import Malformed

MAX_DEPTH = 100
"""How deep the posted object may be nested: deeper than any form, and far from the limits of a parser."""

MAX_NAME_CHARS = 64
_MEMBERS = frozenset({"source", "level", "completed_at", "data"})
_SHAPE_FIX = "Post an object with source, level, completed_at and data."
_OPENING = re.compile(r"[ \t\n\r]*\{[ \t\n\r]*(\}[ \t\n\r]*)?")
_MEMBER = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t\n\r]*:[ \t\n\r]*')
_USUAL = re.compile(
    r'[ \t\n\r]*\{[ \t\n\r]*"source"[ \t\n\r]*:[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*,[ \t\n\r]*'
    r'(?:"level"[ \t\n\r]*:[ \t\n\r]*(?:"([^"\\\x00-\x1f]*)"|null)[ \t\n\r]*,[ \t\n\r]*)?'
    r'"completed_at"[ \t\n\r]*:[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*,[ \t\n\r]*"data"[ \t\n\r]*:[ \t\n\r]*'
)
"""The members in the order the documentation shows them, without escapes: one match instead of ten."""

_END = re.compile(r"[ \t\n\r]*\}[ \t\n\r]*")
_AFTER = re.compile(r"[ \t\n\r]*(?:(,)[ \t\n\r]*|\}[ \t\n\r]*)")


class ParsedRecord(NamedTuple):
    """A posted record. `body[data_start:data_end]` are the bytes of `data`."""

    source: str
    level: str | None
    completed_at: datetime
    data: object
    data_start: int
    data_end: int


class _Unacceptable(ValueError):
    """Valid for the standard library's parser, refused here; the message says what."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Unacceptable("an object names the same key twice")
    return members


def _constant(_text: str) -> NoReturn:
    raise _Unacceptable("NaN and Infinity are not JSON")


# the C scanner behind `raw_decode`, without its wrapper: (text, start) → (value, end)
_scan: Callable[[str, int], tuple[object, int]] = cast(
    "Any", json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
).scan_once


def split_record(body: bytes) -> ParsedRecord:
    """Parse `{source, level, completed_at, data}`. Raises Malformed with the field at fault.

    `level` may be missing or null. Refused are keys that occur twice (also inside `data`: what is masked and
    checked must be what is sent), NaN and Infinity, unknown members, and nesting deeper than MAX_DEPTH.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).", fix="Send JSON in UTF-8.") from None
    source: object
    level: object
    completed_at: object
    usual = _usual(text)
    if usual is not None:
        source, level, completed_at, data, start, end = usual
    else:
        members, start, end = _members(text)
        missing = _MEMBERS - members.keys() - {"level"}
        if missing:
            name = min(missing)
            raise Malformed(f"{name} is missing.", fix=_SHAPE_FIX, field=name)
        source, level = members["source"], members.get("level")
        completed_at, data = members["completed_at"], members["data"]
    if len(body) != len(text):
        start, end = len(text[:start].encode()), len(text[:end].encode())
    if not isinstance(source, str) or not _is_name(source):
        raise Malformed("source is not the key of a source.", field="source")
    if level is not None and not (isinstance(level, str) and _is_name(level)):
        raise Malformed(f"level is not a text of 1 to {MAX_NAME_CHARS} characters, or null.", field="level")
    return ParsedRecord(source, level, _time(completed_at), data, start, end)


def _usual(text: str) -> tuple[str, str | None, str, object, int, int] | None:
    """Return the members and the span of `data` where they come as documented, else None: `_members` says why."""
    found = _USUAL.match(text)
    if found is None:
        return None
    start = found.end()
    try:
        data, end = _scan(text, start)
    except (ValueError, StopIteration, RecursionError):
        return None
    if _END.fullmatch(text, end) is None or text.count("[") + text.count("{") > MAX_DEPTH:
        return None
    source, level, completed_at = found.groups()
    return source, level, completed_at, data, start, end


def _members(text: str) -> tuple[dict[str, object], int, int]:
    """Return the members of the outer object, and where in the text `data` starts and ends."""
    opening = _OPENING.match(text)
    if opening is None:
        raise Malformed("The body is not a JSON object.", fix=_SHAPE_FIX)
    members: dict[str, object] = {}
    start = end = 0
    position, more = opening.end(), opening[1] is None
    while more:
        name, begin = _key(text, position, members)
        members[name], position = _value(text, begin, name)
        if name == "data":
            start, end = begin, position
        found = _AFTER.match(text, position)
        if found is None:
            raise Malformed(f"The body is not JSON at character {position}.", field=name)
        position, more = found.end(), found[1] == ","
    if position != len(text):
        raise Malformed("Something follows the JSON object.")
    # few brackets cannot be deep, and counting them is cheaper than walking what was parsed
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(members):
        raise _too_deep()
    return members, start, end


def _key(text: str, position: int, members: Mapping[str, object]) -> tuple[str, int]:
    """Return the name of the member at this position, and where its value begins."""
    found = _MEMBER.match(text, position)
    if found is None:
        raise Malformed(f"The body is not JSON at character {position}: a key is expected.")
    name = found[1]
    if "\\" in name:
        name = str(_value(f'"{name}"', 0, "")[0])
    if name not in _MEMBERS:
        raise Malformed("The body has a member that is not known.", fix=_SHAPE_FIX)
    if name in members:
        raise Malformed(f"{name} occurs twice.", field=name)
    return name, found.end()


def _value(text: str, position: int, name: str) -> tuple[object, int]:
    """Parse the value at this position; return it and where it ends."""
    try:
        return _scan(text, position)
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON at character {error.pos}.", field=name) from None
    except StopIteration as error:
        raise Malformed(f"The body is not JSON at character {error.value}.", field=name) from None
    except _Unacceptable as error:
        raise Malformed(f"The body is not acceptable: {error}.", field=name) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Malformed("A number has too many digits.", field=name) from None


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.", field="data")


def _is_deep(members: dict[str, object]) -> bool:
    level: list[dict[str, object] | list[object]] = [members]
    for _ in range(MAX_DEPTH):
        inner: list[dict[str, object] | list[object]] = []
        for node in level:
            children = node.values() if isinstance(node, dict) else node
            inner += [child for child in children if isinstance(child, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def _is_name(text: str) -> bool:
    """Tell whether the database can hold and look up the text: printable excludes lone surrogates."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable()


def _time(value: object) -> datetime:
    fix = "Send RFC 3339 with a zone, such as 2025-11-22T14:02:00Z."
    if not isinstance(value, str) or len(value) > 40:
        raise Malformed("completed_at is not a date and time.", fix=fix, field="completed_at")
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise Malformed("completed_at has no zone.", fix=fix, field="completed_at")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed("completed_at is not a date and time.", fix=fix, field="completed_at") from None
