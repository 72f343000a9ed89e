"""Totals of records by environment and state, kept in the transaction of each change.

Every daemon adds to rows of its own, so that daemons never wait for each other's; a total is the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select

from healthdesk.domain.states import Environment, RecordState
from healthdesk.store.bulk import Place
from healthdesk.store.rows import LedgerRow
from healthdesk.store.schema import ledger, records
from healthdesk.store.schema_setup import environments, integrations
from healthdesk.store.scope import driver, on_sqlite, scope_of

STATES = tuple(state.value for state in RecordState)
COUNTED = ("accepted", "removed", *STATES)
FOLDED = ""
"""The shard of daemons that are gone."""

_NAMES = ", ".join(("integration_id", "environment", "daemon_id", *COUNTED))
_ADDED = ", ".join(f"{name} = ledger.{name} + excluded.{name}" for name in COUNTED)
_UPSERT = f"INSERT INTO ledger ({_NAMES}) VALUES ({{marks}}) ON CONFLICT (integration_id, environment, daemon_id) DO UPDATE SET {_ADDED}"  # noqa: S608 - our own columns
UPSERT_SQLITE = _UPSERT.format(marks=", ".join("?" * (3 + len(COUNTED))))
UPSERT_POSTGRES = _UPSERT.format(marks=", ".join(f"${n}" for n in range(1, 4 + len(COUNTED))))


class Deltas:
    """What one transaction changes, gathered before it is written."""

    def __init__(self) -> None:
        self._by_place: dict[Place, Counter[str]] = {}

    def accepted(
        self, integration_id: str, environment: Environment, state: RecordState, count: int = 1
    ) -> None:
        """Count new records."""
        counts = self._of((integration_id, environment))
        counts["accepted"] += count
        counts[state.value] += count

    def moved(
        self,
        integration_id: str,
        environment: Environment,
        old: RecordState,
        new: RecordState,
        count: int = 1,
    ) -> None:
        """Count records that went from one state to another."""
        if old is not new:
            counts = self._of((integration_id, environment))
            counts[old.value] -= count
            counts[new.value] += count

    def removed(
        self, integration_id: str, environment: Environment, old: RecordState, count: int = 1
    ) -> None:
        """Count records that retention deleted."""
        counts = self._of((integration_id, environment))
        counts["removed"] += count
        counts[old.value] -= count

    def _of(self, place: Place) -> Counter[str]:
        counts = self._by_place.get(place)
        if counts is None:
            counts = self._by_place[place] = Counter()
        return counts

    def items(self) -> list[tuple[Place, Mapping[str, int]]]:
        """Return what changed, in an order that is the same in every transaction."""
        return [(place, counts) for place, counts in sorted(self._by_place.items()) if any(counts.values())]


def apply(conn: Connection, deltas: Deltas) -> None:
    """Add the changes to this daemon's rows. Last in a transaction: its rows are held until commit."""
    for (integration_id, environment), counts in deltas.items():
        _add(conn, integration_id, environment, scope_of(conn).daemon_id, counts)


def _add(
    conn: Connection, integration_id: str, environment: Environment, daemon_id: str, counts: Mapping[str, int]
) -> None:
    row = (integration_id, environment.value, daemon_id, *(counts.get(name, 0) for name in COUNTED))
    if on_sqlite(conn):
        driver(conn).execute(UPSERT_SQLITE, row)
    else:
        conn.exec_driver_sql(UPSERT_POSTGRES, row)


def totals(conn: Connection) -> list[LedgerRow]:
    """Return the totals of every environment, summed over daemons."""
    sums = [func.coalesce(func.sum(ledger.c[name]), 0).label(name) for name in COUNTED]
    summed = {
        (row.integration_id, row.environment): {name: int(row._mapping[name]) for name in COUNTED}  # noqa: SLF001 - SQLAlchemy's public name
        for row in conn.execute(
            select(ledger.c.integration_id, ledger.c.environment, *sums).group_by(
                ledger.c.integration_id, ledger.c.environment
            )
        )
    }
    return _rows(conn, summed)


def recount(conn: Connection) -> list[LedgerRow]:
    """Count the records themselves: slow, for tests and doctor. `removed` is taken from the ledger."""
    found: dict[Place, dict[str, int]] = {}
    for total in totals(conn):
        found[total.integration_id, total.environment] = dict.fromkeys(COUNTED, 0) | {
            "removed": total.removed
        }
    grouped = (records.c.integration_id, records.c.environment, records.c.state)
    for row in conn.execute(select(*grouped, func.count().label("n")).group_by(*grouped)):
        counts = found.setdefault((row.integration_id, row.environment), dict.fromkeys(COUNTED, 0))
        counts[row.state.value] += row.n
    for counts in found.values():
        counts["accepted"] = counts["removed"] + sum(counts[state] for state in STATES)
    return _rows(conn, found)


def _rows(conn: Connection, counted: Mapping[Any, Mapping[str, int]]) -> list[LedgerRow]:
    """Return one row per environment that is set up or has ever had a record, oldest integration first."""
    names: dict[str, str] = {
        row.id: row.name for row in conn.execute(select(integrations.c.id, integrations.c.name))
    }
    places = {
        (row.integration_id, row.environment)
        for row in conn.execute(select(environments.c.integration_id, environments.c.environment))
    }
    return [
        LedgerRow(
            integration_id=integration_id,
            integration_name=names.get(integration_id, ""),
            environment=environment,
            accepted=counts.get("accepted", 0),
            removed=counts.get("removed", 0),
            states={state: counts.get(state, 0) for state in STATES},
        )
        for integration_id, environment in sorted(places | set(counted))
        for counts in (counted.get((integration_id, environment), {}),)
    ]


def shards(conn: Connection) -> Sequence[str]:
    """Return the ids of daemons that have rows of their own."""
    found = select(ledger.c.daemon_id).where(ledger.c.daemon_id != FOLDED).distinct()
    return conn.execute(found).scalars().all()


def fold(conn: Connection, dead_daemon_ids: Sequence[str]) -> int:
    """Add the rows of daemons that are gone to the desk's own, so that they do not pile up; return how many went."""
    gone = conn.execute(
        delete(ledger)
        .where(ledger.c.daemon_id.in_(dead_daemon_ids), ledger.c.daemon_id != FOLDED)
        .returning(ledger)
    ).all()
    for row in sorted(gone, key=lambda row: (row.integration_id, row.environment)):
        counts = {name: row._mapping[name] for name in COUNTED}  # noqa: SLF001 - SQLAlchemy's public name
        _add(conn, row.integration_id, row.environment, FOLDED, counts)
    return len(gone)
