"""How many records wait behind a connection that fails: they are held before they are tried, so no failure counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping, select

from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import IntegrationState, RecordState
from healthdesk.store.schema import ledger, records
from healthdesk.store.schema_setup import environments


def held_behind(conn: Connection, problem: Mapping[str, Any] | RowMapping) -> int:
    """Return how many records a failing connection's problem holds beyond those in its count, from the ledger.

    What a paused environment holds waits for the operator, not for the connection.
    """
    if not problem["connection_failing"] or problem["connection_id"] is None:
        return 0
    if problem["kind"] in STANDING_KINDS:
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
