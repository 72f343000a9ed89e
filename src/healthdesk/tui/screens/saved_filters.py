"""Saved filters of the log: one's own, and those that are shared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from healthdesk.api.common import Page
from healthdesk.api.filters import SavedFilter, SavedFilterCreate
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import Role
from healthdesk.tui.flows.saved_filters import remove_filter, save_filter
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.view.log_filters import chip_values, described_filter
from healthdesk.tui.view.times import stamp
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (line("  No saved filters yet. ", key("n"), " saves the filter that the log has now."),)
MINE, SHARED = "mine", "shared"


class SavedFiltersScreen(AreaScreen):
    """Opened from the log, whose filter `now` can be saved. `relative` says that its dates count back from now."""

    CONTEXT = "filters"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"filter"})
    noun = "saved filters"

    def __init__(self, now: RecordFilter, *, relative: bool) -> None:
        super().__init__()
        self.now = now
        self.relative = relative

    def crumbs(self) -> str:
        """Where you are."""
        return "Log › Saved filters"

    def chips(self) -> list[Chip]:
        """Whose."""
        return [Chip("whose", "Show", ((ANY, "all"), (MINE, "mine"), (SHARED, "shared")))]

    def make_listing(self) -> Listing:
        """Saved filters, by age."""
        columns = [
            Column("Name", 16, flex=2),
            Column("Filter", 20, flex=4),
            Column("Owner", 10, flex=1),
            Column("", 6),
            Column(f"Saved {self.view().zone}"[:12], 12),
        ]
        table = WindowTable(
            columns, self.cells, lambda row: str(row.id), ascii_only=self.ascii_only, id="filters"
        )
        return Listing(
            self.make_region(table, "filters-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=lambda: [line("  None of these. ", key("backspace"), dim(" shows all"))],
            filtered=lambda: self.bar.narrows,
        )

    def cells(self, row: SavedFilter) -> list[Span]:
        """Name, filter in words, owner, whether it is shared."""
        shared = Span("shared", Tone.ACCENT) if row.shared else dim("own")
        told = described_filter(row.filter, self.view())
        return [Span(row.name), Span(told), dim(row.owner), shared, dim(stamp(row.created_at, self.view()))]

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[SavedFilter]:  # noqa: ARG002 - one direction only
        """Read a page; these lists are short, so that whose they are is looked at here."""
        page = await self.client.filters_list(after=after, limit=limit)
        return Page[SavedFilter](items=[row for row in page.items if self._shown(row)], next=page.next)

    def _shown(self, row: SavedFilter) -> bool:
        whose = self.values.get("whose", ANY)
        return row.shared if whose == SHARED else self._mine(row) if whose == MINE else True

    def _mine(self, row: SavedFilter) -> bool:
        return self.desk.status is not None and row.owner == self.desk.status.you.user

    def explain(self, row: SavedFilter) -> Iterable[Line]:
        """The filter whole, and how it is used."""
        return [line(described_filter(row.filter, self.view())), line(key("enter"), dim(" shows the log so"))]

    def item_name(self) -> str:
        """Its name."""
        row: SavedFilter | None = self.item()
        return row.name if row is not None else ""

    def refuses(self, action_id: str) -> str:
        """Only one's own are shared; administrators remove what others shared."""
        row: SavedFilter | None = self.item()
        if row is None or self._mine(row):
            return super().refuses(action_id)
        rules = self.desk.status is not None and self.desk.status.you.role is Role.ADMINISTRATOR
        if action_id == "share" or (action_id == "remove" and not rules):
            return f"it is {row.owner}'s"
        return super().refuses(action_id)

    def do_use(self) -> None:
        """Show the log under this filter."""
        self.desk.show_log(*chip_values(self.item().filter, self.view()))

    def do_new(self) -> None:
        """Save the filter that the log has now."""
        self.flow(save_filter(self, self.now, relative=self.relative), asks=True)

    def do_share(self) -> None:
        """Share it with everybody, or not any more."""
        self.flow(self._share(self.item()))

    async def _share(self, row: SavedFilter) -> str:
        new = SavedFilterCreate(name=row.name, filter=row.filter, shared=not row.shared)
        saved = await self.client.filter_save(new)
        return f"{saved.name} is {'shared with everybody' if saved.shared else 'your own'} now."

    def do_remove(self) -> None:
        """Remove it."""
        self.flow(remove_filter(self, self.item()), asks=True)
