"""Windows with tabs: which one is chosen, by keys and by a click."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import ClassVar

from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.widgets.lines import Pane, TabLine


class TabbedWindow(WindowScreen):
    """Base of windows with tabs. Subclasses show the one that is chosen."""

    TABS: ClassVar[tuple[str, ...]] = ()
    REGIONS: ClassVar[Mapping[str, str]] = {}
    """By tab that is a list the id of its region; of windows that give the chosen tab the focus here."""
    tab = ""
    """The tab that is shown."""

    @property
    def tabs(self) -> Sequence[str]:
        """The tabs there are."""
        return self.TABS

    def choose(self, tab: str) -> None:
        """Show a tab."""
        raise NotImplementedError

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in self.tabs:
            message.stop()
            self.choose(message.name)

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self._step(1)

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self._step(-1)

    def _step(self, by: int) -> None:
        tabs = self.tabs
        if self.tab in tabs:
            self.choose(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    def focus_tab(self) -> None:
        """Give the chosen tab the focus: its list, or the pane from its first line on."""
        if self.tab in self.REGIONS:
            self.lists[self.REGIONS[self.tab]].table.focus()
        else:
            pane = self.query_one("#pane", Pane)
            pane.scroll_home(animate=False)
            pane.focus()
        self.show_keys()

    async def leave_after(self, removal: Awaitable[str]) -> str:
        """Leave the window of what was removed, and tell so where it was."""
        sentence = await removal
        if sentence:
            self.desk.tell(sentence)
            self.app.pop_screen()
        return ""
