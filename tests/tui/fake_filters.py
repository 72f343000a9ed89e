"""Saved filters and the export of FakeDesk."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from healthdesk.api.common import Count, Page
from healthdesk.api.filters import ExportChoice, SavedFilter, SavedFilterCreate
from healthdesk.api.records import RecordFilter
from healthdesk.client.filters import LogFile
from tests.tui.fake_health import NOW


class FakeFilters:
    """Filters under names, and a file in pieces."""

    saved: list[SavedFilter]
    pieces: list[bytes]

    def note(self, name: str, what: Any = None) -> None:
        raise NotImplementedError

    async def filters_list(self, *, after: str | None = None, limit: int = 50) -> Page[SavedFilter]:
        self.note("filters_list")
        return Page[SavedFilter](items=list(self.saved))

    async def filter_save(self, new: SavedFilterCreate) -> SavedFilter:
        self.note("filter_save", new)
        made = SavedFilter(id=f"flt_{new.name}", owner="alice", created_at=NOW, **dict(new))
        self.saved = [*(row for row in self.saved if row.id != made.id), made]
        return made

    async def filter_remove(self, filter_id: str) -> None:
        self.note("filter_remove", filter_id)
        self.saved = [row for row in self.saved if row.id != filter_id]

    @contextlib.asynccontextmanager
    async def records_export(self, chosen: RecordFilter, how: ExportChoice) -> AsyncIterator[LogFile]:
        self.note("records_export", (chosen, how))
        yield LogFile(Count(total=4), self.parts())

    async def parts(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
