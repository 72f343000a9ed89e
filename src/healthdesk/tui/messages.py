"""What workers tell screens: past-tense messages, applied by handlers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual.message import Message

from healthdesk.api.common import Count
from healthdesk.errors import HealthdeskError
from healthdesk.tui.window import Chunk, PageRequest


@dataclass
class PageLoaded(Message):
    """A page of a region came."""

    region_id: str
    request: PageRequest
    chunk: Chunk[Any]


@dataclass
class HeadLoaded(Message):
    """The first pages of a region came again, or those after the cursor `origin`; they replace what was known."""

    region_id: str
    generation: int
    chunks: Sequence[Chunk[Any]]
    origin: str | None = None


@dataclass
class LoadFailed(Message):
    """A region's rows did not come."""

    region_id: str
    error: HealthdeskError


@dataclass
class TotalLoaded(Message):
    """How many rows the region's filter matches."""

    region_id: str
    total: Count


@dataclass
class DetailLoaded(Message):
    """What the window (or the preview) shows came. `key` is the id it was asked for."""

    key: str
    detail: Any


@dataclass
class DetailFailed(Message):
    """What the window shows did not come."""

    key: str
    error: HealthdeskError


@dataclass
class FlowEnded(Message):
    """An action was carried out: what to tell, and whether it went well."""

    sentence: str
    ok: bool = True


@dataclass
class RowAdded(Message):
    """An action added a row to a region: the cursor goes there once it is read."""

    region_id: str
    row_id: str


@dataclass
class FlowRefused(Message):
    """An action was refused or failed."""

    error: HealthdeskError


@dataclass
class RefreshEnded(Message):
    """A refresh of a region is over, well or not."""

    region_id: str


@dataclass
class FilterRecalled(Message):
    """The filter kept for this operator came."""

    values: dict[str, Any]


@dataclass
class ChoicesLoaded(Message):
    """What a chip can be came: its options."""

    name: str
    options: list[tuple[str, str]]


@dataclass
class Revealed(Message):
    """The values of a record, an attempt or a callback came."""

    detail: Any
