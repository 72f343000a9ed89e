"""Due times that nobody can have planned: left by a clock that was ahead and has been set back since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, and_, case, or_, select, text

from healthdesk.domain.delivery import Receipt, method_from
from healthdesk.domain.states import AlertState, RecordState
from healthdesk.store.schema import DUE, UNDECIDED, records
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import OUTBOX_DUE, alerts, problems
from healthdesk.store.schema_setup import environments


def records_forward(
    conn: Connection, now: datetime, *, waits: Sequence[timedelta], slack: timedelta, limit: int
) -> int:
    """Make due now what waits longer than it can have been told to; return how many, at most `limit`.

    `waits[n]` is the longest wait after n tries of a round; a queued record waits for nothing. Up to `slack` more is
    left alone: clocks of daemons that share a database differ a little.
    """
    bounds = case(
        *((records.c.tries == tries, _micros(now + wait + slack)) for tries, wait in enumerate(waits)),
        else_=_micros(now + max(waits) + slack),
    )
    left = limit
    for place in conn.execute(select(environments.c.integration_id, environments.c.environment)):
        far = (
            select(records.c.id)
            .where(
                records.c.integration_id == place.integration_id,
                records.c.environment == place.environment,
                text("records." + DUE),
                records.c.next_at > now + slack,
                or_(records.c.state == RecordState.QUEUED, records.c.next_at > bounds),
            )
            .order_by(records.c.next_at.desc())
            .limit(left)
            .with_for_update(skip_locked=True)
        )
        ids = list(conn.execute(far).scalars())
        if ids:
            conn.execute(sa.update(records).where(records.c.id.in_(ids)).values(next_at=now))
            left -= len(ids)
        if left == 0:
            break
    return limit - left


def undecided_forward(
    conn: Connection, now: datetime, *, wait: timedelta, slack: timedelta, limit: int
) -> int:
    """Make due now what is to be asked for later than after `wait`, and what awaits a receipt for longer than its
    environment lets it; return how many, at most `limit`.
    """
    left = limit
    places = select(environments.c.integration_id, environments.c.environment, environments.c.delivery)
    for place in conn.execute(places).all():
        receipt = method_from(place.delivery).receipt or Receipt()
        longest = {
            RecordState.UNKNOWN: wait,
            RecordState.AWAITING_RECEIPT: timedelta(seconds=receipt.deadline_s),
        }
        for state, most in longest.items():
            far = (
                select(records.c.id)
                .where(
                    records.c.integration_id == place.integration_id,
                    records.c.environment == place.environment,
                    text("records." + UNDECIDED),
                    records.c.state == state,
                    records.c.next_at > now + most + slack,
                )
                .limit(left)
                .with_for_update(skip_locked=True)
            )
            ids = list(conn.execute(far).scalars())
            if ids:
                conn.execute(sa.update(records).where(records.c.id.in_(ids)).values(next_at=now))
                left -= len(ids)
            if left == 0:
                return limit
    return limit - left


def alerts_forward(conn: Connection, now: datetime, *, wait: timedelta, slack: timedelta) -> int:
    """Make messages due now that wait longer than `wait`; what a mute puts off stays so. Return how many."""
    muted = (
        select(problems.c.id)
        .where(problems.c.id == alerts.c.problem_id, problems.c.muted_until >= alerts.c.next_at)
        .exists()
    )
    far = and_(
        text("alerts." + OUTBOX_DUE),
        or_(
            and_(alerts.c.state == AlertState.QUEUED, alerts.c.next_at > now + slack, ~muted),
            and_(alerts.c.state == AlertState.RETRYING, alerts.c.next_at > now + wait + slack),
        ),
    )
    return conn.execute(sa.update(alerts).where(far).values(next_at=now)).rowcount


def checks_forward(conn: Connection, now: datetime, *, wait: timedelta, slack: timedelta) -> int:
    """Make checks of connections due now that wait longer than `wait`; return how many."""
    far = (connections.c.deleted_at.is_(None), connections.c.next_check > now + wait + slack)
    return conn.execute(sa.update(connections).where(*far).values(next_check=now)).rowcount


def _micros(at: datetime) -> sa.ColumnElement[datetime]:
    return sa.literal(at, records.c.next_at.type)
