"""PagedRows: which rows of a list of any length are in sight, and which of them the cursor is on.

The selection is an id. When rows change, the cursor stays on its row and the row stays where it is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from healthdesk.tui.window import Chunk, Direction, PageRequest, Window, find_again


class PagedRows(ScrollView):
    """Rows fed by pages, below one line of header. It posts Wanted when rows in sight are missing."""

    @dataclass
    class Wanted(Message):
        """Rows in sight are missing: this page has them."""

        table: PagedRows
        request: PageRequest

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row (or on none), or its row has changed."""

        table: PagedRows
        row: Any

    def __init__(
        self,
        identify: Callable[[Any], str],
        *,
        both_ends: bool = False,
        page_size: int = 100,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.identify = identify
        self.both_ends = both_ends
        self.window: Window[Any] = Window(identify, page_size=page_size)
        self.cursor = 0
        self.cursor_id: str | None = None
        self.newer = False
        self._came_above = False
        self._asked: PageRequest | None = None
        self._settling = False

    # What is where

    @property
    def shown(self) -> int:
        """How many lines of rows there are, the one that says more is coming included."""
        window = self.window
        return window.length + (0 if window.ended or not window.loaded else 1)

    @property
    def room(self) -> int:
        """How many rows fit below the header."""
        return max(1, self.size.height - 1)

    @property
    def current(self) -> Any:
        """The row under the cursor, or None."""
        return self.window.at(self.cursor)

    def line_of(self, index: int) -> int:
        """Return the line of a row: counted from the other end when anchored at the oldest."""
        return index if self.window.anchor == "newest" else self.shown - 1 - index

    def in_sight(self) -> tuple[int, int]:
        """Return the indexes of the first and last row in sight, counted from the anchor."""
        top = self.scroll_offset.y
        bottom = min(top + self.room - 1, max(0, self.shown - 1))
        first, last = self.line_of(top), self.line_of(bottom)
        return (first, last) if first <= last else (last, first)

    def on_top(self) -> bool:
        """Return whether the newest rows are in sight."""
        return self.window.anchor == "newest" and self.in_sight()[0] < self.window.page_size

    # Data in

    def start(self, anchor: Direction = "newest") -> None:
        """Forget all rows and ask for those of one end."""
        self.window.reset(anchor)
        self.cursor, self.cursor_id, self._asked, self.newer = 0, None, None, False
        self._came_above = False
        self._resize_rows()
        self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self.ask()

    def take_page(self, request: PageRequest, chunk: Chunk[Any]) -> None:
        """Take a page that was asked for."""
        self._asked = None
        hold = self._hold()
        first_time = not self.window.loaded
        if self.window.put(request, chunk):
            at = self.window.index_of(self.cursor_id) if self.cursor_id else None
            self._settle(self.cursor if at is None else at, hold, to_end=first_time)
        self.ask()

    def take_head(self, generation: int, chunks: Sequence[Chunk[Any]], origin: str | None = None) -> None:
        """Take the first pages, or those after `origin`, read again. Kept as it is when the row being read lies beyond."""
        if generation != self.window.generation:
            return
        hold = self._hold()
        before = self.window
        fresh, target = self._read_again(chunks, origin)
        if target is None:
            self.newer = True
            return
        self.newer = origin is not None
        self._came_above |= fresh.anchor == "newest" and before.loaded and fresh.id_at(0) != before.id_at(0)
        self.window = fresh
        self._asked = None
        self._settle(target, hold)
        self.ask()

    def is_beyond(self, chunks: Sequence[Chunk[Any]]) -> bool:
        """Return whether the row being read lies beyond these first pages."""
        return self._read_again(chunks, None)[1] is None

    def _read_again(self, chunks: Sequence[Chunk[Any]], origin: str | None) -> tuple[Window[Any], int | None]:
        """Return the window of pages read again and the row the cursor goes to there: None when that is beyond them."""
        before = self.window
        fresh: Window[Any] = Window(self.identify, page_size=before.page_size)
        fresh.anchor, fresh.generation = before.anchor, before.generation
        fresh.replace_head(chunks, origin)
        if self.cursor_id is None:
            return fresh, 0
        found = find_again(before, fresh.ids(0, fresh.length), self.cursor_id, self.cursor)
        oldest = fresh.id_at(fresh.length - 1)
        if found is None and not fresh.ended and oldest is not None and self.cursor_id < oldest:
            return fresh, None
        return fresh, found[0] if found else 0

    def newer_above(self) -> bool:
        """Return whether rows came that are not in sight: above those that are, or not looked through yet."""
        self._came_above = self._came_above and self.scroll_offset.y > 0
        return self.newer or self._came_above

    def failed(self) -> None:
        """Learn that a page did not come, so that it can be asked for again."""
        self._asked = None

    def ask(self) -> None:
        """Ask for the first page in sight that is missing, once."""
        if self._settling:
            return
        request = self.window.wanted(*self.in_sight())
        if request is not None and request != self._asked:
            self._asked = request
            self.post_message(self.Wanted(self, request))

    def _hold(self) -> tuple[int, bool]:
        top = self.scroll_offset.y
        return self.line_of(self.cursor) - top, top == 0

    def _settle(self, target: int, hold: tuple[int, bool], *, to_end: bool = False) -> None:
        """Put the cursor on row `target`, and that row where the cursor's row was on the screen."""
        offset, was_top = hold
        self.cursor = max(0, min(target, self.window.length - 1))
        self.cursor_id = self.window.id_at(self.cursor)
        self._settling = True
        self._resize_rows()
        at = self.line_of(self.cursor)
        newest = self.window.anchor == "newest"
        top = 0 if newest and was_top and at < self.room else at - offset
        if to_end:
            top = 0 if newest else self.shown
        self.scroll_to(y=max(0, top), animate=False, immediate=True, force=True)
        self._settling = False
        self.refresh()
        self.post_message(self.CursorMoved(self, self.current))

    def _resize_rows(self) -> None:
        self.virtual_size = Size(self.size.width, self.shown + 1)

    # Moving

    def action_move(self, step: int) -> None:
        """Move the cursor down (or up) by lines."""
        self.move_to(self.cursor + (step if self.window.anchor == "newest" else -step))

    def action_page(self, direction: int) -> None:
        """Move the cursor by what fits on the screen."""
        self.action_move(direction * max(1, self.room - 1))

    def action_first(self) -> None:
        """Go to the first row: the newest."""
        if self.window.anchor == "oldest" and not self.window.ended:
            self.start("newest")
        elif self.window.anchor == "oldest":
            self.move_to(self.window.length - 1)
        elif self.newer or not self.on_top():
            # The first rows were not read again meanwhile: what is known of them may have changed since.
            self.start("newest")
        else:
            self.move_to(0)

    def action_last(self) -> None:
        """Go to the last row; a list that is longer than what is known is read from its other end."""
        if self.both_ends and self.window.anchor == "newest" and not self.window.ended:
            self.start("oldest")
        else:
            self.move_to(self.window.length - 1 if self.window.anchor == "newest" else 0)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row that is known, and bring it in sight."""
        if self.window.length == 0:
            return
        self.cursor = max(0, min(index, self.window.length - 1))
        self.cursor_id = self.window.id_at(self.cursor)
        at, top = self.line_of(self.cursor), self.scroll_offset.y
        if at < top:
            top = at
        elif at >= top + self.room:
            top = at - self.room + 1
        if self.cursor == self.window.length - 1 and not self.window.ended:
            top += 1 if self.window.anchor == "newest" else -1
        self.scroll_to(y=max(0, top), animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.CursorMoved(self, self.current))
        self.ask()

    def select(self, row_id: str) -> bool:
        """Put the cursor on the row with this id, if it is in memory."""
        index = self.window.index_of(row_id)
        if index is not None:
            self.move_to(index)
        return index is not None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for rows that come in sight, however they are scrolled."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value) and self.window.loaded:
            self.ask()

    def on_resize(self) -> None:
        """Keep the cursor's row in sight."""
        self._resize_rows()
        if self.window.loaded:
            self.move_to(self.cursor)
