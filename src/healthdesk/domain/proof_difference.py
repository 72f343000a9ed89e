"""What one collection has that another has not, row by row. Both are read once, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby

from healthdesk.domain.proof import MOST_CHARACTERS, Row, id_order

MOST_LISTED = 500
"""Rows of each kind that a difference lists; it counts all."""

_Told = tuple[Row, Row]
"""A row by the columns that both sides have, and whole."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two collections that are compared. `id_column` is the key of the column that tells rows apart, or empty."""

    columns: Sequence[str]
    id_column: str
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True)
class Change:
    """A row that differs: what it said before and what it says, by column."""

    id: str
    before: dict[str, str]
    after: dict[str, str]


@dataclass(slots=True)
class Difference:
    """What two collections do not share. Rows are those of `columns`: the later one's, then what only the other has.

    The lists hold the first of each kind, `totals` counts all: `added`, `removed`, `changed`, `unchanged`. A column that
    only one side has makes no row different.
    """

    columns: list[str]
    columns_added: list[str]
    columns_removed: list[str]
    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    room: int = MOST_CHARACTERS

    @property
    def cut(self) -> bool:
        """Tell whether there is more than the lists hold."""
        listed: dict[str, Sequence[object]] = {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
        }
        return any(len(rows) < self.totals[kind] for kind, rows in listed.items())

    def counts(self, kind: str, rows: Sequence[object], characters: int) -> bool:
        """Count a row of a kind; tell whether there is room to list it."""
        self.totals[kind] += 1
        self.room -= characters
        return len(rows) < MOST_LISTED and self.room >= 0


def difference(before: Side, after: Side) -> Difference:
    """Compare two collections by the later one's id column.

    Of rows that share an id those that are the same cancel out, and the others change in their order. Rows without an id,
    and all of a dataset that has none, are the same, added or removed. Sides that were packed with the same id column are
    never whole in memory.
    """
    gone = [key for key in before.columns if key not in after.columns]
    new = [key for key in after.columns if key not in before.columns]
    shared = [key for key in after.columns if key in before.columns]
    found = Difference([*after.columns, *gone], new, gone)
    known_by = after.id_column if after.id_column in shared else ""
    packed_alike = before.id_column == after.id_column == known_by and (
        bool(known_by) or list(before.columns) == list(after.columns)
    )
    sides = [
        _keyed(side, number, known_by, shared, packed_alike) for number, side in enumerate((before, after))
    ]
    for _, group in groupby(merge(*sides, key=_key), key=_key):
        here: tuple[list[_Told], list[_Told]] = ([], [])
        for _, number, told in group:
            here[number].append(told)
        _compare(found, (before.columns, after.columns), shared, known_by, *here)
    return found


_Keyed = tuple[tuple[object, ...], int, _Told]


def _key(each: _Keyed) -> tuple[object, ...]:
    return each[0]


def _keyed(
    side: Side,
    number: int,
    known_by: str,
    shared: Sequence[str],
    packed_alike: bool,  # noqa: FBT001 - a fact, passed on
) -> Iterable[_Keyed]:
    """Return the rows of a side with what they are matched by, in its order."""

    def keyed() -> Iterator[_Keyed]:
        columns = [side.columns.index(key) for key in shared]
        at = side.columns.index(known_by) if known_by else -1
        for row in side.rows:
            told = tuple(row[column] for column in columns)
            yield (id_order(row[at]) if known_by else told), number, (told, row)

    return keyed() if packed_alike else sorted(keyed(), key=_key)


def _compare(
    found: Difference,
    columns: tuple[Sequence[str], Sequence[str]],
    shared: Sequence[str],
    known_by: str,
    before: list[_Told],
    after: list[_Told],
) -> None:
    """Compare the rows of one id, or those that are the same where there is none."""
    same = Counter(told for told, _ in before) & Counter(told for told, _ in after)
    found.totals["unchanged"] += same.total()
    went, came = _without(before, same), _without(after, same)
    known_as = after[0][0][shared.index(known_by)] if known_by and after else ""
    pairs = min(len(went), len(came)) if known_as else 0
    for (_, was), (_, now) in zip(went[:pairs], came[:pairs], strict=True):
        if found.counts("changed", found.changed, sum(map(len, was + now))):
            rows = [dict(zip(keys, row, strict=True)) for keys, row in zip(columns, (was, now), strict=True)]
            found.changed.append(Change(known_as, *rows))
    for _, row in went[pairs:]:
        if found.counts("removed", found.removed, sum(map(len, row))):
            cells = dict(zip(columns[0], row, strict=True))
            found.removed.append(tuple(cells.get(key, "") for key in found.columns))
    for _, row in came[pairs:]:
        if found.counts("added", found.added, sum(map(len, row))):
            found.added.append((*row, *("" for _ in found.columns_removed)))


def _without(rows: list[_Told], same: Counter[Row]) -> list[_Told]:
    left = same.copy()
    kept = []
    for each in rows:
        if left[each[0]]:
            left[each[0]] -= 1
        else:
            kept.append(each)
    return kept
