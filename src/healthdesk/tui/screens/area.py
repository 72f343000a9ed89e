"""An area: filter chips, a table, what explains its row under it, and a preview beside it when there is room."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget

from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.actions import key_name
from healthdesk.tui.format import Line, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.widgets.filter_bar import Chip, FilterBar
from healthdesk.tui.widgets.lines import Explanation, Key, Lines, Pane, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable

PREVIEW_DELAY_S = 0.12
FILTER_KEYS = (Key("←→", "choose"), Key("↑↓", "change"), Key("⌫", "clear"), Key("enter", "done"))


class AreaScreen(DeskScreen):
    """Base of the areas. A subclass gives its listing, chips, and what to say about a row."""

    PREVIEWS: ClassVar[bool] = False
    """Whether the preview is read from the daemon; else it is made of the row."""

    listing: Listing
    noun: ClassVar[str] = "rows"
    previewed: Any = None
    """The row that the preview, read or under way, is of: it is not shown anew while it is read again."""

    def chips(self) -> list[Chip]:
        """Return the filter's chips."""
        return []

    def make_listing(self) -> Listing:
        """Return the list of the area."""
        raise NotImplementedError

    def explain(self, row: Any) -> Iterable[Line]:  # noqa: ARG002 - subclasses read it
        """Return the two lines under the table."""
        return ()

    def preview(self, row: Any) -> Iterable[Line]:
        """Return the preview as far as the row tells."""
        return self.explain(row)

    def row_key(self, row: Any) -> str:
        """Return the id of a row."""
        return str(row.id)

    def make_region(self, table: WindowTable, name: str) -> ListRegion:
        """Return a region around a table."""
        return ListRegion(table, ascii_only=self.ascii_only, id=name)

    def body(self) -> Iterable[Widget]:
        """Chips, table with preview, explanation."""
        self.listing = self.add_list(self.make_listing())
        chips = self.chips()
        with_bar = Horizontal(
            FilterBar(chips, ascii_only=self.ascii_only, id="filter"),
            Lines(ascii_only=self.ascii_only, id="total"),
            id="filterline",
        )
        yield with_bar
        yield from self.over_list()
        yield Ruler(ascii_only=self.ascii_only)
        yield Horizontal(
            self.listing.region,
            Pane(ascii_only=self.ascii_only, id="preview", classes="preview"),
            classes="body",
        )
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def over_list(self) -> Iterable[Widget]:
        """Return what stands between the chips and the list."""
        return ()

    # The filter

    @property
    def bar(self) -> FilterBar:
        """The chips."""
        return self.query_one("#filter", FilterBar)

    @property
    def values(self) -> Mapping[str, str]:
        """What the chips say."""
        return self.bar.values

    @property
    def preference(self) -> str:
        """The key under which the filter is kept."""
        return f"tui.filter.{self.CONTEXT}"

    def load(self) -> None:
        """Read the filter kept for this operator, then the rows."""
        self.work(self._recall, group="recall")

    async def _recall(self) -> None:
        kept = await self.desk.preferences.get(self.preference)
        self.post_message(messages.FilterRecalled(kept if isinstance(kept, dict) else {}))

    @on(messages.FilterRecalled)
    def _recalled(self, message: messages.FilterRecalled) -> None:
        self.bar.set_values({str(name): str(value) for name, value in message.values.items()})
        self.filter_recalled()
        self.listing.table.start()

    def filter_recalled(self) -> None:
        """Do what depends on the filter as it was kept."""

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.filter_changed()
        self.listing.total = None
        self.listing.error = None
        self.listing.table.marks.clear()
        self.listing.table.start()
        self.run_worker(
            self.desk.preferences.put(self.preference, self.kept_values()),
            group="remember",
            exit_on_error=False,
        )

    def kept_values(self) -> dict[str, str]:
        """Return what of the filter is kept."""
        return dict(self.values)

    def filter_changed(self) -> None:
        """Do what depends on the filter."""

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self.listing.table.focus()

    def do_filter(self) -> None:
        """Edit the chips."""
        self.bar.focus()

    def do_clear(self) -> None:
        """Put the chips back."""
        if self.bar.narrows:
            self.bar.clear()

    def keys(self) -> list[Key]:
        """Show the chips' keys while they are edited."""
        if isinstance(self.focused, FilterBar):
            return list(FILTER_KEYS)
        return super().keys()

    def leaves_key(self, pressed: str) -> bool:
        """Leave the keys of the chips to them while they are edited: there `enter` opens nothing."""
        return isinstance(self.focused, FilterBar) and self.focused.takes(pressed)

    def on_descendant_focus(self) -> None:
        """The keys depend on what has the focus."""
        self.show_keys()
        self.show_totals()

    # The row under the cursor

    def item(self) -> Any:
        """Actions are for the row under the cursor."""
        return self.listing.table.current

    def refuses(self, action_id: str) -> str:
        """There may be no filter to clear."""
        return "no filter is set" if action_id == "clear" and not self.bar.narrows else ""

    def cursor_moved(self, row: Any) -> None:
        """Explain the row, and preview it once the cursor rests."""
        self.show_explanation(row)
        pane = self.query_one("#preview", Pane)
        before, self.previewed = self.previewed, None
        if row is None:
            pane.show(())
        elif not (self.PREVIEWS and self.reads_preview(row)):
            pane.show(self.preview(row))
        else:
            self.previewed = row
            if before is None or self.row_key(before) != self.row_key(row):
                pane.show(self.preview(row))
            self.work(partial(self._preview, self.row_key(row)), group="preview", exclusive=True)
        self.show_totals()

    def show_explanation(self, row: Any) -> None:
        """Explain the row. The pane grows when a text needs it and stays so: the table must not dance."""
        self.query_one("#explain", Explanation).explain(self.explain(row) if row is not None else ())

    def reads_preview(self, row: Any) -> bool:  # noqa: ARG002 - subclasses read it
        """Return whether what the preview shows is read: while there is room for it."""
        return bool(self.query_one("#preview", Pane).display)

    async def _preview(self, key: str) -> None:
        await self.desk.clock.sleep(PREVIEW_DELAY_S)
        # What the row tells stays in the preview; the list itself says what is wrong.
        with contextlib.suppress(HealthdeskError):
            self.post_message(messages.DetailLoaded(key, await self.read_detail(key)))

    async def read_detail(self, key: str) -> Any:
        """Read the row with this key whole, where `PREVIEWS` says so."""
        raise NotImplementedError

    @on(messages.DetailLoaded)
    def _detail_loaded(self, message: messages.DetailLoaded) -> None:
        row = self.item()
        if row is not None and self.row_key(row) == message.key:
            self.take_detail(row, message.detail)

    def take_detail(self, row: Any, detail: Any) -> None:  # noqa: ARG002 - subclasses read it
        """Show the row under the cursor as it was read whole."""
        self.query_one("#preview", Pane).show(self.detail_lines(detail))

    def detail_lines(self, detail: Any) -> Iterable[Line]:
        """Return the preview of a row that was read whole, where `PREVIEWS` says so."""
        raise NotImplementedError

    def show_totals(self) -> None:
        """Say which rows are in sight, and how many there are."""
        table = self.listing.table
        text = self.listing.position(self.noun)
        if table.marks:
            text = f"{len(table.marks):,} marked · {text}"
        if table.newer_above():
            text = f"▲ newer: {key_name('g')} · {text}"
        total = self.query_one("#total", Lines)
        total.display = self.size.width >= 100 or not isinstance(self.focused, FilterBar)
        total.show([line(self.total_words(text))])

    def total_words(self, text: str) -> str:
        """Return what is said of the rows in sight; subclasses say more."""
        return text

    def copy_lines(self) -> list[Line]:
        """Copy what is known of the row."""
        row = self.item()
        return list(self.preview(row)) if row is not None else []
