"""WindowTable: a table over a list of any length that draws only the rows in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from healthdesk.tui.format import Span, Tone, fit
from healthdesk.tui.widgets.columns import Column, Slot, lay_out
from healthdesk.tui.widgets.paged import PagedRows
from healthdesk.tui.widgets.scroll import PlainScrollBarRender

MARK_WIDTH = 1


class WindowTable(PagedRows, can_focus=True):
    """A table of columns with a cursor, marks and the keys that move."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--row",
        "table--cursor",
        "table--blurred",
        *(f"table--{tone}" for tone in Tone),
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """The row under the cursor was clicked again: open it."""

        table: WindowTable
        row: Any

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Any], Sequence[Span]],
        identify: Callable[[Any], str],
        *,
        both_ends: bool = False,
        ascii_only: bool = False,
        page_size: int = 100,
        id: str | None = None,
    ) -> None:
        super().__init__(identify, both_ends=both_ends, page_size=page_size, id=id)
        self.columns = columns
        self.cells = cells
        self.ascii_only = ascii_only
        self.marks: set[str] = set()
        self.dimmed = False
        if ascii_only:
            self.vertical_scrollbar.renderer = PlainScrollBarRender  # type: ignore[misc]  # Textual gives no other way for one widget
        self._slots: list[Slot] = []

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        if self.cursor_id is not None:
            self.marks ^= {self.cursor_id}
            self.action_move(1)
            self.refresh()

    # Events

    def on_resize(self) -> None:
        """Lay the columns out anew. Textual calls the handler of PagedRows by itself."""
        self._slots = lay_out(self.columns, max(10, self.size.width - MARK_WIDTH - 1))

    def on_click(self, event: events.Click) -> None:
        """Select the row; open it when it was selected already."""
        if event.y == 0:
            return
        line = self.scroll_offset.y + event.y - 1
        if line >= self.shown:
            return
        index = self.line_of(line)
        if index == self.cursor and self.has_focus:
            self.post_message(self.Chosen(self, self.current))
        else:
            self.move_to(index)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw the header, or one row."""
        width = self.size.width
        if y == 0:
            return self._paint(
                [Span(slot.column.title) for slot in self._slots], self._style("header"), width
            )
        line = self.scroll_offset.y + y - 1
        if line >= self.shown:
            return Strip.blank(width, self._style("row"))
        index = self.line_of(line)
        row = self.window.at(index)
        if row is None:
            return Strip(
                [Segment(fit("  …", width, ascii_only=self.ascii_only), self._style("row", Tone.DIM))], width
            )
        here = index == self.cursor
        base = self._style(("cursor" if self.has_focus else "blurred") if here else "row")
        cells = self.cells(row)
        picked = [cells[slot.index] for slot in self._slots]
        return self._paint(
            picked, base, width, marked=self.identify(row) in self.marks, loud=here and self.has_focus
        )

    def _paint(
        self, cells: Sequence[Span], base: Style, width: int, *, marked: bool = False, loud: bool = False
    ) -> Strip:
        mark = fit("▸" if marked else " ", MARK_WIDTH, ascii_only=self.ascii_only)
        segments = [Segment(mark, base + self._style("accent", partial=True))]
        for slot, cell in zip(self._slots, cells, strict=False):
            tone = Tone.DIM if self.dimmed else cell.tone
            keep = tone is Tone.PLAIN or loud
            style = base if keep else base + self._style(tone, partial=True)
            text = fit(cell.text, slot.width, right=slot.column.right, ascii_only=self.ascii_only)
            segments.append(Segment(text, style))
            segments.append(Segment(" ", base))
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _style(self, name: str, tone: Tone | None = None, *, partial: bool = False) -> Style:
        style = self.get_component_rich_style(f"table--{name}", partial=partial)
        if tone is not None:
            style += self.get_component_rich_style(f"table--{tone}", partial=True)
        return style
