"""Sample submissions: plausible for the types of a source's fields, different by level, the same at each call.

They are made of the declared examples and of names only. Answers and outputs of real submissions may look different.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from healthdesk.domain.sample_levels import told_apart
from healthdesk.domain.sample_words import (
    BIRTH,
    BOUNDS,
    DAYS,
    LATER,
    MOMENTS,
    NO,
    NOW,
    POSTAL,
    TEXTS,
    YES,
    Words,
    names_id,
    names_level,
    words_of,
)

MARK = "healthdesk_sample"
"""The key that marks a sample in its data where no field is declared; the header `healthdesk-sample` marks every one."""
_MOST = 1e15
"""Numbers of samples are no larger, unless their example is: then no larger than that."""


@dataclass(frozen=True, slots=True)
class SampleField:
    """A declared field: `type` is one of a source's field types; `example` may be empty."""

    name: str
    type: str = "any"
    example: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the levels a sample stands: `rank` of `of`, and a number of its own for what differs."""

    source: str
    level: str | None
    rank: int
    of: int
    now: datetime

    @property
    def share(self) -> float:
        """How far up the levels, from 0 to 1; in the middle without levels."""
        return 0.5 if self.level is None else (self.rank + 1) / (self.of + 1)

    def number(self, name: str, below: int) -> int:
        """Return a number that is always the same for this sample and field."""
        return int.from_bytes(self._digest(name, self.level or "")[:8]) % below

    def alike(self, name: str, below: int) -> int:
        """Return a number that is the same for this field in samples of every level."""
        return int.from_bytes(self._digest(name, "")[:8]) % below

    def uuid(self, name: str) -> UUID:
        """Return a UUID that is always the same for this sample and field."""
        return UUID(bytes=self._digest(name, self.level or "")[:16], version=4)

    def _digest(self, name: str, level: str) -> bytes:
        return hashlib.sha256(f"{self.source}\0{level}\0{name}".encode()).digest()


def sample_data(
    source: str,
    level: str | None,
    levels: Sequence[str],
    fields: Sequence[SampleField],
    now: datetime,
) -> dict[str, Any]:
    """Return the data of one sample; every declared field is in it. Without fields, a few that explain themselves.

    Scores and other numbers rise with the level, in the order in which the source lists its levels. Where no field differs
    by level, one is made to.
    """
    place = _place(source, level, levels, now)
    if not fields:
        return {
            MARK: True,
            "participant": {"id": f"sample-{place.number('id', 10_000):04}", "name": "Sample Participant"},
            "score": round(100 * place.share),
            **({"level": level} if level is not None else {}),
        }
    data = {field.name: _value(field, place) for field in fields}
    if level is not None and level in levels and _some_alike(source, levels, fields, now):
        return told_apart(data, {field.name: field.type for field in fields}, levels, place.rank)
    return data


def _place(source: str, level: str | None, levels: Sequence[str], now: datetime) -> _Place:
    rank = levels.index(level) if level is not None and level in levels else 0
    return _Place(source, level, rank, max(1, len(levels)), now)


def _some_alike(source: str, levels: Sequence[str], fields: Sequence[SampleField], now: datetime) -> bool:
    made = [[_value(field, _place(source, each, levels, now)) for field in fields] for each in levels]
    return any(one == other for one, other in combinations(made, 2))


def _value(field: SampleField, place: _Place) -> Any:
    words = words_of(field.name)
    if place.level is not None and names_level(words) and field.type in {"string", "any"}:
        return place.level
    return _BY_TYPE[field.type](field, words, place)


def _text(field: SampleField, words: Words, place: _Place) -> str:
    number = place.number(field.name, 9000) + 1000
    for known, make in TEXTS:
        if words & known and (not field.example or "{n}" in make):
            return make.format(n=number)
    if names_id(words):
        as_uuid = words & {"uuid", "guid"} or _parsed(field.example, UUID) is not None
        return str(place.uuid(field.name)) if as_uuid else f"sample-{number}"
    if field.example:
        return field.example
    if words & DAYS and not words & MOMENTS:
        return _day(field, words, place)
    if words & (MOMENTS | NOW):
        return _moment(field, words, place)
    if {"blood", "pressure"} <= words:
        return f"{round(105 + 65 * place.share)}/{round(65 + 40 * place.share)}"
    return f"Sample {field.name.replace('_', ' ')}" + (f" ({place.level})" if place.level is not None else "")


def _number(field: SampleField, words: Words, place: _Place) -> float:
    bounds = next((bounds for known, bounds in BOUNDS if words & known), None)
    example: float | None = _parsed(field.example, float)
    if example is not None and math.isfinite(example):
        most = max(abs(example), _MOST)
        value = max(-most, min(example * (0.5 + place.share), most))
        if bounds is not None and min(bounds) <= example <= max(bounds):
            value = max(min(bounds), min(value, max(bounds)))
        return round(value, 2)
    first, last = bounds or (0.0, 100.0)
    noise = (place.number(field.name, 100) - 50) / 5000
    share = max(0.0, min(place.share + noise, 1.0))
    return round(first + (last - first) * share, 2)


def _integer(field: SampleField, words: Words, place: _Place) -> int:
    if words & BIRTH or "yearofbirth" in words:
        return place.now.year - _age(place)
    if (names_id(words) or words & POSTAL) and not field.example:
        return place.number(field.name, 90_000) + 10_000
    if words & {"age"} and not field.example:
        return _age(place)
    return round(_number(field, words, place))


def _age(place: _Place) -> int:
    return round(25 + 50 * place.share)


def _boolean(field: SampleField, words: Words, place: _Place) -> bool:
    """Return what is usual of some; of others it is yes from some level on."""
    if words & YES or words & NO:
        return not words & NO
    return 35 + place.alike(field.name, 30) < 100 * place.share


def _day(_field: SampleField, words: Words, place: _Place) -> str:
    if words & BIRTH:
        days = -round(365.25 * _age(place)) - 1 - place.number("day", 300)
    elif words & LATER:
        days = 14 + place.number("day", 14)
    else:
        days = 0 if words & NOW else -place.number("day", 28)
    return (place.now + timedelta(days=days)).date().isoformat()


def _moment(_field: SampleField, words: Words, place: _Place) -> str:
    at = place.now + timedelta(days=14 if words & LATER else 0)
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _object(field: SampleField, _words: Words, place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    return given if isinstance(given, dict) else {"sample": True, "value": place.number(field.name, 100)}


def _array(field: SampleField, _words: Words, place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    return given if isinstance(given, list) else [f"sample {n + 1}" for n in range(1 + place.rank % 3)]


def _anything(field: SampleField, words: Words, place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    if isinstance(given, bool | dict | list):
        return given
    if given is not None and not isinstance(given, str):
        return _number(field, words, place)
    numeric = {"score", "count", "points", "total"}
    if words & numeric or any(words & known for known, _ in BOUNDS):
        return _integer(field, words, place)
    return _text(field, words, place)


def _parsed(example: str, read: Callable[[str], Any]) -> Any:
    """Return what an example says, or None where it says nothing of the kind."""
    try:
        return read(example) if example else None
    except (ValueError, RecursionError):
        return None


_BY_TYPE: Mapping[str, Callable[[SampleField, Words, _Place], Any]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _day,
    "datetime": _moment,
    "object": _object,
    "array": _array,
    "any": _anything,
}
