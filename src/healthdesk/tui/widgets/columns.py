"""Columns of a table, and how they share its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` cells at least, and a share `flex` of what is left.

    `from_width` leaves the column out of tables narrower than that.
    """

    title: str
    width: int
    flex: int = 0
    right: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a column is drawn: `index` among all columns, and its width now."""

    index: int
    column: Column
    width: int


def lay_out(columns: Sequence[Column], width: int, *, gap: int = 1) -> list[Slot]:
    """Return the columns that a table of `width` cells shows, with their widths.

    When even the fixed widths do not fit, flexible columns shrink to 4 cells and then the last ones are dropped.
    """
    shown = [(index, column) for index, column in enumerate(columns) if width >= column.from_width]
    while len(shown) > 1 and _least(shown, gap) > width:
        shown.pop()
    fixed = sum(column.width for _, column in shown) + gap * (len(shown) - 1)
    spare = width - fixed
    weight = sum(column.flex for _, column in shown)
    slots = []
    for index, column in shown:
        extra = 0
        if weight and column.flex:
            extra = spare * column.flex // weight
            spare -= extra
            weight -= column.flex
        slots.append(Slot(index, column, max(1, column.width + extra)))
    return slots


def _least(shown: Sequence[tuple[int, Column]], gap: int) -> int:
    widths = sum(min(column.width, 4) if column.flex else column.width for _, column in shown)
    return widths + gap * (len(shown) - 1)
