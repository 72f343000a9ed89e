"""The SQL of a search of the log: the next entries of its index, and which of them fit the rest of the filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from healthdesk.store.log_bases import Range
from healthdesk.store.log_plan import Plan
from healthdesk.store.log_residue import DATES, HIGHEST, Params

FENCED = 4
"""Ranges of a page that are each read as far as the page could need. Of more the database is left to read them together,
entry by entry.
"""


class Key(NamedTuple):
    """Where an entry stands: the date it is sorted by, in microseconds (0 where it is sorted by id), and its id."""

    at: int
    id: str


_LIMIT = "LIMIT :limit"
"""How many entries are read; `_cut` puts the number in its place."""


def page_statement(
    plan: Plan, piece: Sequence[Range], *, after: Key | None, limit: int, newest_first: bool
) -> tuple[str, Params]:
    """Return the SQL of the next entries of some ranges: place and id. A test reads its plan."""
    return _cut(_entries(plan, piece, after, newest_first=newest_first), limit), _given(plan, after)


def told_statement(
    plan: Plan, piece: Sequence[Range], *, after: Key | None, limit: int, newest_first: bool
) -> tuple[str, Params]:
    """Return the SQL of the next entries of some ranges, each with what its index says of it: whether it `fits` the rest
    of the filter.
    """
    entries = _entries(plan, piece, after, newest_first=newest_first, held=True)
    return _cut(entries, limit), _given(plan, after)


def _entries(
    plan: Plan, piece: Sequence[Range], after: Key | None, *, newest_first: bool, held: bool = False
) -> str:
    """Return the SQL of the next entries of some ranges. Those that are `held` to the rest have a column for it."""
    fenced = plan.fenced and len(piece) <= FENCED
    parts = [
        _part(
            plan,
            each,
            after,
            newest_first=newest_first,
            fenced=fenced,
            beside=_fits(plan, each) if held else "",
        )
        for each in piece
    ]
    if len(parts) == 1:
        return parts[0]
    columns = "place, id, fits" if held else "place, id"
    way = "DESC" if newest_first else "ASC"
    merged = " UNION ALL ".join(f"SELECT {columns} FROM ({part}) AS p{n}" for n, part in enumerate(parts))  # noqa: S608 - our own text; values are parameters
    by = f"place {way}, id {way}" if plan.order != "arrived" else f"id {way}"
    return f"SELECT {columns} FROM ({merged}) AS merged ORDER BY {by} {_LIMIT}"  # noqa: S608 - as above


def checked_statement(
    plan: Plan, piece: Sequence[Range], *, after: Key | None, limit: int, newest_first: bool
) -> tuple[str, Params]:
    """Return the SQL of those of the next entries that fit the rest of the filter: `n` is 0, `place`, `entry`. One row
    more says how many entries were read (`n`) and where the last of them stands.

    One range of records is held to the rest as it is read, and so are several where their index tells enough. Otherwise
    each of those is read as far as the page could need, so that only the entries of the page are looked up; CROSS JOIN
    has SQLite do that by id, where it would otherwise read all records of a source. PostgreSQL, too, would read those by
    id if it needed more of them than their index has.
    """
    if plan.told or (len(piece) == 1 and piece[0].table == "records"):
        inner = _entries(plan, piece, after, newest_first=newest_first, held=True)
        page, fitting = f"SELECT place, id AS entry, fits FROM ({inner}) AS base", "page WHERE fits"  # noqa: S608 - as above
    else:
        inner = _entries(plan, piece, after, newest_first=newest_first)
        page = f"SELECT place, id AS entry FROM ({inner}) AS base"  # noqa: S608 - as above
        # An entry of the index of first attempts stands for a last one only where there was no other.
        moved = ["last_attempt_at = place"] if plan.order == "last_attempt" else []
        rest = " AND ".join(["id = entry", *plan.rest, *moved])
        fitting = f"page CROSS JOIN records WHERE {rest}"
    back = "ASC" if newest_first else "DESC"
    statement = (
        f"WITH page AS MATERIALIZED ({page})"  # noqa: S608 - as above
        f" SELECT 0 AS n, place, entry FROM {fitting}"
        " UNION ALL SELECT n, place, entry FROM (SELECT (SELECT count(*) FROM page) AS n, place, entry FROM page"
        f" ORDER BY place {back}, entry {back} LIMIT 1) AS last"
    )
    return _cut(statement, limit), _given(plan, after)


def checked_count_statement(plan: Plan, piece: Sequence[Range], *, limit: int) -> tuple[str, Params]:
    """Return the SQL that reads so many entries of some ranges, the newest of each first: how many they were (`n`), and
    how many of them fit the rest of the filter (`fitting`).
    """
    found = (
        _part(plan, each, None, newest_first=True, fenced=plan.fenced, beside=_fits(plan, each))
        for each in piece
    )
    parts = " UNION ALL ".join(f"SELECT fits FROM ({part}) AS c{n}" for n, part in enumerate(found))  # noqa: S608 - our own text; values are parameters
    statement = (
        "SELECT count(*) AS n, count(CASE WHEN fits THEN 1 END) AS fitting"  # noqa: S608 - as above
        f" FROM (SELECT fits FROM ({parts}) AS merged {_LIMIT}) AS looked_at"
    )
    return _cut(statement, limit), _given(plan, None)


def _fits(plan: Plan, each: Range) -> str:
    """Return whether an entry fits the rest of the filter, as a column beside it."""
    moved = [f"last_attempt_at = {each.at}"] if plan.order == "last_attempt" and each.at else []
    rest = " AND ".join([*plan.rest, *moved]) or "1 = 1"
    if each.table != "records":
        rest = f"SELECT ({rest}) FROM records WHERE records.id = {each.table}.{each.id}"  # noqa: S608 - as above
    return f", ({rest}) AS fits"


def _cut(statement: str, limit: int) -> str:
    """Return a statement that reads so many entries.

    They are no parameter: without the number PostgreSQL takes a tenth of the table for what is read, thinks that a plan for all
    values costs more than one for these, and plans the statement anew each time, which takes longer than to run it.
    """
    return statement.replace(_LIMIT, f"LIMIT {limit:d}")


def _given(plan: Plan, after: Key | None) -> Params:
    return plan.params if after is None else plan.params | {"after": after.id, "after_at": after.at}


def _part(
    plan: Plan,
    each: Range,
    after: Key | None,
    *,
    newest_first: bool,
    fenced: bool,
    beside: str = "",
) -> str:
    """Return the SQL of a range's next entries, with the columns `beside` place and id."""
    part = _dated_part if each.at else _fenced_part if fenced and each.lead else _id_part
    return part(plan, each, after, newest_first=newest_first, beside=beside)


def _fenced_part(plan: Plan, each: Range, after: Key | None, *, newest_first: bool, beside: str) -> str:
    """The range as a span of rows, sorted by all its columns: only its index is sorted so.

    PostgreSQL takes a column that equals one value for no column to sort by. Where much of the log matches it would read
    the log by id, past everything that came since the last match.
    """
    way = "DESC" if newest_first else "ASC"
    columns = [*(column for column, _ in each.lead), "id"]
    values = ", ".join(value for _, value in each.lead)
    ends = [
        [f":{name}" for name in names if name in plan.params or (name == "after" and after is not None)]
        for names in (
            ("from_id", *(() if newest_first else ("after",))),
            ("to_id", *(("after",) if newest_first else ())),
        )
    ]
    lowest = f"GREATEST({', '.join(ends[0])})" if ends[0] else "''"
    highest = f"LEAST({', '.join(ends[1])})" if ends[1] else f"'{HIGHEST}'"
    conditions = [
        f"({', '.join(columns)}) >= ({values}, {lowest})",
        f"({', '.join(columns)}) <= ({values}, {highest})",
        *each.beyond,
        *([f"id {'<' if newest_first else '>'} :after"] if after is not None else []),
    ]
    return (
        f"SELECT 0 AS place, id{beside} FROM records WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own text; values are parameters
        f" ORDER BY {', '.join(f'{column} {way}' for column in columns)} {_LIMIT}"
    )


def _id_part(_plan: Plan, each: Range, after: Key | None, *, newest_first: bool, beside: str) -> str:
    way, than = ("DESC", "<") if newest_first else ("ASC", ">")
    cursor = f" AND {each.id} {than} :after" if after is not None else ""
    return (
        f"SELECT 0 AS place, {each.id} AS id{beside} FROM {each.table} WHERE {each.condition}{cursor}"  # noqa: S608 - as above
        f" ORDER BY {each.id} {way} {_LIMIT}"
    )


def _dated_part(plan: Plan, each: Range, after: Key | None, *, newest_first: bool, beside: str) -> str:
    """One end of the range is the filter's, the other the cursor: both at once and the further one would be read."""
    way, than = ("DESC", "<") if newest_first else ("ASC", ">")
    name = plan.order
    bounds = {"from": f"{each.at} >= :{name}_from", "to": f"{each.at} < :{name}_to"}
    if after is not None:
        bounds["to" if newest_first else "from"] = f"({each.at}, id) {than} (:after_at, :after)"
    given = [
        bound
        for end, bound in bounds.items()
        if f"{name}_{end}" in plan.params or (after is not None and end == ("to" if newest_first else "from"))
    ]
    return (
        f"SELECT {each.at} AS place, id{beside} FROM records WHERE {' AND '.join([each.condition, *given])}"  # noqa: S608 - as above
        f" ORDER BY {each.at} {way}, id {way} {_LIMIT}"
    )


def whole_statement(
    plan: Plan, piece: Sequence[Range], *, after: Key | None, limit: int, newest_first: bool
) -> tuple[str, Params]:
    """Return the SQL that reads a small base whole and sorts what matches by its date."""
    way, than = ("DESC", "<") if newest_first else ("ASC", ">")
    column = DATES[plan.order]
    inner = " UNION ALL ".join(
        f"SELECT {each.id} AS entry FROM {each.table} WHERE {each.condition}"  # noqa: S608 - as above
        for each in piece
    )
    conditions = ["id = entry", f"{column} IS NOT NULL", *plan.rest]
    if after is not None:
        conditions.append(f"({column}, id) {than} (:after_at, :after)")
    statement = (
        f"SELECT {column} AS place, id FROM ({inner}) AS base CROSS JOIN records WHERE {' AND '.join(conditions)}"  # noqa: S608 - as above
        f" ORDER BY {column} {way}, id {way} {_LIMIT}"
    )
    return _cut(statement, limit), _given(plan, after)
