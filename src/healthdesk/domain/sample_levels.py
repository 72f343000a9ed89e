"""Samples of one source whose fields are the same at each level are told apart by one of them, or by yes and no of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from healthdesk.domain.sample_words import NO, TEXTS, YES, words_of

_CODED = frozenset().union(*(words for words, _ in TEXTS)) - {"name", "fullname"}
_NOT_WORDS = frozenset("@/:")


def told_apart(
    data: Mapping[str, Any], types: Mapping[str, str], levels: Sequence[str], rank: int
) -> dict[str, Any]:
    """Return the data of the sample of a level with one field of its own: a text that names the level, else a number.

    `types` are the declared types by field, `rank` is the place of the level in `levels`. The first field that may be changed
    is; where there are only yes and no, they are combined: two levels are alike only where there are more than combinations.
    """
    ways = (_text, _number, _day, _object, _array)
    for way in ways:
        for name, value in data.items():
            made = way(name, value, types.get(name, "any"), levels[rank], rank)
            if made is not None:
                return {**data, name: made}
    return {**data, **_combined(data, len(levels), rank)}


def _text(name: str, value: Any, kind: str, level: str, _rank: int) -> str | None:
    if not isinstance(value, str) or kind not in {"string", "any"} or words_of(name) & _CODED:
        return None
    plain = any(each.isalpha() for each in value) and not _NOT_WORDS & set(value)
    return f"{value} ({level})" if plain else None


def _number(_name: str, value: Any, _kind: str, _level: str, rank: int) -> float | None:
    return value + rank if isinstance(value, int | float) and not isinstance(value, bool) else None


def _day(_name: str, value: Any, kind: str, _level: str, rank: int) -> str | None:
    if kind not in {"date", "datetime"} or not isinstance(value, str):
        return None
    return f"{date.fromisoformat(value[:10]) - timedelta(days=rank)}{value[10:]}"


def _object(_name: str, value: Any, _kind: str, level: str, _rank: int) -> dict[str, Any] | None:
    return {**value, "sample_level": level} if isinstance(value, dict) else None


def _array(_name: str, value: Any, _kind: str, level: str, _rank: int) -> list[Any] | None:
    texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return [*value, f"sample {level}"] if texts else None


def _combined(data: Mapping[str, Any], levels: int, rank: int) -> dict[str, bool]:
    """Return yes and no of as few fields as do, last those that everybody answers alike: one more yes with each level, or
    where the fields are too few for that the digits of its place.
    """
    names = [name for name, value in data.items() if isinstance(value, bool)]
    names.sort(key=lambda name: bool(words_of(name) & (YES | NO)))
    if levels <= len(names) + 1:
        return {name: place < rank for place, name in enumerate(names[: levels - 1])}
    digits = (levels - 1).bit_length()
    return {name: bool(rank >> place & 1) for place, name in enumerate(names[:digits])}
