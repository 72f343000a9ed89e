"""How many instances are in which state, counted in the index of totals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.instance_states import InstanceKind, InstanceState
from healthdesk.store.instance_query import FAILED_STATES, condition
from healthdesk.store.rows_instances import InstanceQuery, InstanceTotals
from healthdesk.store.schema_instances import instances

Where = tuple[str | None, str, InstanceKind]
"""Connection (None: disconnected), integration, kind."""

_BY_STATE = (instances.c.state, instances.c.blocked, sa.func.count().label("number"))


def totals(conn: Connection, query: InstanceQuery) -> InstanceTotals:
    """Return how many instances match, by state."""
    wanted, params = condition(query)
    found = conn.execute(
        select(*_BY_STATE)
        .where(text(wanted).bindparams(**params))
        .group_by(instances.c.state, instances.c.blocked)
    )
    return _sum(found)


def totals_by(conn: Connection) -> dict[Where, InstanceTotals]:
    """Return how many instances each connection has of each integration, by state."""
    place = (instances.c.integration_id, instances.c.connection_id, instances.c.kind)
    found = conn.execute(
        select(*place, *_BY_STATE).group_by(*place, instances.c.state, instances.c.blocked)
    ).all()
    rows: dict[Where, list[Any]] = {}
    for row in found:
        rows.setdefault((row.connection_id, row.integration_id, row.kind), []).append(row)
    return {where: _sum(each) for where, each in rows.items()}


def _sum(rows: Iterable[Any]) -> InstanceTotals:
    total = succeeded = failed = blocked = pending = 0
    for row in rows:
        total += row.number
        blocked += row.number if row.blocked else 0
        if row.blocked or row.state in FAILED_STATES:
            failed += row.number
        elif row.state is InstanceState.SUCCEEDED:
            succeeded += row.number
        else:
            pending += row.number
    return InstanceTotals(total=total, succeeded=succeeded, failed=failed, blocked=blocked, pending=pending)
