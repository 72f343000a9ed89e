"""Calls about filters of the log: saved ones, and the file of what one matches."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from healthdesk.api.common import Count, Page
from healthdesk.api.filters import TOTAL_HEADER, ExportChoice, SavedFilter, SavedFilterCreate
from healthdesk.api.records import Direction, RecordFilter
from healthdesk.client.params import paging, record_filter, seg
from healthdesk.client.transport import Transport

_PAGE = TypeAdapter(Page[SavedFilter])
_ONE = TypeAdapter(SavedFilter)


EVERYTHING = RecordFilter()
AS_CSV = ExportChoice()


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of the log while it comes: how many records it will have, and its pieces."""

    total: Count
    parts: AsyncIterator[bytes]


class FilterCalls:
    """The log as a file. Saved filters: one's own, and those that are shared."""

    _http: Transport

    @contextlib.asynccontextmanager
    async def records_export(
        self,
        chosen: RecordFilter = EVERYTHING,
        how: ExportChoice = AS_CSV,
        *,
        direction: Direction = "newest",
    ) -> AsyncIterator[LogFile]:
        """What a filter matches as a file, in pieces as they come. A lost daemon raises out of the block."""
        query = [
            *record_filter(chosen),
            ("format", how.format),
            ("bodies", str(how.bodies).lower()),
            ("reveal", str(how.reveal).lower()),
            ("direction", direction),
        ]
        async with self._http.download("/v1/records/export", query=query) as response:
            number, more, _ = response.headers.get(TOTAL_HEADER, "").partition("+")
            total = Count(total=int(number or 0), exact=not more)
            yield LogFile(total, response.content.iter_any())

    async def filters_list(self, *, after: str | None = None, limit: int = 50) -> Page[SavedFilter]:
        """Your own filters and the shared ones."""
        return await self._http.call(_PAGE, "GET", "/v1/filters", query=paging(after, limit))

    async def filter_save(self, new: SavedFilterCreate) -> SavedFilter:
        """Save a filter; your own of that name is replaced."""
        return await self._http.call(_ONE, "POST", "/v1/filters", body=new)

    async def filter_remove(self, filter_id: str) -> None:
        """Remove a saved filter."""
        await self._http.raw("DELETE", f"/v1/filters/{seg(filter_id)}")
