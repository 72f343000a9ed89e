"""Instances are blocked while their connection fails: the flag is made to agree with it, in small steps.

Looking costs a search of an index for each connection that fails, or that has blocked instances, however many instances
there are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.states import ConnectionState, Trigger
from healthdesk.store.instance_query import not_unlinked
from healthdesk.store.instance_recovery import spread_out
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import BLOCKED, FREE, instances

RELEASES = frozenset({ConnectionState.CONNECTED, ConnectionState.UNKNOWN})
"""States of a connection in which nothing waits for it: a suspect one is still in doubt."""

_BLOCKED_CONNECTIONS = """
    WITH RECURSIVE behind(id) AS (
        SELECT min(connection_id) FROM instances WHERE blocked AND connection_id IS NOT NULL
        UNION ALL
        SELECT (SELECT min(connection_id) FROM instances WHERE blocked AND connection_id > behind.id)
        FROM behind WHERE behind.id IS NOT NULL
    )
    SELECT id FROM behind WHERE id IS NOT NULL
"""


def to_block(conn: Connection) -> list[str]:
    """Return the connections that fail and have instances that are not blocked."""
    failing = conn.execute(
        select(connections.c.id)
        .where(connections.c.state == ConnectionState.FAILING, connections.c.deleted_at.is_(None))
        .order_by(connections.c.id)
    ).scalars()
    return [each for each in failing if conn.execute(_free(each).limit(1)).first()]


def block_some(conn: Connection, connection_id: str, limit: int) -> int:
    """Block up to `limit` instances of a connection, if it still fails; return how many."""
    if _state(conn, connection_id) is not ConnectionState.FAILING:
        return 0
    free = _free(connection_id).limit(limit).with_for_update(skip_locked=True)
    ids = list(conn.execute(free).scalars())
    if ids:
        conn.execute(sa.update(instances).where(instances.c.id.in_(ids)).values(blocked=True))
    return len(ids)


def to_release(conn: Connection) -> list[str]:
    """Return the connections that work again, or are gone, and have blocked instances."""
    behind = list(conn.execute(text(_BLOCKED_CONNECTIONS)).scalars())
    if not behind:
        return []
    waiting = select(connections.c.id).where(
        connections.c.id.in_(behind),
        connections.c.state.not_in(RELEASES),
        connections.c.deleted_at.is_(None),
    )
    still = set(conn.execute(waiting).scalars())
    return [each for each in behind if each not in still]


def release_some(
    conn: Connection, connection_id: str, now: datetime, limit: int, *, start: int, apart_s: float
) -> int:
    """Release up to `limit` instances of a connection, if it still works, and let them be run one after the other:
    the first `start` places are taken. Return how many.
    """
    state = _state(conn, connection_id)
    if state is not None and state not in RELEASES:
        return 0
    rows = conn.execute(
        select(instances.c.id, instances.c.next_at, instances.c.lease_owner)
        .where(instances.c.connection_id == connection_id, text(BLOCKED))
        .order_by(instances.c.integration_id, instances.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    waiting = [row.id for row in rows if row.next_at is not None and not row.lease_owner]
    spread_out(conn, waiting, now, apart_s=apart_s, start=start, blocked=False)
    others = [row.id for row in rows if row.next_at is None or row.lease_owner]
    if others:  # unlinked or parked ones are not run, and one under way ends by itself
        conn.execute(
            sa.update(instances)
            .where(instances.c.id.in_(others))
            .values(
                blocked=False,
                next_trigger=sa.case(
                    (instances.c.lease_owner != "", Trigger.RECOVERY.value), else_=instances.c.next_trigger
                ),
            )
        )
    return len(rows)


def _state(conn: Connection, connection_id: str) -> ConnectionState | None:
    """Return the state of a connection, which stays so until the end of this transaction; None when it is gone."""
    return conn.execute(
        select(connections.c.state)
        .where(connections.c.id == connection_id, connections.c.deleted_at.is_(None))
        .with_for_update(read=True)
    ).scalar_one_or_none()


def _free(connection_id: str) -> Any:
    """Return the query of a connection's instances that can be blocked and are not: what was unlinked needs it for nothing.

    They are in the order of their own index: a planner that reads others until it meets one would read them all where
    every one is blocked.
    """
    return (
        select(instances.c.id)
        .where(instances.c.connection_id == connection_id, text(FREE), not_unlinked())
        .order_by(instances.c.id)
    )
