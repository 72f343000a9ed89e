"""Searching the log: what the filter matches, in order, a bounded search at a time.

The filter is answered by the index that holds least of what it does not match (`log_bases`), and the rest of it is
looked at record by record (`log_residue`). Where that index holds much of what does not match, a search ends after
`MOST_LOOKED_AT` entries and says how far it came: no page is ever slow, at any depth and for any filter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, text

from healthdesk.domain.ids import id_time
from healthdesk.domain.states import RecordState
from healthdesk.store.columns import from_micros
from healthdesk.store.log_bases import Base, Range, dated, has_structure, sparse, structure
from healthdesk.store.log_residue import DATES, Params, residue
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_records import Order
from healthdesk.store.schema_jobs import jobs
from healthdesk.store.schema_setup import sources
from healthdesk.store.scope import on_sqlite

MOST_LOOKED_AT = 1_000
"""Entries of an index that one search reads at most. A base that is no larger is read whole where that helps."""

FIRST_LOOK = 100
"""Entries that are read before it is known how many of them match."""
RANGES_A_STATEMENT = 64


class Key(NamedTuple):
    """Where an entry stands: the date it is sorted by, in microseconds (0 where it is sorted by id), and its id."""

    at: int
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of one search, in order. `next` is where the next one begins; None at the end.

    `searched_to` is set where the search ended before it was full.
    """

    ids: list[str]
    next: str | None = None
    order: Order = "arrived"
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a filter is answered. `rest` are the conditions that entries of the base are still held to.

    `whole` says that the base is read whole and sorted by the date of `order`.
    """

    base: Base
    rest: tuple[str, ...]
    params: Params
    order: Order = "arrived"
    whole: bool = False

    @property
    def checked(self) -> bool:
        """Tell whether what a look reads is held to more than its range."""
        return bool(self.rest) and not self.whole


@dataclass(frozen=True, slots=True)
class Ranges:
    """SQL conditions on `records` whose union is what a filter matches, and their parameters. None: nothing can match."""

    conditions: tuple[str, ...]
    params: dict[str, Any]


def ranges(conn: Connection, query: RecordQuery) -> Ranges:
    """Return what the filter matches as conditions, for statements that count or change all of it."""
    plan = plan_of(conn, query, by_id=True)
    if plan is None:
        return Ranges((), {})
    rest = "".join(
        f" AND ({condition}) IS TRUE" for condition in plan.rest
    )  # so that no other index is taken for them
    conditions = tuple(
        f"{each.condition}{rest}"
        if each.table == "records"
        else f"id IN (SELECT {each.id} FROM {each.table} WHERE {each.condition}){rest}"  # noqa: S608 - our own text; values are parameters
        for each in plan.base.ranges
    )
    return Ranges(conditions, plan.params)


def order_of(query: RecordQuery) -> Order:
    """Return what a page of this filter is sorted by: the first date that it bounds, else arrival."""
    for date in DATES:
        if getattr(query, f"{date}_from") is not None or getattr(query, f"{date}_to") is not None:
            return date  # type: ignore[return-value]
    return "arrived"


def plan_of(
    conn: Connection, query: RecordQuery, *, by_id: bool = False, most: int = MOST_LOOKED_AT
) -> Plan | None:
    """Return how to answer a filter, in the order of its date or of ids; None where nothing can match."""
    params: Params = {}
    if query.source is not None:
        params["source"] = conn.execute(
            select(sources.c.id).where(sources.c.key == query.source)
        ).scalar_one_or_none()
        if params["source"] is None:
            return None
    if query.hold_reasons:
        if query.states and RecordState.HELD not in query.states:
            return None
        query = replace(query, states=(RecordState.HELD,))
    order = "arrived" if by_id else order_of(query)
    bases = [*sparse(query, params)]
    if not bases or has_structure(query):
        bases.append(structure(conn, query, params))
    if order == "arrived" and len(bases) == 1:
        return Plan(bases[0], _rest(query, bases[0], params), params)
    sizes = [size(conn, base, params, most) for base in bases]
    base = bases[sizes.index(min(sizes))]
    if order == "arrived" or min(sizes) <= most:
        return Plan(base, _rest(query, base, params), params, order, whole=order != "arrived")
    base = dated(query, order, params)
    return Plan(base, _rest(query, base, params), params, order)


def _rest(query: RecordQuery, base: Base, params: Params) -> tuple[str, ...]:
    return tuple(residue(query, params, base.covers))


def size(conn: Connection, base: Base, params: Params, most: int) -> int:
    """Return how many entries a base has, counting no further than one past `most`."""
    total = 0
    for piece in pieces(base.ranges):
        parts = (
            f"SELECT 1 FROM (SELECT 1 FROM {each.table} WHERE {each.condition} LIMIT :most) AS s{n}"  # noqa: S608 - our own text; values are parameters
            for n, each in enumerate(piece)
        )
        counted = f"SELECT count(*) FROM (SELECT 1 FROM ({' UNION ALL '.join(parts)}) AS a LIMIT :most) AS b"  # noqa: S608 - as above
        total += conn.execute(text(counted), params | {"most": most + 1}).scalar_one()
        if total > most:
            break
    return total


def pieces(found: Sequence[Range]) -> Iterator[Sequence[Range]]:
    """Cut ranges into statements of a size that databases accept and plan quickly."""
    for start in range(0, len(found), RANGES_A_STATEMENT):
        yield found[start : start + RANGES_A_STATEMENT]


def search(
    conn: Connection,
    query: RecordQuery,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
    by_id: bool = False,
    most: int = MOST_LOOKED_AT,
) -> Found:
    """Return up to `limit` ids that match and follow the cursor, reading about `most` entries. With `by_id` they are in
    the order of ids, whatever dates the filter bounds.
    """
    plan = plan_of(conn, query, by_id=by_id, most=most)
    if plan is None:
        return Found([])
    matching: list[Key] = []
    last = None if after is None else key_of(after)
    looked_at, look = 0, limit + 1
    if plan.checked:
        look = min(max(look, FIRST_LOOK), most)
    while True:
        seen = look_on(conn, plan, after=last, limit=look, newest_first=newest_first)
        looked_at += seen.entries
        matching += seen.keys
        if len(matching) > limit:
            kept = matching[:limit]
            return Found([key.id for key in kept], cursor_of(plan, kept[-1]), plan.order)
        ids = [key.id for key in matching]
        if seen.entries < look or seen.last is None:
            return Found(ids, None, plan.order)
        last = seen.last
        if looked_at >= most:
            return Found(ids, cursor_of(plan, last), plan.order, _time_of(plan, last))
        look = min(most - looked_at, max(FIRST_LOOK, _likely(limit + 1, len(matching), looked_at)))


def _likely(wanted: int, found: int, looked_at: int) -> int:
    """Return how many more entries hold what is still wanted if they match as often as before, and a quarter more."""
    return (wanted - found) * looked_at * 5 // (4 * max(1, found))


def cursor_of(plan: Plan, key: Key) -> str:
    """Return a place in a list as its cursor: an id, with the date before it where the list is sorted by one."""
    return key.id if plan.order == "arrived" else f"{key.at}.{key.id}"


def key_of(cursor: str) -> Key:
    """Return the place that a cursor names. One of a list in another order is none of this one's."""
    at, _, record_id = cursor.rpartition(".")
    return Key(int(at or 0), record_id)


def _time_of(plan: Plan, key: Key) -> datetime:
    return id_time(key.id) if plan.order == "arrived" else from_micros(key.at)


class Seen(NamedTuple):
    """What one look at the base found: what matches, how many entries it read, and the last of them."""

    keys: list[Key]
    entries: int
    last: Key | None


def look_on(conn: Connection, plan: Plan, *, after: Key | None, limit: int, newest_first: bool) -> Seen:
    """Read the next entries of the plan's base, in order, and hold them to the rest of the filter."""
    if plan.whole:
        statement, params = whole_statement(plan, after=after, limit=limit, newest_first=newest_first)
        return _seen([Key(*row) for row in conn.execute(text(statement), params)])
    found = [
        page_statement(plan, piece, after=after, limit=limit, newest_first=newest_first)
        for piece in pieces(plan.base.ranges)
    ]
    if plan.checked and len(found) == 1:
        [(statement, params)] = found
        rows = conn.execute(text(checked_statement(plan, statement, newest_first=newest_first)), params).all()
        keys = sorted((Key(row.place, row.entry) for row in rows if row.n == 0), reverse=newest_first)
        end = next((row for row in rows if row.n), None)
        return Seen(keys, 0, None) if end is None else Seen(keys, end.n, Key(end.place, end.entry))
    keys = [Key(*row) for statement, params in found for row in conn.execute(text(statement), params)]
    if len(found) > 1:
        keys = sorted(keys, reverse=newest_first)[:limit]
    seen = _seen(keys)
    return seen._replace(keys=_kept(conn, plan, keys)) if plan.checked else seen


def _seen(keys: list[Key]) -> Seen:
    return Seen(keys, len(keys), keys[-1] if keys else None)


def page_statement(
    plan: Plan, piece: Sequence[Range], *, after: Key | None, limit: int, newest_first: bool
) -> tuple[str, Params]:
    """Return the SQL of the next entries of some ranges; a test reads its plan."""
    params = plan.params | {"limit": limit}
    if after is not None:
        params |= {"after": after.id, "after_at": after.at}
    parts = [
        _dated_part(plan, each, after, newest_first=newest_first)
        if each.at
        else _id_part(each, after, newest_first=newest_first)
        for each in piece
    ]
    if len(parts) == 1:
        return parts[0], params
    way = "DESC" if newest_first else "ASC"
    merged = " UNION ALL ".join(f"SELECT place, id FROM ({part}) AS p{n}" for n, part in enumerate(parts))  # noqa: S608 - our own text; values are parameters
    by = f"place {way}, id {way}" if plan.order != "arrived" else f"id {way}"
    return f"SELECT place, id FROM ({merged}) AS merged ORDER BY {by} LIMIT :limit", params  # noqa: S608 - as above


def _id_part(each: Range, after: Key | None, *, newest_first: bool) -> str:
    way, than = ("DESC", "<") if newest_first else ("ASC", ">")
    cursor = f" AND {each.id} {than} :after" if after is not None else ""
    return (
        f"SELECT 0 AS place, {each.id} AS id FROM {each.table} WHERE {each.condition}{cursor}"  # noqa: S608 - as above
        f" ORDER BY {each.id} {way} LIMIT :limit"
    )


def _dated_part(plan: Plan, each: Range, after: Key | None, *, newest_first: bool) -> str:
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
        f"SELECT {each.at} AS place, id FROM records WHERE {' AND '.join([each.condition, *given])}"  # noqa: S608 - as above
        f" ORDER BY {each.at} {way}, id {way} LIMIT :limit"
    )


def checked_statement(plan: Plan, statement: str, *, newest_first: bool) -> str:
    """Return the SQL that holds the entries of a page to the rest of the filter, and has one row more that says how many
    entries it read (`n`, else 0) and where the last of them stands.

    CROSS JOIN has SQLite look up each entry, where it would otherwise read all records of a source.
    """
    back = "ASC" if newest_first else "DESC"
    rest = " AND ".join(["id = entry", *plan.rest, *_moved(plan)])
    return (
        f"WITH page AS MATERIALIZED (SELECT place, id AS entry FROM ({statement}) AS base)"  # noqa: S608 - our own text; values are parameters
        f" SELECT 0 AS n, place, entry FROM page CROSS JOIN records WHERE {rest}"
        " UNION ALL SELECT n, place, entry FROM (SELECT (SELECT count(*) FROM page) AS n, place, entry FROM page"
        f" ORDER BY place {back}, entry {back} LIMIT 1) AS last"
    )


def whole_statement(plan: Plan, *, after: Key | None, limit: int, newest_first: bool) -> tuple[str, Params]:
    """Return the SQL that reads a small base whole and sorts what matches by its date."""
    way, than = ("DESC", "<") if newest_first else ("ASC", ">")
    column = DATES[plan.order]
    inner = " UNION ALL ".join(
        f"SELECT {each.id} AS entry FROM {each.table} WHERE {each.condition}"  # noqa: S608 - as above
        for each in plan.base.ranges
    )
    params = plan.params | {"limit": limit}
    conditions = ["id = entry", *plan.rest]
    if after is not None:
        params |= {"after": after.id, "after_at": after.at}
        conditions.append(f"({column}, id) {than} (:after_at, :after)")
    return (
        f"SELECT {column} AS place, id FROM ({inner}) AS base CROSS JOIN records WHERE {' AND '.join(conditions)}"  # noqa: S608 - as above
        f" ORDER BY {column} {way}, id {way} LIMIT :limit"
    ), params


def _moved(plan: Plan) -> list[str]:
    """An entry of the index of first attempts stands for a last one only where there was no other."""
    return ["last_attempt_at = place"] if plan.order == "last_attempt" else []


def _kept(conn: Connection, plan: Plan, keys: list[Key]) -> list[Key]:
    """Return the entries whose records fit the rest of the filter: for more ranges than go into one statement."""
    if not keys:
        return []
    ids = [key.id for key in keys]
    given: str | list[str]
    if on_sqlite(conn):
        given, entries = json.dumps(ids), "SELECT value AS entry FROM json_each(:ids)"
    else:
        given, entries = ids, "SELECT unnest(CAST(:ids AS text[])) AS entry"
    conditions = " AND ".join(["id = entry", *plan.rest])
    found = conn.execute(
        text(f"SELECT id FROM ({entries}) AS given CROSS JOIN records WHERE {conditions}"),  # noqa: S608 - as above
        plan.params | {"ids": given},
    )
    fits = set(found.scalars())
    return [key for key in keys if key.id in fits]


def job_exists(conn: Connection, job_id: str) -> bool:
    """Tell whether there is such a job."""
    return conn.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None
