"""The Actions menu: everything that can be done with what is under the cursor, and why not where it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from healthdesk.tui.actions import actions_of, key_name
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Box
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Chunk

if TYPE_CHECKING:
    from healthdesk.tui.screens.acting import ActingScreen


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu."""

    id: str
    key: str
    label: str
    reason: str = ""
    help: str = ""


def entries_of(screen: ActingScreen) -> list[Entry]:
    """Return the actions of a screen's item, those that can be done first."""
    entries = [
        Entry(action.id, action.key, action.label, screen.why_not(action), action.help)
        for action in actions_of(screen.context)
        if (action.item or action.id in ("new", "copy")) and action.id != "menu"
    ]
    return sorted(entries, key=lambda entry: bool(entry.reason))


class ActionsMenu(Box[str]):
    """Choose an action with the cursor, or press its key."""

    AUTO_FOCUS = "WindowTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", show=False),
        Binding("escape,full_stop", "cancel", show=False),
    ]

    def __init__(self, title: str, entries: list[Entry], *, ascii_only: bool = False) -> None:
        super().__init__(title, ascii_only=ascii_only)
        self.entries = entries
        label = max((cell_len(entry.label) for entry in entries), default=0)
        columns = [Column("", 5), Column("", min(label, 36)), Column("", 20, flex=1)]
        self.table = WindowTable(columns, self.cells, lambda entry: str(entry.id), ascii_only=ascii_only)

    @classmethod
    def of(cls, screen: ActingScreen) -> ActionsMenu:
        """Return the menu of a screen's item."""
        name = screen.item_name()
        title = f"Actions · {name}" if name else "Actions"
        return cls(title, entries_of(screen), ascii_only=screen.ascii_only)

    @staticmethod
    def cells(entry: Entry) -> list[Span]:
        """Key, label, and why not (or what it does)."""
        tone = Tone.DIM if entry.reason else Tone.PLAIN
        return [
            Span(key_name(entry.key), Tone.DIM if entry.reason else Tone.ACCENT),
            Span(entry.label, tone),
            Span(entry.reason or entry.help, Tone.WARN if entry.reason else Tone.DIM),
        ]

    def inside(self) -> Iterable[Widget]:
        """The table, and the whole of what is said about its row."""
        yield self.table
        yield Lines(ascii_only=self.ascii_only, id="told", classes="hint")

    def on_mount(self) -> None:
        """Fill it."""
        self.table.styles.height = min(len(self.entries) + 1, 18)
        self.table.window.replace_head([Chunk(self.entries, None)])
        self.table.take_head(self.table.window.generation, [Chunk(self.entries, None)])

    @on(WindowTable.CursorMoved)
    def _moved(self, message: WindowTable.CursorMoved) -> None:
        entry = message.row
        if entry is not None:
            told = f"Not now: {entry.reason}." if entry.reason else entry.help
            self.query_one("#told", Lines).show([line(dim(told))])

    def on_key(self, event: Any) -> None:
        """An action's own key does it."""
        for entry in self.entries:
            if entry.key == event.key and entry.key not in ("enter", "escape"):
                event.stop()
                self._done(entry)

    def action_choose(self) -> None:
        """Do what the cursor is on."""
        if self.table.current is not None:
            self._done(self.table.current)

    @on(WindowTable.Chosen)
    def _clicked(self) -> None:
        self.action_choose()

    def _done(self, entry: Entry) -> None:
        if not entry.reason:
            self.dismiss(entry.id)
