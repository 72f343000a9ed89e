"""The log's filter as index ranges.

Each index of `records` ends in (environment, state, id). A filter that leaves environment or state open is
answered by one range for each value they can have, each in id order; merging ranges that are sorted costs no
more than reading the page. So a page costs the same at any depth and for any filter.

The index of sources begins (source, integration): a filter by source alone has ranges for every integration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from healthdesk.domain.ids import first_id_at
from healthdesk.domain.states import Environment, RecordState
from healthdesk.store.log_residue import residue
from healthdesk.store.rows import RecordQuery
from healthdesk.store.schema_jobs import jobs
from healthdesk.store.schema_setup import integrations, sources

PREFIX = "rec"
RANGES_A_STATEMENT = 64


@dataclass(frozen=True, slots=True)
class Ranges:
    """SQL conditions, each one range of one index, and their parameters. No conditions: nothing can match."""

    conditions: tuple[str, ...]
    params: dict[str, Any]


def ranges(conn: Connection, query: RecordQuery) -> Ranges:
    """Return the index ranges whose union is what the filter matches."""
    params: dict[str, Any] = {}
    bounds = _bounds(query, params) + residue(query, params)
    if query.problem_id is not None:
        return Ranges((_of_problem(query, params) + bounds,), params)
    if query.source is not None:
        heads = _of_source(conn, query, params)
    elif query.integration_id is not None:
        params["integration"] = query.integration_id
        heads = ["integration_id = :integration AND "]
    elif query.environment is None and not query.states:
        return Ranges((("1 = 1" + bounds),), params)
    else:
        heads = [""]
    environments = [query.environment] if query.environment else list(Environment)
    states = list(query.states or RecordState)
    conditions = tuple(
        f"{head}environment = '{environment.value}' AND state = '{state.value}'{bounds}"
        for head in heads
        for environment in environments
        for state in states
    )
    return Ranges(conditions, params)


def _bounds(query: RecordQuery, params: dict[str, Any]) -> str:
    """Arrival is in the id, so a range of time is a range of ids."""
    bounds = ""
    if query.arrived_from is not None:
        params["from_id"] = first_id_at(PREFIX, query.arrived_from)
        bounds += " AND id >= :from_id"
    if query.arrived_to is not None:
        params["to_id"] = first_id_at(PREFIX, query.arrived_to)
        bounds += " AND id < :to_id"
    return bounds


def _of_problem(query: RecordQuery, params: dict[str, Any]) -> str:
    """A problem's records are few kinds of one integration: its index finds them, the rest filters."""
    params["problem"] = query.problem_id
    condition = "problem_id = :problem"
    if query.integration_id is not None:
        params["integration"] = query.integration_id
        condition += " AND integration_id = :integration"
    if query.environment is not None:
        condition += f" AND environment = '{query.environment.value}'"
    if query.source is not None:
        params["source_key"] = query.source
        condition += " AND source_id = (SELECT id FROM sources WHERE key = :source_key)"
    if query.states:
        condition += " AND state IN (" + ", ".join(f"'{state.value}'" for state in query.states) + ")"
    return condition


def _of_source(conn: Connection, query: RecordQuery, params: dict[str, Any]) -> list[str]:
    """Return one head for each integration the records can be of; none for an unknown source."""
    source_id = conn.execute(select(sources.c.id).where(sources.c.key == query.source)).scalar_one_or_none()
    if source_id is None:
        return []
    params["source"] = source_id
    if query.integration_id is not None:
        possible = [query.integration_id]
    else:
        possible = list(conn.execute(select(integrations.c.id).order_by(integrations.c.id)).scalars())
    names = [f"integration_{number}" for number in range(len(possible))]
    params |= dict(zip(names, possible, strict=True))
    return [f"source_id = :source AND integration_id = :{name} AND " for name in names]


def pieces(found: Ranges) -> Iterator[Ranges]:
    """Cut into statements of a size that databases accept and plan quickly."""
    for start in range(0, len(found.conditions), RANGES_A_STATEMENT):
        yield Ranges(found.conditions[start : start + RANGES_A_STATEMENT], found.params)


def page_ids(
    conn: Connection, query: RecordQuery, *, after: str | None, limit: int, newest_first: bool
) -> list[str]:
    """Return the ids of one page, in order."""
    ids: list[str] = []
    for piece in pieces(ranges(conn, query)):
        statement, params = page_statement(piece, after=after, limit=limit, newest_first=newest_first)
        ids += conn.execute(text(statement), params).scalars()
    return sorted(ids, reverse=newest_first)[:limit]


def page_statement(
    found: Ranges, *, after: str | None, limit: int, newest_first: bool
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of one page of ids; a test reads its plan."""
    order, than = ("DESC", "<") if newest_first else ("ASC", ">")
    params: dict[str, Any] = {**found.params, "limit": limit}
    cursor = ""
    if after is not None:
        params["after"] = after
        cursor = f" AND id {than} :after"
    parts = [
        f"SELECT id FROM records WHERE {condition}{cursor} ORDER BY id {order} LIMIT :limit"  # noqa: S608 - our own text; values are parameters
        for condition in found.conditions
    ]
    if len(parts) == 1:
        return parts[0], params
    merged = " UNION ALL ".join(f"SELECT id FROM ({part}) AS p{n}" for n, part in enumerate(parts))  # noqa: S608 - as above
    return f"SELECT id FROM ({merged}) AS merged ORDER BY id {order} LIMIT :limit", params  # noqa: S608 - as above


def count_statement(found: Ranges, limit: int | None) -> tuple[str, dict[str, Any]]:
    """Return the SQL that counts what matches, no further than one past `limit`."""
    params = dict(found.params)
    if limit is None:
        parts = [f"(SELECT count(*) FROM records WHERE {condition})" for condition in found.conditions]  # noqa: S608 - as above
        return "SELECT " + " + ".join(parts), params
    params["limit"] = limit + 1
    parts = [
        f"SELECT 1 AS one FROM (SELECT 1 AS one FROM records WHERE {condition} LIMIT :limit) AS c{n}"  # noqa: S608 - as above
        for n, condition in enumerate(found.conditions)
    ]
    merged = " UNION ALL ".join(parts)
    return f"SELECT count(*) FROM (SELECT one FROM ({merged}) AS merged LIMIT :limit) AS counted", params  # noqa: S608 - as above


def job_exists(conn: Connection, job_id: str) -> bool:
    """Tell whether there is such a job."""
    return conn.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None
