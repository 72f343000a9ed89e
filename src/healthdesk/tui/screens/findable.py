"""A list of things with names: an area's chips and table, and a chip that finds by words of the name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.tui.flows.finding import ask_words
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.widgets.filter_bar import ANY, Chip, FilterBar
from healthdesk.tui.widgets.window_table import WindowTable

ASK = "words…"
TEXT = "text"


class FindableScreen(AreaScreen):
    """Base of the lists reached from Connections and the palette. A subclass gives its table and how a page is read."""

    EMPTY: ClassVar[Iterable[Line]] = ()
    TITLE: ClassVar[str] = ""
    ASKED: ClassVar[str] = "Words of the name"

    def chips(self) -> list[Chip]:
        """What narrows the list, words of the name last."""
        return [*self.narrowing(), Chip(TEXT, "Name", ((ANY, "any"), (ASK, ASK)))]

    def narrowing(self) -> list[Chip]:
        """Return the chips before that."""
        return []

    def make_table(self) -> WindowTable:
        """Return the table."""
        raise NotImplementedError

    def make_listing(self) -> Listing:
        """What the chips ask for."""
        return Listing(
            self.make_region(self.make_table(), f"{self.CONTEXT}-region"),
            self.fetch,
            empty=list(self.EMPTY),
            empty_filter=self.nothing_like_that,
            filtered=lambda: self.bar.narrows,
        )

    def nothing_like_that(self) -> list[Line]:
        """Return what is said where the filter leaves nothing."""
        return [line("  Nothing is like that. ", key("backspace"), dim(" clears the filter"))]

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Any]:
        """Read a page."""
        raise NotImplementedError

    def crumbs(self) -> str:
        """Where you are."""
        return f"Connections › {self.TITLE}"

    @property
    def words(self) -> str | None:
        """The words that names are narrowed to, or None."""
        chosen = self.values.get(TEXT, ANY)
        return chosen if chosen not in (ANY, ASK) else None

    def filter_recalled(self) -> None:
        """Offer the words that were kept."""
        if self.words is not None:
            self._offer(self.words)

    def filter_changed(self) -> None:
        """Ask for the words when they are chosen."""
        if self.values.get(TEXT) == ASK:
            self.flow(self._ask_words(), asks=True)

    async def _ask_words(self) -> str:
        words = await ask_words(self, self.TITLE, asked=self.ASKED)
        if words:
            self._offer(words)
        self.bar.set_values({TEXT: words or ANY})
        self.bar.post_message(FilterBar.Changed(self.bar))
        return ""

    def _offer(self, words: str) -> None:
        self.bar.set_options(TEXT, [(ANY, "any"), (words, f"“{words}”"), (ASK, ASK)])

    def kept_values(self) -> dict[str, str]:
        """A question is not kept."""
        return {name: value for name, value in self.values.items() if value != ASK}

    def named(self, rows: Iterable[Any]) -> list[Any]:
        """Return the rows whose names have the words, where the daemon does not narrow by them."""
        words = (self.words or "").lower()
        return [row for row in rows if words in row.name.lower()]

    async def fetch_named(
        self, read: Callable[..., Awaitable[Page[Any]]], after: str | None, limit: int
    ) -> Page[Any]:
        """Read pages until one has a row with the words: these lists are short."""
        while True:
            page = await read(after=after, limit=limit)
            rows = self.named(page.items)
            if rows or page.next is None:
                return Page[Any](items=rows, next=page.next)
            after = page.next

    def item_name(self) -> str:
        """The row."""
        row = self.item()
        return str(row.name) if row is not None else ""
