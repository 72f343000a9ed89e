"""Takes up instances that dead daemons were running, and those that waited for a connection or an integration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.instance_states import RunOutcome
from healthdesk.domain.states import IntegrationState, Trigger
from healthdesk.store import daemons
from healthdesk.store.instance_leases import if_due
from healthdesk.store.rows_instances import PARKED
from healthdesk.store.schema_instances import LEASED, RUNNING, instance_runs
from healthdesk.store.schema_instances import instances as table
from healthdesk.store.schema_setup import integrations as integration_table
from healthdesk.store.scope import scope_of


def recover(
    conn: Connection,
    now: datetime,
    *,
    others_are_dead: bool,
    known: Collection[str] | None = None,
    limit: int,
) -> int:
    """Take up instances that dead daemons were running, and their runs: those say interrupted, these are due now.

    Dead are daemons whose lease ran out, or all but this one. With `known` also what this one holds besides those: of
    a loop that died. Returns how many; call again while that is `limit`.
    """
    mine = scope_of(conn).daemon_id
    leased = sa.and_(text(LEASED), ~table.c.lease_owner.startswith(PARKED, autoescape=True))
    owners = sa.union(
        select(table.c.lease_owner).where(leased), select(instance_runs.c.daemon_id).where(text(RUNNING))
    )
    dead = daemons.dead(conn, now, conn.execute(owners).scalars(), mine=mine, others_are_dead=others_are_dead)
    if not dead and known is None:
        return 0
    spared = list(known or ())

    def lost(owner: Any, instance_id: Any) -> Any:
        theirs = owner.in_(dead)
        return theirs if known is None else sa.or_(theirs, sa.and_(owner == mine, instance_id.not_in(spared)))

    left = list(
        conn.execute(
            select(table.c.id)
            .where(leased, lost(table.c.lease_owner, table.c.id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if left:
        conn.execute(
            sa.update(table)
            .where(table.c.id.in_(left))
            .values(
                lease_owner="",
                lease_until=None,
                next_at=if_due(now),
                next_trigger=sa.case(
                    (table.c.next_trigger == Trigger.SCHEDULE, Trigger.RECOVERY.value),
                    else_=table.c.next_trigger,
                ),
            )
        )
    open_runs = list(
        conn.execute(
            select(instance_runs.c.id)
            .where(text(RUNNING), lost(instance_runs.c.daemon_id, instance_runs.c.instance_id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if open_runs:
        conn.execute(
            sa.update(instance_runs)
            .where(instance_runs.c.id.in_(open_runs))
            .values(
                outcome=RunOutcome.INTERRUPTED,
                finished_at=now,
                error_kind="interrupted",
                blame="us",
                error="The daemon stopped while this was under way.",
                next_action="It is run again by itself: what it began is looked up first.",
            )
        )
    return max(len(left), len(open_runs))


def to_unpark(conn: Connection) -> list[str]:
    """Return the integrations that are resumed and have instances that were parked."""
    parked = select(table.c.id).where(
        table.c.lease_owner == sa.literal(PARKED) + integration_table.c.id, text(LEASED)
    )
    resumed = select(integration_table.c.id).where(
        integration_table.c.state == IntegrationState.ACTIVE, parked.exists()
    )
    return list(conn.execute(resumed.order_by(integration_table.c.id)).scalars())


def unpark(
    conn: Connection, integration_id: str, now: datetime, limit: int, *, start: int, apart_s: float
) -> int:
    """Let up to `limit` parked instances of an integration be due, one after the other: the first `start` places are
    taken. Return how many.
    """
    ids = list(
        conn.execute(
            select(table.c.id)
            .where(table.c.lease_owner == f"{PARKED}{integration_id}", text(LEASED))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    spread_out(conn, ids, now, apart_s=apart_s, start=start, lease_owner="", lease_until=None)
    return len(ids)


def spread_out(
    conn: Connection, ids: Sequence[str], now: datetime, *, apart_s: float, start: int = 0, **values: Any
) -> None:
    """Let instances be due one after the other, `apart_s` seconds apart from the place `start` on."""
    if ids:
        conn.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("the_id"))
            .values(next_at=sa.bindparam("then"), next_trigger=Trigger.RECOVERY, **values),
            [
                {"the_id": each, "then": now + timedelta(seconds=apart_s * (start + number))}
                for number, each in enumerate(ids)
            ],
        )
