"""ListRegion: a table, or what there is to say instead of it. It is in exactly one state."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Vertical

from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.window_table import WindowTable


class RegionState(StrEnum):
    """What a region shows."""

    LOADING = "loading"
    READY = "ready"
    EMPTY = "empty"
    EMPTY_FILTER = "empty-filter"
    STALE = "stale"
    NOT_PERMITTED = "not-permitted"
    ERROR = "error"


WITH_ROWS = (RegionState.READY, RegionState.STALE)
LOADING_LINES = (line(dim("  ░░░░░░░░  ░░░░░░░░░░░░░░  ░░░░░░  ░░░░")),) * 3


class ListRegion(Vertical):
    """A table with its states."""

    def __init__(self, table: WindowTable, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id, classes="region")
        self.table = table
        self._note = Lines(LOADING_LINES, ascii_only=ascii_only, classes="note")
        self.state = RegionState.LOADING

    def compose(self) -> ComposeResult:
        """Both are there; one is shown."""
        yield self.table
        yield self._note

    def on_mount(self) -> None:
        """Begin with the skeleton."""
        self._apply()

    def show(self, state: RegionState, lines: Iterable[Line] = ()) -> None:
        """Enter a state. Lines are what is said instead of rows."""
        self.state = state
        if state not in WITH_ROWS:
            self._note.show(LOADING_LINES if state is RegionState.LOADING else lines)
        self._apply()

    def _apply(self) -> None:
        rows = self.state in WITH_ROWS
        self.table.dimmed = self.state is RegionState.STALE
        self.table.set_class(not rows, "-bare")
        self._note.display = not rows
        self.table.refresh()


def not_permitted_lines(what: str, ask: Iterable[str], fix: str = "") -> list[Line]:
    """Return what is said to somebody who may not see or do this."""
    people = ", ".join(ask)
    helps = f"Ask an administrator: {people}" if people else fix or "Ask an administrator."
    return [line(Span(f"  {what}", Tone.WARN)), line(dim(f"  {helps}"))]


def error_lines(what: str, fix: str) -> list[Line]:
    """Return what is said when reading failed."""
    lines = [line(Span(f"  ✗ {what}", Tone.BAD))]
    if fix:
        lines.append(line(dim(f"    {fix}")))
    lines.append(line(dim("    r tries again")))
    return lines
