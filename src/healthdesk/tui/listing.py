"""Listing: a region of rows, where its pages come from, and what is said when there are none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from textual.message import Message

from healthdesk.api.common import Count, Page
from healthdesk.api.desk import Status
from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.feed import Link
from healthdesk.tui.format import Line
from healthdesk.tui.messages import HeadLoaded, LoadFailed, PageLoaded, RefreshEnded, TotalLoaded
from healthdesk.tui.view.words import one_of
from healthdesk.tui.widgets.region import ListRegion, RegionState, error_lines, not_permitted_lines
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk, Direction, PageRequest, Window

MORE_PAGES = 4
"""How far a refresh looks beyond the rows in sight for a row it knows, after a burst of new ones."""

Post = Callable[[Message], object]


class Fetch(Protocol):
    """Reads one page."""

    async def __call__(self, after: str | None, limit: int, direction: Direction) -> Page[Any]:
        """Return a page after a cursor, from one end."""
        ...


class Listing:
    """Loads a ListRegion. The loading runs in workers and only posts messages."""

    def __init__(
        self,
        region: ListRegion,
        fetch: Fetch,
        *,
        empty: Sequence[Line],
        empty_filter: Callable[[], Sequence[Line]] | None = None,
        filtered: Callable[[], bool] = lambda: False,
        count: Callable[[], Awaitable[Count]] | None = None,
    ) -> None:
        self.region = region
        self.fetch = fetch
        self.empty = empty
        self.empty_filter = empty_filter
        self.filtered = filtered
        self.count = count
        self.total: Count | None = None
        self.error: HealthdeskError | None = None
        self.refreshing = False
        self.refresh_again = False

    @property
    def id(self) -> str:
        """The region's id."""
        return self.region.id or ""

    @property
    def table(self) -> WindowTable:
        """The region's table."""
        return self.region.table

    async def load(self, request: PageRequest, post: Post) -> None:
        """Read a page that came in sight."""
        try:
            page = await self.fetch(request.after, request.limit, request.direction)
            post(PageLoaded(self.id, request, Chunk(page.items, page.next)))
            if request.number == 0 and self.count is not None:
                post(TotalLoaded(self.id, await self.count()))
        except HealthdeskError as error:
            post(LoadFailed(self.id, error))

    async def refresh(self, post: Post) -> None:
        """Read the rows in sight again: from the top when it is in sight, else just their pages."""
        try:
            if self.table.on_top():
                await self._refresh_head(post)
            else:
                for request in self.table.window.again(*self.table.in_sight()):
                    page = await self.fetch(request.after, request.limit, request.direction)
                    post(PageLoaded(self.id, request, Chunk(page.items, page.next)))
            if self.count is not None:
                post(TotalLoaded(self.id, await self.count()))
        except HealthdeskError as error:
            post(LoadFailed(self.id, error))
        finally:
            post(RefreshEnded(self.id))

    async def _refresh_head(self, post: Post) -> None:
        table = self.table
        window = table.window
        generation, origin = window.generation, window.origin
        need = window.numbers(0, table.in_sight()[1]).stop or 1
        chunks = await self._pages_from(origin, need)
        if origin is None and table.both_ends and table.is_beyond(chunks):
            origin = await self._place_above(window, need)
            if origin is not None:
                chunks = await self._pages_from(origin, need)
        post(HeadLoaded(self.id, generation, chunks, origin))

    async def _pages_from(self, origin: str | None, need: int) -> list[Chunk[Any]]:
        """Read as many pages as are in sight, and some more until the row under the cursor is among them."""
        table = self.table
        known, limit = table.cursor_id, table.window.page_size
        chunks: list[Chunk[Any]] = []
        after = origin
        while len(chunks) < need + MORE_PAGES:
            page = await self.fetch(after, limit, "newest")
            chunks.append(Chunk(page.items, page.next))
            after = page.next
            if after is None:
                break
            if len(chunks) >= need and (
                known is None or any(table.identify(row) == known for row in page.items)
            ):
                break
            if len(chunks) >= need and not table.both_ends:
                break
        return chunks

    async def _place_above(self, window: Window[Any], need: int) -> str | None:
        """Return the cursor of the row just above those known, read from below them; None where it is not found.

        From the newest end nothing leads to them any longer: more came than are looked through.
        """
        after, known = window.leads_on(need - 1)
        above = known + 1 if after is None else known
        for _ in range(need + MORE_PAGES):
            page = await self.fetch(after, min(window.page_size, above), "oldest")
            after, above = page.next, above - len(page.items)
            if above <= 0 or after is None:
                return after
        return None

    def paint(self, link: Link, status: Status | None) -> None:
        """Put the region in the one state it is in."""
        window = self.table.window
        error = self.error
        if isinstance(error, ApiRefused) and error.status == 403:
            self.region.show(
                RegionState.NOT_PERMITTED,
                not_permitted_lines(error.what, status.administrators if status else (), error.fix),
            )
        elif window.loaded and window.length == 0 and window.ended:
            if self.filtered() and self.empty_filter is not None:
                self.region.show(RegionState.EMPTY_FILTER, self.empty_filter())
            else:
                self.region.show(RegionState.EMPTY, self.empty)
        elif window.loaded:
            stale = error is not None or (link.known and not link.live)
            self.region.show(RegionState.STALE if stale else RegionState.READY)
        elif error is not None:
            self.region.show(RegionState.ERROR, error_lines(error.what, error.fix))
        elif self.region.state is not RegionState.READY:
            # The skeleton is for the first time only; a jump or another filter keeps the table.
            self.region.show(RegionState.LOADING)

    def position(self, noun: str) -> str:
        """Return `1–50 of 103,412 records`: the rows in sight, and how many there are; `noun` is of many."""
        window = self.table.window
        if not window.loaded:
            return ""
        total = self.total
        if total is None:
            if window.length == 1 and window.ended:
                return f"1 {one_of(noun)}"
            many = f"{window.length:,}" + ("" if window.ended else "+")
            return f"{many} {noun}"
        if total.total == 1:
            noun = one_of(noun)
        many = f"{total.total:,}" if total.exact else f"{max(total.total, window.length):,}+"
        if window.length == 0:
            return f"{many} {noun}"
        first, last = self.table.in_sight()
        if window.anchor == "oldest":
            return f"oldest {first + 1:,}–{min(last + 1, window.length):,} of {many} {noun}"
        return f"{first + 1:,}–{min(last + 1, window.length):,} of {many} {noun}"
