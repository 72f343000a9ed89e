"""Which instances are due, and the lease under which one daemon runs each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import IntegrationState, Trigger
from healthdesk.errors import Conflict
from healthdesk.store import connections as connection_queries
from healthdesk.store import instances, integrations
from healthdesk.store.rows import ConnectionSecretRow, IntegrationRow
from healthdesk.store.rows_instances import PARKED, InstanceRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import INSTANCE_DUE
from healthdesk.store.schema_instances import instances as table
from healthdesk.store.schema_setup import integrations as integration_table
from healthdesk.store.scope import scope_of

LEASE = timedelta(minutes=2)
"""An instance whose daemon does not say for this long that it still runs it is due again."""


@dataclass(frozen=True, slots=True)
class ClaimedInstance:
    """An instance leased to this daemon, where it is run, and what made it due."""

    id: str
    app: str
    base_url: str
    trigger: Trigger
    triggered_by: str


def next_due_at(conn: Connection) -> datetime | None:
    """Return when the next instance is due, or None."""
    due_at: datetime | None = conn.execute(
        select(table.c.next_at).where(text(INSTANCE_DUE)).order_by(table.c.next_at).limit(1)
    ).scalar_one_or_none()
    return due_at


def claim_due(conn: Connection, now: datetime, limit: int) -> list[ClaimedInstance]:
    """Lease instances that are due, the longest due first; what another daemon claims at this moment is passed over.

    Those of a paused integration are parked until it is resumed.
    """
    due = conn.execute(
        select(table)
        .where(text(INSTANCE_DUE), table.c.next_at <= now)
        .order_by(table.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    paused = _paused(conn, {row.integration_id for row in due})
    for integration_id in sorted(paused):
        _park(conn, [row.id for row in due if row.integration_id == integration_id], integration_id)
    leased = [row for row in due if row.integration_id not in paused]
    return _lease(conn, leased, now)


def take(
    conn: Connection, instance_id: str, now: datetime, trigger: Trigger, by: str
) -> ClaimedInstance | None:
    """Lease one instance, due or not, because somebody asks for it; None while another daemon runs it.

    Raises NotFound, and Conflict for one that cannot be run: it has no connection, or its integration is paused.
    """
    row = instances.get(conn, instance_id, lock=True)
    if row.connection_id is None:
        raise Conflict(
            f"the connection of {row.name} was disconnected",
            fix="Reconnect it" if row.kind is InstanceKind.TASK else "Change its connection",
        )
    if _paused(conn, {row.integration_id}):
        raise Conflict("its integration is paused", fix="Resume the integration")
    theirs = row.running and row.lease_owner != scope_of(conn).daemon_id
    if theirs and row.lease_until is not None and row.lease_until > now:
        return None
    claimed = _lease(conn, [row], now, stays_due=row.next_at is not None or row.parked)[0]
    return replace(claimed, trigger=trigger, triggered_by=by)


def whole(
    conn: Connection, instance_id: str
) -> tuple[InstanceRow, IntegrationRow, ConnectionSecretRow] | None:
    """Return a leased instance with what it runs with; None when it is no longer there, this daemon's, or connected.

    Raises NotFound when its integration or connection is gone.
    """
    row = conn.execute(select(table).where(table.c.id == instance_id)).one_or_none()
    if row is None or row.connection_id is None or row.lease_owner != scope_of(conn).daemon_id:
        return None
    return (
        instances.instance_row(row),
        integrations.get(conn, row.integration_id),
        connection_queries.get_secret(conn, row.connection_id),
    )


def renew(conn: Connection, ids: Collection[str], now: datetime) -> int:
    """Renew the leases of instances under way; return how many are still this daemon's."""
    until = now + LEASE
    renewed = conn.execute(
        sa.update(table)
        .where(table.c.id.in_(ids), table.c.lease_owner == scope_of(conn).daemon_id)
        .values(lease_until=until, next_at=if_due(until))
    )
    return renewed.rowcount


def give_back(conn: Connection, claimed: Sequence[ClaimedInstance], until: datetime) -> None:
    """Let claimed instances that were not begun be due at another time, for the reason they were."""
    for each in claimed:
        conn.execute(
            sa.update(table)
            .where(table.c.id == each.id, table.c.lease_owner == scope_of(conn).daemon_id)
            .values(
                lease_owner="",
                lease_until=None,
                next_at=if_due(until),
                next_trigger=sa.case(
                    (table.c.next_trigger == Trigger.SCHEDULE, each.trigger.value),
                    else_=table.c.next_trigger,
                ),
                triggered_by=sa.case(
                    (table.c.next_trigger == Trigger.SCHEDULE, each.triggered_by),
                    else_=table.c.triggered_by,
                ),
            )
        )


def release(conn: Connection, instance_id: str, at: datetime) -> None:
    """Give the lease of an instance up that came to nothing, and let it be due then."""
    conn.execute(
        sa.update(table)
        .where(table.c.id == instance_id, table.c.lease_owner == scope_of(conn).daemon_id)
        .values(lease_owner="", lease_until=None, next_at=if_due(at))
    )


def _lease(
    conn: Connection, rows: Sequence[Any], now: datetime, *, stays_due: bool = True
) -> list[ClaimedInstance]:
    until = now + LEASE
    if not rows:
        return []
    conn.execute(
        sa.update(table)
        .where(table.c.id.in_([row.id for row in rows]))
        .values(
            lease_owner=scope_of(conn).daemon_id,
            lease_until=until,
            next_at=until if stays_due else None,
            next_trigger=Trigger.SCHEDULE,
            triggered_by="",
        )
    )
    wanted = {row.connection_id for row in rows}
    found = conn.execute(select(connections.c.id, connections.c.base_url).where(connections.c.id.in_(wanted)))
    urls = {row.id: row.base_url for row in found}
    return [
        ClaimedInstance(row.id, row.app, urls.get(row.connection_id, ""), row.next_trigger, row.triggered_by)
        for row in rows
    ]


def _paused(conn: Connection, integration_ids: Collection[str]) -> set[str]:
    """Return those that are paused; until the end of this transaction they stay as they are."""
    if not integration_ids:
        return set()
    found = conn.execute(
        select(integration_table.c.id, integration_table.c.state)
        .where(integration_table.c.id.in_(integration_ids))
        .order_by(integration_table.c.id)
        .with_for_update(read=True)
    )
    return {row.id for row in found if row.state is IntegrationState.PAUSED}


def _park(conn: Connection, ids: Sequence[str], integration_id: str) -> None:
    conn.execute(
        sa.update(table)
        .where(table.c.id.in_(ids))
        .values(lease_owner=f"{PARKED}{integration_id}", lease_until=None, next_at=None)
    )


def if_due(at: datetime) -> Any:
    """Return the time for those that are run by themselves; those that are not stay so."""
    return sa.case((table.c.next_at.is_(None), None), else_=sa.literal(at, table.c.next_at.type))
