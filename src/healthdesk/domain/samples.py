"""Sample submissions: plausible for the types of a source's fields, different by level, the same at each call.

They are made of the declared examples and of names only. Answers and outputs of real submissions may look different.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MARK = "healthdesk_sample"
"""The key that marks a sample in its data where no field is declared; the header `healthdesk-sample` marks every one."""

_PEOPLE = ("Sample Participant", "Alex Sample", "Sam Example", "Robin Test")
_WORDS = re.compile(r"[a-z0-9]+")


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
        said = f"{self.source}\0{self.level or ''}\0{name}".encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8]) % below


def sample_data(
    source: str,
    level: str | None,
    levels: Sequence[str],
    fields: Sequence[SampleField],
    now: datetime,
) -> dict[str, Any]:
    """Return the data of one sample; every declared field is in it. Without fields, a few that explain themselves.

    Scores and other numbers rise with the level, in the order in which the source lists its levels.
    """
    rank = levels.index(level) if level is not None and level in levels else 0
    place = _Place(source, level, rank, max(1, len(levels)), now)
    if not fields:
        return {
            MARK: True,
            "participant": {"id": f"sample-{place.number('id', 10_000):04}", "name": _PEOPLE[0]},
            "score": round(100 * place.share),
            **({"level": level} if level is not None else {}),
        }
    return {field.name: _value(field, place) for field in fields}


def _value(field: SampleField, place: _Place) -> Any:
    words = frozenset(_WORDS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", field.name).lower()))
    if (
        place.level is not None
        and words & {"level", "tier", "category", "risk"}
        and field.type in {"string", "any"}
    ):
        return place.level
    return _BY_TYPE[field.type](field, words, place)


def _text(field: SampleField, words: frozenset[str], place: _Place) -> str:
    for known, make in _TEXTS:
        if words & known and (not field.example or "{n}" in make):
            return make.format(n=place.number(field.name, 9000) + 1000, level=place.level or "sample")
    if field.example:
        return field.example
    return f"Sample {field.name.replace('_', ' ')}" + (f" ({place.level})" if place.level is not None else "")


_TEXTS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"email", "mail"}), "sample.{n}@example.com"),
    (frozenset({"id", "identifier", "uuid", "participant", "member", "patient", "mrn"}), "sample-{n}"),
    (frozenset({"phone", "mobile", "tel"}), "+1 555 0100"),
    (frozenset({"url", "link", "website"}), "https://example.com/sample"),
    (frozenset({"first", "given"}), "Sample"),
    (frozenset({"last", "family", "surname"}), "Participant"),
    (frozenset({"name"}), _PEOPLE[0]),
    (frozenset({"city", "town"}), "Sampleton"),
    (frozenset({"zip", "postcode", "postal"}), "00000"),
    (frozenset({"country"}), "US"),
    (frozenset({"gender", "sex"}), "unknown"),
)
"""What a text says by the words in its field's name; those with a number are never the example's own."""


def _number(field: SampleField, words: frozenset[str], place: _Place) -> float:
    example: float | None = _parsed(field.example, float)
    if example is not None and math.isfinite(example):
        return round(example * (0.5 + place.share), 2)
    low, high = next((bounds for known, bounds in _BOUNDS if words & known), (0.0, 100.0))
    return round(low + (high - low) * place.share + place.number(field.name, 100) / 100, 2)


_BOUNDS: tuple[tuple[frozenset[str], tuple[float, float]], ...] = (
    (frozenset({"age"}), (25, 75)),
    (frozenset({"bmi"}), (19, 38)),
    (frozenset({"systolic"}), (105, 170)),
    (frozenset({"diastolic"}), (65, 105)),
    (frozenset({"weight"}), (55, 120)),
    (frozenset({"height"}), (155, 190)),
    (frozenset({"cholesterol", "glucose"}), (120, 260)),
    (frozenset({"probability", "ratio", "fraction"}), (0, 1)),
)


def _integer(field: SampleField, words: frozenset[str], place: _Place) -> int:
    return round(_number(field, words, place))


def _boolean(field: SampleField, _words: frozenset[str], place: _Place) -> bool:
    return place.number(field.name, 100) < 100 * place.share


def _day(_field: SampleField, words: frozenset[str], place: _Place) -> str:
    years = 25 + round(50 * place.share) if words & {"birth", "dob", "birthday", "born"} else 0
    at = place.now - timedelta(days=365 * years + place.number("day", 28))
    return at.date().isoformat()


def _moment(_field: SampleField, _words: frozenset[str], place: _Place) -> str:
    return place.now.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _object(field: SampleField, _words: frozenset[str], place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    return given if isinstance(given, dict) else {"sample": True, "value": place.number(field.name, 100)}


def _array(field: SampleField, _words: frozenset[str], place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    return given if isinstance(given, list) else [f"sample {n + 1}" for n in range(1 + place.rank % 3)]


def _anything(field: SampleField, words: frozenset[str], place: _Place) -> Any:
    given = _parsed(field.example, json.loads)
    if isinstance(given, bool | dict | list):
        return given
    if given is not None and not isinstance(given, str):
        return _number(field, words, place)
    numeric = {"score", "age", "bmi", "count", "points", "total"}
    return _integer(field, words, place) if words & numeric else _text(field, words, place)


def _parsed(example: str, read: Callable[[str], Any]) -> Any:
    """Return what an example says, or None where it says nothing of the kind."""
    try:
        return read(example) if example else None
    except (ValueError, RecursionError):
        return None


_BY_TYPE: Mapping[str, Callable[[SampleField, frozenset[str], _Place], Any]] = {
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
