"""How many records match a filter."""

from __future__ import annotations

from sqlalchemy import Connection, text

from healthdesk.store import ledger
from healthdesk.store.log_plan import Plan, Ranges, pieces, plan_of, ranges
from healthdesk.store.log_sql import checked_count_statement
from healthdesk.store.rows import CountRow, RecordQuery

COUNTED_AT_ONCE = 64

MOST_COUNTED_OF = 10_000
"""Entries of an index that a count up to a limit reads at most, where not all of them match."""


def count(
    conn: Connection, query: RecordQuery, limit: int | None = None, *, most: int = MOST_COUNTED_OF
) -> CountRow:
    """Return how many records match, counting no further than `limit` and reading about `most` entries; without a limit
    all are counted, however many there are to read. Where it is not exact, there are at least as many.

    What the ledger knows (integration, environment, state) is exact without counting.
    """
    known = RecordQuery(query.integration_id, query.environment, states=query.states)
    if query == known:
        return CountRow(_from_ledger(conn, query))
    if limit is not None:
        plan = plan_of(conn, query, most=min(most, MOST_COUNTED_OF))
        if plan is not None and (plan.rest or plan.order != "arrived"):
            return _checked(conn, plan, limit, most)
    found = ranges(conn, query)
    total = 0
    for start in range(0, len(found.conditions), COUNTED_AT_ONCE):
        piece = Ranges(found.conditions[start : start + COUNTED_AT_ONCE], found.params)
        statement, params = count_statement(piece, limit)
        total += conn.execute(text(statement), params).scalar_one()
        if limit is not None and total > limit:
            return CountRow(limit, exact=False)
    return CountRow(total)


def _checked(conn: Connection, plan: Plan, limit: int, most: int) -> CountRow:
    """Count what fits among the first entries of a base that holds more than that."""
    total = 0
    for piece in pieces(plan.base.ranges):
        statement, params = checked_count_statement(plan, piece, limit=most + 1)
        row = conn.execute(text(statement), params).one()
        total, most = total + row.fitting, most - row.n
        if total > limit:
            return CountRow(limit, exact=False)
        if most < 0:
            return CountRow(total, exact=False)
    return CountRow(total)


def count_statement(found: Ranges, limit: int | None) -> tuple[str, dict[str, object]]:
    """Return the SQL that counts what matches, no further than one past `limit`."""
    params = dict(found.params)
    if limit is None:
        parts = [f"(SELECT count(*) FROM records WHERE {condition})" for condition in found.conditions]  # noqa: S608 - our own text; values are parameters
        return "SELECT " + " + ".join(parts), params
    params["limit"] = limit + 1
    parts = [
        f"SELECT 1 AS one FROM (SELECT 1 AS one FROM records WHERE {condition} LIMIT :limit) AS c{n}"  # noqa: S608 - as above
        for n, condition in enumerate(found.conditions)
    ]
    merged = " UNION ALL ".join(parts)
    return f"SELECT count(*) FROM (SELECT one FROM ({merged}) AS merged LIMIT :limit) AS counted", params  # noqa: S608 - as above


def _from_ledger(conn: Connection, query: RecordQuery) -> int:
    wanted = {state.value for state in query.states}
    return sum(
        number
        for row in ledger.totals(conn)
        if query.integration_id in {None, row.integration_id} and query.environment in {None, row.environment}
        for state, number in row.states.items()
        if not wanted or state in wanted
    )
