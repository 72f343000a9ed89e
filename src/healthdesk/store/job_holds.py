"""Which records of a job that were queued cannot leave now, and what they wait for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select, text

from healthdesk.domain.job_watch import Wait
from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.store.ordering import goes_first
from healthdesk.store.rows_jobs import Place, Places
from healthdesk.store.schema_setup import integrations
from healthdesk.store.scope import on_sqlite

OnHold = Counter[tuple[str, Environment, HoldReason]]
"""How many records of a job that are under way are on hold, by environment and by what holds them."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The records of a job that are under way: how many of each environment, those of them that cannot leave, and how many
    could leave and were not taken up yet.
    """

    places: Counter[Place] = field(default_factory=Counter)
    held: OnHold = field(default_factory=Counter)
    queued: int = 0

    def on_their_way(self, place: Place) -> int:
        """Return how many of an environment will leave now."""
        return self.places[place] - sum(number for key, number in self.held.items() if key[:2] == place)


IN_LINE = 20
"""Once so many records of an environment wait for their turn, a job sends others first: it would queue all that it has
behind records that are not its own."""

SENT_ONES = """
    SELECT r.integration_id, r.environment, r.state, r.hold_reason, count(*) AS number
    FROM job_records i{hint} JOIN records r ON r.id = i.record_id
    WHERE i.job_id = :job AND i.state = 'sent'
    GROUP BY r.integration_id, r.environment, r.state, r.hold_reason
"""
IN_TURN = """
    FROM job_records i{hint} JOIN records r ON r.id = i.record_id
    WHERE i.job_id = :job AND i.state = 'sent' AND r.state = 'held' AND r.hold_reason = 'order'
    AND NOT EXISTS (
        SELECT 1 FROM records e JOIN job_records s ON s.job_id = i.job_id AND s.record_id = e.id AND s.state = 'sent'
        WHERE e.integration_id = r.integration_id AND e.environment = r.environment AND e.order_key = r.order_key
        AND e.order_key IS NOT NULL AND e.state <> 'delivered' AND e.state <> 'held' AND e.id < r.id)
"""
NUMBER_IN_TURN = f"""
    SELECT r.integration_id, r.environment, count(*) AS number {IN_TURN} GROUP BY r.integration_id, r.environment
"""
"""Behind one of the same job that is on its way a record is as good as on its way itself."""
FIRST_IN_TURN = f"""
    SELECT min(r.id) {IN_TURN} AND r.integration_id = :integration AND r.environment = :environment
"""

_CAN_WAIT = frozenset({RecordState.QUEUED, RecordState.RETRYING, RecordState.HELD, RecordState.UNKNOWN})
_KEPT_BACK = frozenset({HoldReason.PAUSED, HoldReason.CONNECTION})
"""Holds under which an endpoint is not asked for a record of unknown arrival either."""


def hinted(conn: Connection, statement: str) -> str:
    """Return a statement with the index of states: SQLite would rather read every record of the job in their order."""
    return statement.format(hint=" INDEXED BY ix_job_records_state" if on_sqlite(conn) else "")


def under_way(conn: Connection, job_id: str, places: Places) -> UnderWay:
    """Count the records of a job that are under way, and those that cannot leave: `places` are what it may have some of.

    What is let go by now and only not yet queued counts as on its way.
    """
    found, queued, in_turn = UnderWay(), 0, False
    for row in conn.execute(text(hinted(conn, SENT_ONES)), {"job": job_id}):
        state, place = RecordState(row.state), (row.integration_id, Environment(row.environment))
        found.places[place] += row.number
        if state not in _CAN_WAIT:
            continue
        reason = places.held.get(place)
        if reason is None:
            queued += row.number if state is RecordState.QUEUED else 0
            in_turn = in_turn or (place in places.ordered and row.hold_reason == HoldReason.ORDER.value)
        elif state is not RecordState.UNKNOWN or reason in _KEPT_BACK:
            found.held[*place, reason] += row.number
    if in_turn:
        for row in conn.execute(text(hinted(conn, NUMBER_IN_TURN)), {"job": job_id}):
            place = (row.integration_id, Environment(row.environment))
            if place not in places.held:
                found.held[*place, HoldReason.ORDER] += row.number
    return replace(found, queued=queued)


def with_a_line(held: OnHold) -> frozenset[Place]:
    """Return the environments of which enough records wait for their turn."""
    return frozenset(
        (integration_id, environment)
        for (integration_id, environment, reason), number in held.items()
        if reason is HoldReason.ORDER and number >= IN_LINE
    )


def told(conn: Connection, job_id: str, held: OnHold) -> tuple[Wait, ...]:
    """Say what holds these records, the most of them first."""
    found = conn.execute(
        select(integrations.c.id, integrations.c.name).where(integrations.c.id.in_({key[0] for key in held}))
    )
    names = {row.id: row.name for row in found}
    return tuple(
        Wait(
            reason,
            integration_id,
            names.get(integration_id, ""),
            environment,
            number,
            _goes_first(conn, job_id, integration_id, environment) if reason is HoldReason.ORDER else "",
        )
        for (integration_id, environment, reason), number in sorted(
            held.items(), key=lambda item: (-item[1], item[0])
        )
    )


def _goes_first(conn: Connection, job_id: str, integration_id: str, environment: Environment) -> str:
    """Return the record that the first of those waiting for their turn waits for."""
    params = {"job": job_id, "integration": integration_id, "environment": environment.value}
    first = conn.execute(text(hinted(conn, FIRST_IN_TURN)), params).scalar_one()
    earlier = goes_first(conn, first) if first else None
    return earlier.id if earlier else ""
