"""Circuits as all daemons share them: each change is made only where the circuit is still what it was decided from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.circuit import CircuitFacts
from healthdesk.domain.states import Environment
from healthdesk.store.holding import RELEASABLE, release_some
from healthdesk.store.schema import DUE, HELD, records
from healthdesk.store.schema_setup import environments
from healthdesk.store.scope import missing


def get(conn: Connection, integration_id: str, environment: Environment) -> CircuitFacts:
    """Return the circuit of an environment, or raise NotFound."""
    row = conn.execute(select(environments).where(*_here(integration_id, environment))).one_or_none()
    if row is None:
        raise missing("integration", f"{integration_id} with an environment {environment.value}")
    return facts_of(row)


def facts_of(row: Any) -> CircuitFacts:
    """Return the circuit in a row of environments."""
    return CircuitFacts(
        state=row.circuit,
        since=row.circuit_at,
        probe_at=row.circuit_probe_at,
        step=row.circuit_step,
        reason=row.circuit_reason,
    )


def change(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    before: CircuitFacts,
    after: CircuitFacts,
) -> bool:
    """Change a circuit that is still as `before` says; False when another daemon or an operator was faster."""
    changed = conn.execute(
        sa.update(environments)
        .where(
            *_here(integration_id, environment),
            environments.c.circuit == before.state,
            environments.c.circuit_at.is_not_distinct_from(before.since),
            environments.c.circuit_step == before.step,
        )
        .values(
            circuit=after.state,
            circuit_at=after.since,
            circuit_probe_at=after.probe_at,
            circuit_step=after.step,
            circuit_reason=after.reason,
        )
    )
    return bool(changed.rowcount)


def has_waiting(conn: Connection, integration_id: str, environment: Environment, now: datetime) -> bool:
    """Tell whether there is a record that could be sent as a probe."""
    return _is_due(conn, integration_id, environment, now) or any(
        _exists(conn, integration_id, environment, HELD, records.c.hold_reason == reason)
        for reason in RELEASABLE
    )


def begin_probe(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    before: CircuitFacts,
    after: CircuitFacts,
    now: datetime,
    *,
    ordered: bool = False,
) -> bool:
    """Let one record through, to be claimed by the daemon that calls this; False when another one probes.

    Where none is due the oldest that is held becomes so.
    """
    if not change(conn, integration_id, environment, before, after):
        return False
    offer(conn, integration_id, environment, now, ordered=ordered)
    return True


def offer(
    conn: Connection, integration_id: str, environment: Environment, now: datetime, *, ordered: bool = False
) -> int:
    """See to it that a record is due for the probe; return how many were released for it (0 or 1)."""
    if _is_due(conn, integration_id, environment, now):
        return 0
    return release_some(conn, integration_id, environment, now, 1, ordered=ordered)


def _here(integration_id: str, environment: Environment) -> tuple[Any, Any]:
    return environments.c.integration_id == integration_id, environments.c.environment == environment


def _is_due(conn: Connection, integration_id: str, environment: Environment, now: datetime) -> bool:
    return _exists(conn, integration_id, environment, DUE, records.c.next_at <= now)


def _exists(
    conn: Connection, integration_id: str, environment: Environment, condition: str, *more: Any
) -> bool:
    found = select(records.c.id).where(
        records.c.integration_id == integration_id,
        records.c.environment == environment,
        text(condition),
        *more,
    )
    return conn.execute(found.limit(1)).first() is not None
