"""What every screen of the desk has: top line, stale banner, key line, lists that load themselves, actions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from healthdesk.errors import HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.actions import (
    AREAS,
    Action,
    action_of,
    actions_of,
    allowed,
    bindings_of,
    footer_of,
    key_name,
)
from healthdesk.tui.feed import Changes
from healthdesk.tui.format import Line, plain
from healthdesk.tui.listing import Listing
from healthdesk.tui.view.chrome import area_tabs, banner_lines, left_line, right_line
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.lines import Key, KeyLine, Lines, Ruler, TabLine, TopLine
from healthdesk.tui.widgets.window_table import WindowTable

if TYPE_CHECKING:
    from healthdesk.client.client import Client
    from healthdesk.tui.app import HealthdeskApp


class DeskScreen(Screen[None]):
    """Base of the six areas and of the windows opened from them.

    Subclasses give `CONTEXT` (their name in the action registry), `NOUNS` (what makes them read again),
    `body()` and a `do_<action>` for each of their actions.
    """

    CONTEXT: ClassVar[str] = ""
    NOUNS: ClassVar[frozenset[str]] = frozenset()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "WindowTable, Pane"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the key bindings from the registry."""
        if cls.CONTEXT:
            cls.BINDINGS = [*bindings_of(cls.CONTEXT)]
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, Listing] = {}
        self.missed = False

    # What is around it

    @property
    def desk(self) -> HealthdeskApp:
        """The app."""
        return cast("HealthdeskApp", self.app)

    @property
    def client(self) -> Client:
        """The client of the daemon."""
        return self.desk.client

    @property
    def ascii_only(self) -> bool:
        """Whether glyphs are letters here."""
        return self.desk.ascii_only

    def view(self) -> View:
        """The time and zone views are made with."""
        return self.desk.view()

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
        if not self.is_mounted:
            return
        desk, view = self.desk, self.view()
        crumbs = self.crumbs()
        left, right = left_line(desk.status, desk.link, crumbs), right_line(desk.status, desk.link)
        self.query_one(TopLine).show(left, right, whole_parts=not crumbs)
        for tabs in self.query("#areas").results(TabLine):
            tabs.show(area_tabs(desk.status, narrow=self.size.width < 70), self.CONTEXT)
        self.show_banner(view)
        for listing in self.lists.values():
            listing.paint(desk.link, desk.status)
        self.show_keys()

    def show_banner(self, view: View) -> None:
        """Say that the daemon is not answering, and when it is tried again."""
        lines = banner_lines(self.desk.link, view)
        banner = self.query_one("#banner", Lines)
        banner.display = bool(lines)
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
        listing.table.take_head(message.generation, message.chunks)
        self._painted(listing)

    @on(messages.RefreshEnded)
    def _refresh_ended(self, message: messages.RefreshEnded) -> None:
        listing = self.lists[message.region_id]
        listing.refreshing = False
        if listing.refresh_again:
            listing.refresh_again = False
            self.refresh_list(listing)

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

    def _painted(self, listing: Listing) -> None:
        listing.paint(self.desk.link, self.desk.status)
        self.show_totals()
        self.show_keys()

    def _listing_of(self, table: WindowTable) -> Listing | None:
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

    # Actions

    def item(self) -> Any:
        """Return what actions act on, or None."""
        table = self.focused if isinstance(self.focused, WindowTable) else None
        return table.current if table is not None else None

    def item_name(self) -> str:
        """Return what the item is called, for the Actions menu."""
        return ""

    def why_not(self, action: Action) -> str:
        """Return why an action cannot be done now, or an empty string."""
        status = self.desk.status
        if not allowed(status.you.role if status else None, action.role):
            people = ", ".join(status.administrators) if status else ""
            return f"needs the {action.role.value} role" + (f"; ask {people}" if people else "")
        if action.item and action.id != "menu" and self.item() is None:
            return "there is nothing under the cursor"
        if not self.desk.link.live and action.role.value != "member":
            return "the daemon is not answering"
        return self.refuses(action.id)

    def refuses(self, action_id: str) -> str:  # noqa: ARG002 - subclasses read it
        """Return why this screen does not do an action now."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done."""
        if action == "do" and self.is_mounted and parameters:
            known = action_of(self.CONTEXT, str(parameters[0]))
            return None if known is None or self.why_not(known) else True
        return True

    def on_key(self, event: events.Key) -> None:
        """Say why a greyed key does nothing."""
        for action in actions_of(self.CONTEXT):
            if action.key == event.key:
                reason = self.why_not(action)
                if reason:
                    event.stop()
                    self.desk.tell(f"{action.label}: {reason}", ok=False)
                return

    async def action_do(self, action_id: str) -> None:
        """Do an action of the registry."""
        self.do(action_id)

    def do(self, action_id: str) -> None:
        """Do an action, or say why not."""
        action = action_of(self.CONTEXT, action_id)
        if action is None:
            return
        reason = self.why_not(action)
        if reason:
            self.desk.tell(f"{action.label}: {reason}", ok=False)
        else:
            getattr(self, f"do_{action_id}")()

    def keys(self) -> list[Key]:
        """Return the key line."""
        return [
            Key(key_name(action.key), action.short, bool(self.why_not(action)))
            for action in footer_of(self.CONTEXT)
        ]

    def show_keys(self) -> None:
        """Show which keys work now."""
        if self.is_mounted:
            self.query_one(KeyLine).show(self.keys())

    def flow(self, work: Coroutine[Any, Any, str]) -> None:
        """Carry out an action in a worker; what it returns is told, what it raises too."""
        self.run_worker(self._guarded(work), group="flow", exit_on_error=False)

    async def _guarded(self, work: Coroutine[Any, Any, str]) -> None:
        try:
            sentence = await work
        except HealthdeskError as error:
            self.post_message(messages.FlowRefused(error))
        else:
            self.post_message(messages.FlowEnded(sentence))

    @on(messages.FlowEnded)
    def _flow_ended(self, message: messages.FlowEnded) -> None:
        if message.sentence:
            self.desk.tell(message.sentence, ok=message.ok)
            self.reload()

    @on(messages.FlowRefused)
    def _flow_refused(self, message: messages.FlowRefused) -> None:
        fix = f" {message.error.fix}" if message.error.fix else ""
        self.desk.tell(f"{message.error.what}.{fix}".replace("..", "."), ok=False)

    def ask(self, question: ModalScreen[Any]) -> Any:
        """Return an awaitable answer to a modal; only for flows, which run in workers."""
        return self.app.push_screen_wait(question)

    # Actions every screen has

    def do_refresh(self) -> None:
        """Read again; try a lost daemon now."""
        self.desk.feed.retry_now()
        self.reload()

    def do_back(self) -> None:
        """Go where you came from."""
        self.app.pop_screen()

    def do_help(self) -> None:
        """Show the keys."""
        self.desk.show_help(self.CONTEXT)

    def do_menu(self) -> None:
        """Show everything that can be done."""
        self.desk.show_menu(self)

    def copy_text(self) -> str:
        """Return what `y` copies."""
        return plain(self.copy_lines())

    def copy_lines(self) -> list[Line]:
        """Return what `y` copies, as lines."""
        return []

    def do_copy(self) -> None:
        """Copy."""
        self.desk.copy(self.copy_text())
