"""What a resend of everything in a filter will do, counted before it is confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, text

from healthdesk.domain.ids import id_time
from healthdesk.domain.states import Environment, RecordState
from healthdesk.domain.transitions import RESEND_ALL_STATES
from healthdesk.store.counting import count
from healthdesk.store.log_plan import ranges
from healthdesk.store.resending import DELIVERED, resendable
from healthdesk.store.rows import PlanGroup, RecordQuery, ResendPlanRow
from healthdesk.store.rows_records import PlanPlace
from healthdesk.store.schema_desk import problems
from healthdesk.store.schema_setup import integrations, sources

GROUPS = 20
"""A plan names this many kinds of failure, the most frequent first."""

COUNT_LIMIT = 1_000_000
_HAS_BODY = "EXISTS (SELECT 1 FROM record_bodies b WHERE b.record_id = records.id)"


def resend_plan(conn: Connection, query: RecordQuery) -> ResendPlanRow:
    """Say what resending everything the filter matches will do."""
    wanted = resendable(query)
    counted: dict[tuple[Any, ...], list[Any]] = {}
    by_source: Counter[str] = Counter()
    places: Counter[tuple[str, Environment]] = Counter()
    oldest = newest = None
    if wanted.states:
        found = ranges(conn, wanted)
        for condition in found.conditions:
            for row in conn.execute(text(_grouping(condition)), found.params):
                group = counted.setdefault((row.last_status, row.error_kind, row.problem_id), [0, row.error])
                group[0] += row.n
                by_source[row.source_id] += row.n
                places[row.integration_id, Environment(row.environment)] += row.n
                oldest = min(oldest or row.oldest, row.oldest)
                newest = max(newest or row.newest, row.newest)
    problem_states = _problem_states(conn, [key[2] for key in counted if key[2]])
    largest = sorted(counted.items(), key=lambda item: -item[1][0])[:GROUPS]
    return ResendPlanRow(
        total=by_source.total(),
        skipped_delivered=_skipped(conn, query, DELIVERED),
        skipped_other=_skipped(
            conn, query, tuple(s for s in RecordState if s not in DELIVERED and s not in RESEND_ALL_STATES)
        ),
        oldest=id_time(oldest) if oldest else None,
        newest=id_time(newest) if newest else None,
        groups=[
            PlanGroup(
                status=status,
                error_kind=kind,
                error=error,
                count=number,
                problem_id=problem_id,
                problem_state=problem_states.get(problem_id, ""),
            )
            for (status, kind, problem_id), (number, error) in largest
        ],
        sources=_named(conn, by_source),
        places=_places(conn, places),
    )


def _grouping(condition: str) -> str:
    return (
        "SELECT last_status, error_kind, problem_id, source_id, integration_id, environment, min(error) AS error,"  # noqa: S608 - our own text; values are parameters
        f" count(*) AS n, min(id) AS oldest, max(id) AS newest FROM records WHERE {condition} AND {_HAS_BODY}"
        " GROUP BY last_status, error_kind, problem_id, source_id, integration_id, environment"
    )


def _named(conn: Connection, by_source: Mapping[str, int]) -> dict[str, int]:
    """Return the same numbers by the sources' keys, the largest first."""
    found = conn.execute(select(sources.c.id, sources.c.key).where(sources.c.id.in_(by_source)))
    keys = {row.id: row.key for row in found}
    return {keys[each]: number for each, number in sorted(by_source.items(), key=lambda item: -item[1])}


def _places(conn: Connection, counted: Mapping[tuple[str, Environment], int]) -> list[PlanPlace]:
    found = conn.execute(
        select(integrations.c.id, integrations.c.name).where(
            integrations.c.id.in_({key[0] for key in counted})
        )
    )
    names = {row.id: row.name for row in found}
    return [
        PlanPlace(integration_id, names.get(integration_id, ""), environment, number)
        for (integration_id, environment), number in sorted(counted.items())
    ]


def _problem_states(conn: Connection, problem_ids: list[str]) -> dict[str | None, str]:
    if not problem_ids:
        return {}
    found = conn.execute(select(problems.c.id, problems.c.state).where(problems.c.id.in_(problem_ids)))
    return {row.id: row.state.value for row in found}


def _skipped(conn: Connection, query: RecordQuery, states: tuple[RecordState, ...]) -> int:
    chosen = tuple(state for state in states if not query.states or state in query.states)
    wanted = replace(query, states=chosen)
    return count(conn, wanted, COUNT_LIMIT, most=COUNT_LIMIT).total if chosen else 0
