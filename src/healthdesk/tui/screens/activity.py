"""Activity: who did what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from healthdesk.api.common import Page
from healthdesk.api.desk import Activity
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.dialog import Notice
from healthdesk.tui.view.activity import activity_cells, activity_columns, activity_explain, activity_lines
from healthdesk.tui.view.filters import activity_chips
from healthdesk.tui.widgets.filter_bar import Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction


class ActivityScreen(AreaScreen):
    """Area 6."""

    CONTEXT = "activity"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"activity"})
    noun = "entries"

    def chips(self) -> list[Chip]:
        """Who."""
        return activity_chips(self.desk.status.you.user if self.desk.status else "")

    def make_listing(self) -> Listing:
        """Entries of the filter."""
        table = WindowTable(
            activity_columns(self.view()),
            lambda entry: activity_cells(entry, self.view()),
            lambda entry: str(entry.id),
            ascii_only=self.ascii_only,
            id="activity",
        )
        return Listing(
            self.make_region(table, "activity-region"),
            self.fetch,
            empty=[line("  Nobody has done anything yet.")],
            empty_filter=lambda: [line("  Nothing by them. ", key("backspace"), dim(" clears the filter"))],
            filtered=lambda: self.bar.narrows,
        )

    def desk_changed(self) -> None:
        """Offer `me` once it is known who that is."""
        super().desk_changed()
        if self.is_mounted and self.desk.status is not None:
            options = activity_chips(self.desk.status.you.user)[0].options
            if self.bar.chips[0].options != options:
                self.bar.set_options("user", options)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Activity]:  # noqa: ARG002 - one direction only
        """Read a page of entries."""
        return await self.client.activity_list(user=self.values.get("user") or None, after=after, limit=limit)

    def explain(self, row: Activity) -> Iterable[Line]:
        """Who did what to what."""
        return activity_explain(row, self.view())

    def preview(self, row: Activity) -> Iterable[Line]:
        """The entry whole."""
        return activity_lines(row, self.view())

    def item_name(self) -> str:
        """Who did what."""
        row = self.item()
        return f"{row.user} · {row.verb}" if row is not None else ""

    def do_open(self) -> None:
        """Read it whole."""
        row = self.item()
        self.app.push_screen(Notice("Activity", activity_lines(row, self.view()), ascii_only=self.ascii_only))
