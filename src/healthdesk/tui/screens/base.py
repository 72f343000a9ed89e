"""What every screen of the desk shows: top line, stale banner, key line, lists that load themselves."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.widget import Widget

from healthdesk.tui import messages
from healthdesk.tui.actions import AREAS
from healthdesk.tui.feed import Changes
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.acting import ActingScreen
from healthdesk.tui.view.chrome import area_tabs, banner_lines, left_line, right_line
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.lines import KeyLine, Lines, Ruler, TabLine, TopLine
from healthdesk.tui.widgets.paged import PagedRows
from healthdesk.tui.widgets.window_table import WindowTable


class DeskScreen(ActingScreen):
    """Base of the six areas and of the windows opened from them.

    Subclasses give `NOUNS` (what makes them read again) and `body()`, and what an ActingScreen asks for.
    """

    NOUNS: ClassVar[frozenset[str]] = frozenset()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "WindowTable, Pane"

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, Listing] = {}
        self.missed = False
        self._added: messages.RowAdded | None = None

    # Layout

    def compose(self) -> ComposeResult:
        """Top line, tabs of an area, banner, body, keys."""
        yield TopLine(ascii_only=self.ascii_only)
        if self.CONTEXT in AREAS:
            yield TabLine(ascii_only=self.ascii_only, id="areas")
        yield Lines(ascii_only=self.ascii_only, id="banner")
        yield from self.body()
        yield Ruler(ascii_only=self.ascii_only)
        yield KeyLine(ascii_only=self.ascii_only)

    def body(self) -> Iterable[Widget]:
        """Return the widgets between the lines on top and the keys."""
        return ()

    def crumbs(self) -> str:
        """Return the breadcrumb of a window, empty for an area."""
        return ""

    def on_mount(self) -> None:
        """Join the desk and load."""
        self.desk.join(self)
        self.set_class(self.ascii_only, "-ascii")
        self.desk_changed()
        self.load()

    def on_unmount(self) -> None:
        """Leave the desk."""
        self.desk.leave(self)

    def load(self) -> None:
        """Read what is shown for the first time."""
        for listing in self.lists.values():
            listing.table.ask()

    def reload(self) -> None:
        """Read again what is shown, keeping the place."""
        for listing in self.lists.values():
            self.refresh_list(listing)

    def desk_changed(self) -> None:
        """Show the link, the sentence and the keys as they are now."""
        top = self.query(TopLine)
        if not self.is_mounted or not top:  # while it is taken down, its widgets go first
            return
        desk, view = self.desk, self.view()
        crumbs = self.crumbs()
        left, right = left_line(desk.status, desk.link, crumbs), right_line(desk.status, desk.link)
        top.first().show(left, right, whole_parts=not crumbs)
        for tabs in self.query("#areas").results(TabLine):
            tabs.show(area_tabs(desk.status, narrow=self.size.width < 70), self.CONTEXT)
        self.show_banner(view)
        for listing in self.lists.values():
            listing.paint(desk.link, desk.status)
        self.show_keys()

    def show_banner(self, view: View) -> None:
        """Say that the daemon is not answering, and when it is tried again."""
        lines = banner_lines(self.desk.link, view, self.desk.status)
        banner = self.query_one("#banner", Lines)
        banner.display = bool(lines)
        banner.set_class(self.desk.link.refused, "-refused")
        if lines:
            banner.show(lines)

    def take_changes(self, changes: Changes) -> None:
        """Read again what changed; later, when the screen is not on top."""
        if changes.touches(self.NOUNS):
            if self in self.app.screen_stack:
                self.reload()
            else:
                self.missed = True

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        if self.is_mounted:
            self.desk_changed()
            if self.missed:
                self.missed = False
                self.reload()

    def work(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False
    ) -> None:
        """Run something in a worker, which only posts messages. An exclusive one replaces the one before."""
        self.run_worker(cast("Any", work), name=group, group=group, exclusive=exclusive, exit_on_error=False)

    # Lists

    def add_list(self, listing: Listing) -> Listing:
        """Take charge of a region that loads pages."""
        self.lists[listing.id] = listing
        return listing

    def refresh_list(self, listing: Listing) -> None:
        """Read the rows in sight again, one refresh at a time; a wish meanwhile is kept."""
        if not listing.table.window.loaded:
            listing.table.failed()
            listing.table.ask()
        elif listing.refreshing:
            listing.refresh_again = True
        else:
            listing.refreshing = True
            self.work(partial(listing.refresh, self.post_message), group=f"refresh-{listing.id}")

    @on(WindowTable.Wanted)
    def _page_wanted(self, message: WindowTable.Wanted) -> None:
        listing = self._listing_of(message.table)
        if listing is not None:
            work = partial(listing.load, message.request, self.post_message)
            self.work(work, group=f"page-{listing.id}", exclusive=True)

    @on(messages.PageLoaded)
    def _page_loaded(self, message: messages.PageLoaded) -> None:
        listing = self.lists[message.region_id]
        listing.error = None
        listing.table.take_page(message.request, message.chunk)
        self._painted(listing)

    @on(messages.HeadLoaded)
    def _head_loaded(self, message: messages.HeadLoaded) -> None:
        listing = self.lists[message.region_id]
        listing.error = None
        listing.table.take_head(message.generation, message.chunks, message.origin)
        self._painted(listing)

    @on(messages.RefreshEnded)
    def _refresh_ended(self, message: messages.RefreshEnded) -> None:
        listing = self.lists[message.region_id]
        listing.refreshing = False
        if listing.refresh_again:
            listing.refresh_again = False
            self.refresh_list(listing)
        elif self._added is not None and self._added.region_id == listing.id:
            self._added = None

    @on(messages.LoadFailed)
    def _load_failed(self, message: messages.LoadFailed) -> None:
        listing = self.lists[message.region_id]
        listing.error = message.error
        listing.table.failed()
        self._painted(listing)

    @on(messages.TotalLoaded)
    def _total_loaded(self, message: messages.TotalLoaded) -> None:
        self.lists[message.region_id].total = message.total
        self.show_totals()

    @on(messages.RowAdded)
    def _row_added(self, message: messages.RowAdded) -> None:
        if message.region_id in self.lists:
            self._added = message
            self.refresh_list(self.lists[message.region_id])

    def _go_to_added(self, listing: Listing) -> None:
        """Put the cursor on what was just added: the next key is for that."""
        added = self._added
        if added is not None and added.region_id == listing.id and listing.table.select(added.row_id):
            self._added = None
            listing.table.focus()

    def _painted(self, listing: Listing) -> None:
        self._go_to_added(listing)
        listing.paint(self.desk.link, self.desk.status)
        self.show_totals()
        self.show_keys()

    def _listing_of(self, table: PagedRows) -> Listing | None:
        return next((listing for listing in self.lists.values() if listing.table is table), None)

    def show_totals(self) -> None:
        """Show how many rows there are, where the screen says so."""

    @on(WindowTable.CursorMoved)
    def _cursor_moved(self, message: WindowTable.CursorMoved) -> None:
        self.cursor_moved(message.row)
        self.show_keys()

    def cursor_moved(self, row: Any) -> None:
        """Explain the row under the cursor."""

    @on(WindowTable.Chosen)
    def _row_chosen(self) -> None:
        self.do("open")
