"""Counts of the whole desk, and what it keeps about itself."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.ids import first_id_at
from healthdesk.domain.instance_states import InstanceState
from healthdesk.domain.states import AlertState, CallbackState, ConnectionState, Environment, ProblemState
from healthdesk.store import ledger
from healthdesk.store.instance_query import FAILED_STATES
from healthdesk.store.schema import callbacks
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import alerts, problems, settings
from healthdesk.store.schema_instances import instances
from healthdesk.store.scope import on_sqlite

DAY = timedelta(days=1)


def counts(conn: Connection, now: datetime) -> dict[str, int]:
    """Return the numbers of the wire's Status, none of them counted over the log."""
    by_place = {environment: Counter[str]() for environment in Environment}
    for row in ledger.totals(conn):
        by_place[row.environment].update(row.states)
        by_place[row.environment]["accepted"] += row.accepted
    found = {
        f"{named}_{name}": by_place[environment][name]
        for environment, named in ((Environment.PRODUCTION, "records"), (Environment.TESTING, "testing"))
        for name in (*ledger.STATES, "accepted")
    }
    live = connections.c.deleted_at.is_(None)
    connected = {
        row.state: row.n
        for row in conn.execute(
            select(connections.c.state, func.count().label("n")).where(live).group_by(connections.c.state)
        )
    }
    open_problems = {
        row.state: row.n
        for row in conn.execute(
            select(problems.c.state, func.count().label("n"))
            .where(problems.c.state.in_((ProblemState.OPEN, ProblemState.ACKNOWLEDGED)))
            .group_by(problems.c.state)
        )
    }
    failed = {
        row.state: row.n
        for row in conn.execute(
            select(instances.c.state, func.count().label("n"))
            .where(instances.c.state.in_(FAILED_STATES))
            .group_by(instances.c.state)
        )
    }
    since = first_id_at("cbk", now - DAY)
    rejected = select(func.count()).where(
        callbacks.c.state == CallbackState.REJECTED, callbacks.c.id >= since
    )
    unsent = select(func.count()).where(alerts.c.state == AlertState.FAILED)
    return found | {
        "connections": sum(connected.values()),
        "connections_failing": connected.get(ConnectionState.FAILING, 0),
        "connections_suspect": connected.get(ConnectionState.SUSPECT, 0),
        "tasks_failed": failed.get(InstanceState.CREATION_FAILED, 0)
        + failed.get(InstanceState.SYNC_FAILED, 0),
        "proof_failed": failed.get(InstanceState.FAILED, 0),
        "problems_open": open_problems.get(ProblemState.OPEN, 0),
        "problems_acknowledged": open_problems.get(ProblemState.ACKNOWLEDGED, 0),
        "callbacks_rejected_24h": conn.execute(rejected).scalar_one(),
        "alerts_failed": conn.execute(unsent).scalar_one(),
    }


def setting(conn: Connection, key: str) -> str | None:
    """Return a value the desk keeps about itself."""
    value: str | None = conn.execute(
        select(settings.c.value).where(settings.c.key == key)
    ).scalar_one_or_none()
    return value


def set_setting(conn: Connection, key: str, value: str) -> None:
    """Keep a value about the desk itself."""
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(settings)
    conn.execute(
        upsert.values(key=key, value=value).on_conflict_do_update(
            index_elements=["key"], set_={"value": value}
        )
    )
