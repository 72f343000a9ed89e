"""Something long to read; any of the leaving keys closes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from healthdesk.tui.format import Line
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.widgets.lines import Pane

FRAME = 5
LEAST_ROWS = 6


class ReadingPage(Box[None]):
    """Lines that scroll, in a box no higher than they need."""

    AUTO_FOCUS = "Pane"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "cancel", show=False)]

    def __init__(self, title: str, lines: Iterable[Line], *, ascii_only: bool = False) -> None:
        super().__init__(f"{title} · esc closes", ascii_only=ascii_only)
        self.lines = list(lines)

    def inside(self) -> Iterable[Widget]:
        """The lines, scrolling."""
        yield Pane(ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(Pane).show(self.lines)
        self._fit()

    def on_resize(self) -> None:
        """Take no more room than there is."""
        self._fit()

    def _fit(self) -> None:
        """An error may be long: the pane is as high as it may be where the lines do not fit."""
        width = max(20, self.query_one(".box").size.width - 3)
        rows = sum(1 + sum(len(span.text) for span in item) // width for item in self.lines)
        self.query_one(Pane).styles.height = min(rows, max(LEAST_ROWS, self.size.height - FRAME))
