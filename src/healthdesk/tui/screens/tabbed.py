"""Windows with tabs: which one is chosen, by keys and by a click."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.widgets.lines import TabLine


class TabbedWindow(WindowScreen):
    """Base of windows that always have the same tabs. Subclasses show the one that is chosen."""

    TABS: ClassVar[tuple[str, ...]] = ()
    tab = ""

    def choose(self, tab: str) -> None:
        """Show a tab."""
        raise NotImplementedError

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in self.TABS:
            message.stop()
            self.choose(message.name)

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self._step(1)

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self._step(-1)

    def _step(self, by: int) -> None:
        self.choose(self.TABS[(self.TABS.index(self.tab) + by) % len(self.TABS)])

    async def leave_after(self, removal: Awaitable[str]) -> str:
        """Leave the window of what was removed, and tell so where it was."""
        sentence = await removal
        if sentence:
            self.desk.tell(sentence)
            self.app.pop_screen()
        return ""
