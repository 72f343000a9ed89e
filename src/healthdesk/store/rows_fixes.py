"""Typed rows of fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class FixRow:
    """What is sent instead of what was posted: a `body`, or a `mapping` that many records may share; and `headers`.

    `record_id` is set where it was made for one record, `problem_id` where for a problem's.
    """

    id: str
    at: datetime
    made_by: str
    record_id: str | None = None
    problem_id: str | None = None
    body: bytes | None = None
    content_type: str = ""
    mapping: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
