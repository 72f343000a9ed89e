"""Calls about saved filters of the log."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.filters import SavedFilter, SavedFilterCreate
from healthdesk.client.params import paging, seg
from healthdesk.client.transport import Transport

_PAGE = TypeAdapter(Page[SavedFilter])
_ONE = TypeAdapter(SavedFilter)


class FilterCalls:
    """Saved filters: one's own, and those that are shared."""

    _http: Transport

    async def filters_list(self, *, after: str | None = None, limit: int = 50) -> Page[SavedFilter]:
        """Your own filters and the shared ones."""
        return await self._http.call(_PAGE, "GET", "/v1/filters", query=paging(after, limit))

    async def filter_save(self, new: SavedFilterCreate) -> SavedFilter:
        """Save a filter; your own of that name is replaced."""
        return await self._http.call(_ONE, "POST", "/v1/filters", body=new)

    async def filter_remove(self, filter_id: str) -> None:
        """Remove a saved filter."""
        await self._http.raw("DELETE", f"/v1/filters/{seg(filter_id)}")
