"""The ledger of a period: every record that arrived in it, in exactly one state, with the reason for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, text

from healthdesk.domain.states import Environment, RecordEventKind, RecordState
from healthdesk.store import ledger
from healthdesk.store.bulk import Place
from healthdesk.store.log_residue import residue
from healthdesk.store.rows import LedgerRow, RecordQuery

RECEIPT = "receipt"
"""The reason of what an endpoint confirmed, or has yet to confirm."""

_REASON = (
    "CASE WHEN state = 'held' THEN coalesce(hold_reason, '') WHEN state = 'awaiting_receipt' THEN 'receipt'"
    " WHEN state IN ('failed', 'retrying', 'unknown') THEN error_kind ELSE '' END"
)


@dataclass(frozen=True, slots=True)
class Line:
    """Records in one state for one reason."""

    integration_id: str
    environment: Environment
    state: RecordState
    reason: str
    sample: bool
    count: int


@dataclass(frozen=True, slots=True)
class PeriodLedger:
    """Totals by environment, and the lines that they are made of. `samples` are how many of a place's are samples."""

    rows: list[LedgerRow]
    lines: list[Line]
    samples: dict[Place, int]


def of_period(conn: Connection, query: RecordQuery) -> PeriodLedger:
    """Return the ledger of the records that arrived in the query's range, of its integration and environment.

    One statement counts them all and by state, so that both are of the same moment. It reads the whole period.
    """
    only = RecordQuery(
        query.integration_id,
        query.environment,
        arrived_from=query.arrived_from,
        arrived_to=query.arrived_to,
    )
    params: dict[str, Any] = {}
    within = " AND ".join(residue(only, params)) or "1 = 1"
    confirmed = _confirmed(conn, within, params)
    accepted: Counter[Place] = Counter()
    counted: Counter[tuple[Place, RecordState, str, bool]] = Counter()
    for row in conn.execute(text(_statement(within)), params):
        place = (row.integration_id, Environment(row.environment))
        if row.state is None:
            accepted[place] += row.n
        else:
            counted[place, RecordState(row.state), row.reason, bool(row.sample)] += row.n
    for (place, sample), number in confirmed.items():
        plain = (place, RecordState.DELIVERED, "", sample)
        number = min(number, counted[plain])
        counted[plain] -= number
        counted[place, RecordState.DELIVERED, RECEIPT, sample] += number
    lines = [
        Line(*place, state, reason, sample, number)
        for (place, state, reason, sample), number in sorted(counted.items())
        if number
    ]
    return PeriodLedger(_rows(conn, only, accepted, lines), lines, _samples(lines))


def _statement(within: str) -> str:
    return (
        "SELECT integration_id, environment, NULL AS state, '' AS reason, NULL AS sample, count(*) AS n FROM records"  # noqa: S608 - our own text; values are parameters
        f" WHERE {within} GROUP BY integration_id, environment"
        f" UNION ALL SELECT integration_id, environment, state, {_REASON} AS reason, sample, count(*) AS n FROM records"
        f" WHERE {within} GROUP BY integration_id, environment, state, {_REASON}, sample"
    )


def _confirmed(conn: Connection, within: str, params: dict[str, Any]) -> Counter[tuple[Place, bool]]:
    """Return how many delivered records an endpoint confirmed with a receipt; few have events at all."""
    statement = (
        "SELECT integration_id, environment, sample, count(*) AS n FROM records"  # noqa: S608 - as above
        f" WHERE {within} AND state = 'delivered' AND id IN"
        f" (SELECT record_id FROM record_events WHERE kind = '{RecordEventKind.RECEIPT.value}')"
        " GROUP BY integration_id, environment, sample"
    )
    found: Counter[tuple[Place, bool]] = Counter()
    for row in conn.execute(text(statement), params):
        found[(row.integration_id, Environment(row.environment)), bool(row.sample)] = row.n
    return found


def _rows(
    conn: Connection, query: RecordQuery, accepted: Counter[Place], lines: list[Line]
) -> list[LedgerRow]:
    """Return one row for each environment there is, with what its lines add up to."""
    rows = []
    for each in ledger.totals(conn):
        place = (each.integration_id, each.environment)
        if query.integration_id in {None, place[0]} and query.environment in {None, place[1]}:
            states = Counter(dict.fromkeys(each.states, 0))
            for line in lines:
                if (line.integration_id, line.environment) == place:
                    states[line.state.value] += line.count
            rows.append(replace(each, accepted=accepted[place], removed=0, states=dict(states)))
    return rows


def _samples(lines: list[Line]) -> dict[Place, int]:
    found: Counter[Place] = Counter()
    for line in lines:
        if line.sample:
            found[line.integration_id, line.environment] += line.count
    return dict(found)
