"""Finds the exact bytes of a posted record's `data`, which the endpoint receives as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A posted record. `body[data_start:data_end]` are the bytes of `data`."""

    source: str
    level: str | None
    completed_at: datetime
    data: object
    data_start: int
    data_end: int


def split_record(body: bytes) -> ParsedRecord:
    """Parse `{source, level, completed_at, data}`. Raises Malformed with the field at fault."""
    raise NotImplementedError
