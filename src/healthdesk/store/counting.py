"""How many records match a filter."""

from __future__ import annotations

from sqlalchemy import Connection, text

from healthdesk.store import ledger
from healthdesk.store.log_plan import Ranges, ranges
from healthdesk.store.rows import CountRow, RecordQuery

COUNTED_AT_ONCE = 64


def count(conn: Connection, query: RecordQuery, limit: int | None = None) -> CountRow:
    """Return how many records match, counting no further than `limit`.

    What the ledger knows (integration, environment, state) is exact without counting.
    """
    known = RecordQuery(query.integration_id, query.environment, states=query.states)
    if query == known:
        return CountRow(_from_ledger(conn, query))
    found = ranges(conn, query)
    total = 0
    for start in range(0, len(found.conditions), COUNTED_AT_ONCE):
        piece = Ranges(found.conditions[start : start + COUNTED_AT_ONCE], found.params)
        statement, params = count_statement(piece, limit)
        total += conn.execute(text(statement), params).scalar_one()
        if limit is not None and total > limit:
            return CountRow(limit, exact=False)
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
