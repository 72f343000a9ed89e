"""How many records match a filter."""

from __future__ import annotations

from sqlalchemy import Connection, text

from healthdesk.store import ledger
from healthdesk.store.log_query import count_statement, pieces, ranges
from healthdesk.store.rows import CountRow, RecordQuery


def count(conn: Connection, query: RecordQuery, limit: int | None = None) -> CountRow:
    """Return how many records match, counting no further than `limit`.

    What the ledger knows (integration, environment, state) is exact without counting.
    """
    known = RecordQuery(query.integration_id, query.environment, states=query.states)
    if query == known:
        return CountRow(_from_ledger(conn, query))
    total = 0
    for piece in pieces(ranges(conn, query)):
        statement, params = count_statement(piece, limit)
        total += conn.execute(text(statement), params).scalar_one()
        if limit is not None and total > limit:
            return CountRow(limit, exact=False)
    return CountRow(total)


def _from_ledger(conn: Connection, query: RecordQuery) -> int:
    wanted = {state.value for state in query.states}
    return sum(
        number
        for row in ledger.totals(conn)
        if query.integration_id in {None, row.integration_id} and query.environment in {None, row.environment}
        for state, number in row.states.items()
        if not wanted or state in wanted
    )
