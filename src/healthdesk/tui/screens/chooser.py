"""Choosing one of a list, by the cursor or by typing a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from healthdesk.tui.format import Line, Span, clean, dim, line
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk


@dataclass(frozen=True, slots=True)
class Option:
    """One row: its cells, what is told of it under the list, and the words that find it."""

    value: str
    cells: tuple[Span, ...]
    told: tuple[Line, ...] = ()
    words: str = ""


class Chooser(Box[str]):
    """A list to choose from. With `search`, told where one types, what is typed narrows it: each word has to fit.

    Where the screen is low such a list has no frame: twenty rows and what is told of one fill it.
    """

    AUTO_FOCUS = "Input, WindowTable"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (28, "-high")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape", "cancel", show=False),
    ]

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        options: Sequence[Option],
        *,
        chosen: str = "",
        search: str = "",
        leave: str = "esc goes back",
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.options = list(options)
        self.chosen = chosen
        self.search = search
        self.leave = leave
        self.table = WindowTable(
            columns, lambda option: option.cells, lambda option: str(option.value), ascii_only=ascii_only
        )

    def inside(self) -> Iterable[Widget]:
        """What is typed, the list, what is told of its row, the keys."""
        if self.search:
            label = Static(clean(self.box_title, ascii_only=self.ascii_only), markup=False, classes="label")
            typed = Input(placeholder=clean(self.search, ascii_only=self.ascii_only), name="search")
            yield Horizontal(label, typed, classes="field")
        yield self.table
        yield Lines(ascii_only=self.ascii_only, id="told")
        if not self.search:
            keys = f"↑↓ move · enter chooses · {self.leave}"
            yield Lines([line(dim(keys))], ascii_only=self.ascii_only, classes="hint")

    def on_mount(self) -> None:
        """Fill the list, with the cursor on what was chosen before."""
        self.set_class(bool(self.search), "-search")
        # The whole list: its height stays while it is narrowed.
        self.table.styles.height = len(self.options) + 1
        self._fill(self.options)
        if self.chosen:
            self.table.select(self.chosen)

    def _fill(self, options: Sequence[Option]) -> None:
        chunks = [Chunk(list(options), None)]
        self.table.window.replace_head(chunks)
        self.table.take_head(self.table.window.generation, chunks)
        self.table.move_to(0)

    @on(Input.Changed)
    def _narrow(self, message: Input.Changed) -> None:
        words = message.value.lower().split()
        self._fill([option for option in self.options if all(word in option.words.lower() for word in words)])

    @on(WindowTable.CursorMoved)
    def _moved(self, message: WindowTable.CursorMoved) -> None:
        option: Option | None = message.row
        nothing = (line(dim("Nothing is called that. backspace takes a letter away.")),)
        self.query_one("#told", Lines).show(option.told if option is not None else nothing)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.table.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.table.action_page(by)

    @on(Input.Submitted)
    @on(WindowTable.Chosen)
    def action_choose(self) -> None:
        """Choose what the cursor is on."""
        if self.table.current is not None:
            self.dismiss(self.table.current.value)
