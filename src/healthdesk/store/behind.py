"""How much waits behind a connection that fails: it is held before it is tried, so no failure counts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping, select, text

from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import IntegrationState, RecordState
from healthdesk.store.schema import ledger, records
from healthdesk.store.schema_instances import BLOCKED, instances
from healthdesk.store.schema_setup import environments


def held_behind(conn: Connection, problem: Mapping[str, Any] | RowMapping) -> int:
    """Return how many records a failing connection's problem holds beyond those in its count, from the ledger.

    What a paused environment holds waits for the operator, not for the connection.
    """
    if not _holds(problem):
        return 0
    held = conn.execute(
        select(sa.func.coalesce(sa.func.sum(ledger.c.held), 0))
        .join(
            environments,
            sa.and_(
                environments.c.integration_id == ledger.c.integration_id,
                environments.c.environment == ledger.c.environment,
            ),
        )
        .where(
            environments.c.connection_id == problem["connection_id"],
            environments.c.state == IntegrationState.ACTIVE,
        )
    ).scalar_one()
    if not held or not problem["count"]:
        return int(held)
    counted = conn.execute(
        select(sa.func.count()).where(
            records.c.problem_id == problem["id"],
            records.c.problem_id.is_not(None),
            records.c.state == RecordState.HELD,
        )
    ).scalar_one()
    return max(0, int(held) - counted)


def blocked_behind(conn: Connection, problem: Mapping[str, Any] | RowMapping) -> dict[str, int]:
    """Return how many tasks and proof syncs a failing connection's problem blocks, by kind; no kind without any."""
    if not _holds(problem):
        return {}
    found = conn.execute(
        select(instances.c.kind, sa.func.count())
        .where(instances.c.connection_id == problem["connection_id"], text(BLOCKED))
        .group_by(instances.c.kind)
        .order_by(instances.c.kind)
    )
    return {kind.value: number for kind, number in found}


def _holds(problem: Mapping[str, Any] | RowMapping) -> bool:
    """Tell whether a problem is that of a connection that fails, which lets nothing through."""
    failing = problem["connection_failing"] and problem["connection_id"] is not None
    return bool(failing) and problem["kind"] not in STANDING_KINDS
