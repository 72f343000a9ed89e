"""Aligned tables that fit a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from healthdesk.cli.marks import Cell, paint
from healthdesk.cli.text import cells, clean, cut, pad, wrap

GAP = "  "
INDENT = "    "
NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `flex` ones are cut to fit; then those with the highest `spare` are left out.

    Where the table is too wide, what is `below` stands whole on lines under its row instead.
    """

    title: str
    right: bool = False
    flex: bool = False
    spare: int = 0
    below: bool = False


def render(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell | str]],
    *,
    width: int | None,
    ascii_only: bool,
    colour: bool,
) -> Iterator[str]:
    """Yield the lines of a table: titles, then rows. Without a width nothing is cut."""
    grid = [[_cleaned(cell, ascii_only=ascii_only) for cell in row] for row in rows]
    natural = [
        max([cells(column.title), *(cells(row[index].text) for row in grid)])
        for index, column in enumerate(columns)
    ]
    everything = sum(natural) + len(GAP) * (len(columns) - 1)
    under = (
        [index for index, column in enumerate(columns) if column.below]
        if width is not None and everything > width
        else []
    )
    shown, widths = _fit(columns, natural, width, without=under)
    titles = [Cell(columns[index].title) for index in shown]
    yield _line([columns[index] for index in shown], titles, widths, ascii_only=ascii_only, colour=False)
    for row in grid:
        picked = [row[index] for index in shown]
        yield _line([columns[index] for index in shown], picked, widths, ascii_only=ascii_only, colour=colour)
        if width is not None:
            yield from _under([(columns[index].title, row[index].text) for index in under], width)


def _cleaned(cell: Cell | str, *, ascii_only: bool) -> Cell:
    if isinstance(cell, str):
        return Cell(clean(cell, ascii_only=ascii_only))
    return Cell(clean(cell.text, ascii_only=ascii_only), cell.tone)


def _under(named: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield the lines under a row: `Title: text` of each that is not empty."""
    for title, text in named:
        if text:
            yield from wrap(f"{title}: {text}", width, indent=INDENT, hang=f"{INDENT}  ")


def _fit(
    columns: Sequence[Column], natural: Sequence[int], width: int | None, *, without: Sequence[int] = ()
) -> tuple[list[int], list[int]]:
    """Return which columns are shown, and how wide each is."""
    shown = [index for index in range(len(columns)) if index not in without]
    if width is None:
        return shown, list(natural)
    while True:
        least = [
            min(natural[index], max(NARROWEST, cells(columns[index].title)))
            if columns[index].flex
            else natural[index]
            for index in shown
        ]
        gaps = len(GAP) * (len(shown) - 1)
        droppable = [index for index in shown if columns[index].spare]
        if sum(least) + gaps <= width or not droppable:
            return shown, _spread([natural[index] for index in shown], least, width - gaps)
        shown.remove(max(droppable, key=lambda index: columns[index].spare))


def _spread(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return widths between least and natural that fill the room: the widest column gives first."""
    widths = list(natural)
    while sum(widths) > room:
        givers = [index for index in range(len(widths)) if widths[index] > least[index]]
        if not givers:
            break
        widths[max(givers, key=lambda index: widths[index])] -= 1
    return widths


def _line(
    columns: Sequence[Column],
    row: Sequence[Cell],
    widths: Sequence[int],
    *,
    ascii_only: bool,
    colour: bool,
) -> str:
    parts = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        text = pad(cut(cell.text, width, ascii_only=ascii_only), width, right=column.right)
        parts.append(paint(text, cell.tone) if colour else text)
    return GAP.join(parts).rstrip()
