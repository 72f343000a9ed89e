"""Samples of one source whose fields are the same at each level are told apart by one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from healthdesk.domain.sample_words import TEXTS, words_of

_CODED = frozenset().union(*(words for words, _ in TEXTS)) - {"name", "fullname"}
_NOT_WORDS = frozenset("@/:")


def told_apart(data: Mapping[str, Any], types: Mapping[str, str], level: str, rank: int) -> dict[str, Any]:
    """Return the data of the sample of a level with one field of its own: a text that names the level, else a number.

    `types` are the declared types by field, `rank` counts levels from 0. The first field that may be changed is; where
    there are only yes and no, they take turns.
    """
    ways = (_text, _number, _day, _object, _array, _boolean)
    for way in ways:
        for name, value in data.items():
            made = way(name, value, types.get(name, "any"), level, rank)
            if made is not None:
                return {**data, name: made}
    return dict(data)


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


def _boolean(_name: str, value: Any, _kind: str, _level: str, rank: int) -> bool | None:
    return value is (rank % 2 == 0) if isinstance(value, bool) else None
