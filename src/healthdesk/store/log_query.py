"""Searching the log: what the filter matches, in order, a bounded search at a time.

The filter is answered by the index that holds least of what it does not match (`log_plan`, `log_bases`), and the rest
of it is looked at record by record (`log_residue`). Where that index holds much of what does not match, a search ends
after `MOST_LOOKED_AT` entries and says how far it came: no page is ever slow, at any depth and for any filter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from healthdesk.domain.ids import id_time
from healthdesk.store.columns import from_micros
from healthdesk.store.log_plan import MOST_LOOKED_AT, Plan, pieces, plan_of
from healthdesk.store.log_residue import Params
from healthdesk.store.log_sql import Key, checked_statement, page_statement, told_statement, whole_statement
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_log import Order
from healthdesk.store.schema_jobs import jobs
from healthdesk.store.scope import on_sqlite

FIRST_LOOK = 100
"""Entries that are read before it is known how many of them match."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of one search, in order. `next` is where the next one begins; None at the end.

    `searched_to` is set where the search ended before it was full.
    """

    ids: list[str]
    next: str | None = None
    order: Order = "arrived"
    searched_to: datetime | None = None


def search(
    conn: Connection,
    query: RecordQuery,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
    order: Order | None = None,
    most: int = MOST_LOOKED_AT,
) -> Found:
    """Return up to `limit` ids that match and follow the cursor, reading about `most` entries, in this order or in that of
    the first date that the filter bounds.
    """
    plan = plan_of(conn, query, order=order, most=most)
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
    parts = list(pieces(plan.base.ranges))
    if plan.whole:
        whole = [
            whole_statement(plan, piece, after=after, limit=limit, newest_first=newest_first)
            for piece in parts
        ]
        return _seen(_merged(conn, whole, limit=limit, newest_first=newest_first))
    if plan.checked and len(parts) == 1:
        statement, params = checked_statement(
            plan, parts[0], after=after, limit=limit, newest_first=newest_first
        )
        rows = conn.execute(text(statement), params).all()
        keys = sorted((Key(row.place, row.entry) for row in rows if row.n == 0), reverse=newest_first)
        end = next((row for row in rows if row.n), None)
        return Seen(keys, 0, None) if end is None else Seen(keys, end.n, Key(end.place, end.entry))
    if plan.checked and plan.told:
        told = [
            told_statement(plan, piece, after=after, limit=limit, newest_first=newest_first)
            for piece in parts
        ]
        return _seen_told(conn, told, limit=limit, newest_first=newest_first)
    found = [
        page_statement(plan, piece, after=after, limit=limit, newest_first=newest_first) for piece in parts
    ]
    seen = _seen(_merged(conn, found, limit=limit, newest_first=newest_first))
    return seen._replace(keys=_kept(conn, plan, seen.keys)) if plan.checked else seen


def _merged(
    conn: Connection, found: Sequence[tuple[str, Params]], *, limit: int, newest_first: bool
) -> list[Key]:
    """Return the first entries of statements that are each in order."""
    keys = [Key(*row) for statement, params in found for row in conn.execute(text(statement), params)]
    return sorted(keys, reverse=newest_first)[:limit] if len(found) > 1 else keys


def _seen_told(
    conn: Connection, found: Sequence[tuple[str, Params]], *, limit: int, newest_first: bool
) -> Seen:
    """Return the first entries of statements that are each in order, of which the index tells whether they fit."""
    entries = [
        (Key(row.place, row.id), row.fits)
        for statement, params in found
        for row in conn.execute(text(statement), params)
    ]
    entries = sorted(entries, key=itemgetter(0), reverse=newest_first)[:limit]
    return Seen([key for key, fits in entries if fits], len(entries), entries[-1][0] if entries else None)


def _seen(keys: list[Key]) -> Seen:
    return Seen(keys, len(keys), keys[-1] if keys else None)


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
