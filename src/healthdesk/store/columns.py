"""Column types: aware datetimes as microseconds, enums and JSON as text, ids in byte order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, overload

from pydantic_core import from_json, to_json
from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator
from sqlalchemy.dialects import postgresql

from healthdesk.domain.ids import id_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

E = TypeVar("E", bound=StrEnum)


@overload
def to_micros(at: datetime) -> int: ...
@overload
def to_micros(at: None) -> None: ...
@overload
def to_micros(at: datetime | None) -> int | None: ...
def to_micros(at: datetime | None) -> int | None:
    """Return microseconds since the epoch. A naive datetime is a mistake and raises TypeError."""
    return None if at is None else (at - EPOCH) // _MICROSECOND


@overload
def from_micros(value: int) -> datetime: ...
@overload
def from_micros(value: None) -> None: ...
@overload
def from_micros(value: int | None) -> datetime | None: ...
def from_micros(value: int | None) -> datetime | None:
    """Return the aware datetime of microseconds since the epoch."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def dump_json(value: Any) -> str:
    """Return JSON as it is kept: compact, keys in their order."""
    return _ENCODE(value)


def dump_texts(texts: Mapping[str, str]) -> str:
    """Return the same JSON for a mapping of texts, in a fraction of the time."""
    return to_json(texts).decode()


def load_rows(text: str) -> Any:
    """Return what SQLite's own JSON functions gave."""
    return from_json(text)


def load_json(text: str | None) -> Any:
    """Return what `dump_json` was given; None for NULL."""
    return None if text is None else json.loads(text)


class UtcMicros(TypeDecorator[datetime]):
    """An aware datetime, kept as BIGINT microseconds since the epoch: exact, and the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way in."""
        return to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way out."""
        return from_micros(value)


class JsonText(TypeDecorator[Any]):
    """JSON as text; NULL is None."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way in."""
        return None if value is None else dump_json(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way out."""
        return load_json(value)


class EnumText(TypeDecorator[StrEnum]):
    """A word of `domain.states` and its neighbours, kept as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way in."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way out."""
        return None if value is None else self.words(value)


class IdTime(TypeDecorator[datetime]):
    """When an id was made, read from the id."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Convert on the way out."""
        return None if value is None else id_time(value)


IdText = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Ids compare byte by byte on both databases: their order is that of time."""
