"""Checks of connections: when one is due, and what it decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.exchange import Failure
from healthdesk.domain.expiry import threshold
from healthdesk.domain.health import HealthChange
from healthdesk.domain.identity import Identity
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.standing import STANDING_KINDS
from healthdesk.domain.states import ConnectionState
from healthdesk.store import standing, transitions
from healthdesk.store.connection_rows import connection_row, failure_json, secret_of
from healthdesk.store.folding import Folding, live_problems
from healthdesk.store.rows import ConnectionSecretRow, HeartbeatRow, ProblemChanges
from healthdesk.store.schema_connections import CHECKED, connections
from healthdesk.store.schema_connections import heartbeats as heartbeat_table

CHECK_LEASE = timedelta(minutes=2)
"""A claimed check that never reports (its daemon died) is due again after this."""


def set_health(
    conn: Connection,
    connection_id: str,
    change: HealthChange,
    failure: Failure | None,
    key: ProblemKey | None,
    heartbeat: HeartbeatRow | None,
    now: datetime,
    *,
    version: int,
    identity: Identity | None = None,
    expires_at: datetime | None = None,
) -> ProblemChanges | None:
    """Store what a check (or the evidence of deliveries) decided, the check itself, whose the credential is and when it
    ends, and what that does to the connection's problems: failing opens one, connected lets it go.

    What was found with settings of another `version` than the connection's decides nothing: only the check is
    stored, and None returned.
    """
    row = connection_row(conn, connection_id, lock=True)
    if row.settings_version != version:
        if heartbeat is not None:
            _insert_heartbeat(conn, replace(heartbeat, state_after=row.state))
        return None
    changed = change.state is not row.state
    values = _after(row, change, failure, heartbeat, now)
    if changed:
        transitions.note(conn, connection_id, now, row.state, change.state, failure)
    if heartbeat is not None:
        _insert_heartbeat(conn, heartbeat)
    if identity is not None:
        values |= _whose(row, identity)
    ends_at = expires_at or (identity.expires_at if identity else None)
    if ends_at is not None and row.expires_from != "entered":
        values |= _ends(row, ends_at, now)
    conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))
    folding = Folding(conn, now)
    standing.note_flapping(conn, folding, row, now, changed=changed)
    if identity is not None:
        before = standing.drift_of(row.identity, row.identity_connected)
        after = standing.drift_of(values["identity"], values["identity_connected"])
        standing.note_drift(folding, row, before, after)
    if change.state is ConnectionState.FAILING and key is not None:
        folding.note_connection(key)
        folding.fold()
        _let_go(conn, folding, connection_id, but=key.fingerprint)
    elif change.state is ConnectionState.CONNECTED:
        _let_go(conn, folding, connection_id)
    return folding.finish()


def _after(
    row: Any, change: HealthChange, failure: Failure | None, heartbeat: HeartbeatRow | None, now: datetime
) -> dict[str, Any]:
    """Return the columns of a connection's health after a check or a delivery."""
    values: dict[str, Any] = {
        "state": change.state,
        "suspect_checks": change.suspect_checks,
        "next_check": change.next_check_at,
    }
    if change.state is not row.state:
        values["state_since"] = now
    if failure is not None:
        values["failure"] = failure_json(failure)
    elif change.state is ConnectionState.CONNECTED:
        values |= {"failure": None, "last_healthy": now}
        if row.last_healthy is None:
            values["connected_on"] = now
    if heartbeat is not None:
        values |= _pointers(row, heartbeat)
    return values


def _pointers(row: Any, heartbeat: HeartbeatRow) -> dict[str, Any]:
    """Return when it was checked, and which checks are the last good and the first bad one from now on."""
    values: dict[str, Any] = {"last_checked": heartbeat.at}
    if heartbeat.ok:
        values |= {"last_good_check": heartbeat.id, "first_bad_check": None}
    elif row.first_bad_check is None:
        values["first_bad_check"] = heartbeat.id
    return values


def _whose(row: Any, identity: Identity) -> dict[str, Any]:
    """Return whose the credential is by a good check, and by the first one.

    What the app left out this time stays as it told it before, and what it did not tell at first is told by now.
    """
    known = Identity.from_json(row.identity) if row.identity else None
    first = Identity.from_json(row.identity_connected) if row.identity_connected else identity
    identity = identity.completed(known)
    return {
        "identity": identity.to_json(),
        "identity_connected": first.completed(identity).to_json(),
        "account": identity.label,
    }


def _ends(row: Any, expires_at: datetime, now: datetime) -> dict[str, Any]:
    """Return the end that was learnt; one that moved away is warned of anew."""
    values: dict[str, Any] = {"expires_at": expires_at, "expires_from": "learnt"}
    reached = threshold(expires_at, now)
    if row.expiry_warned is not None and (reached is None or reached > row.expiry_warned):
        values["expiry_warned"] = None
    return values


def put_off(conn: Connection, connection_id: str, until: datetime, heartbeat: HeartbeatRow) -> None:
    """Keep a check that is not judged, and check again then; the connection's health stays as it is."""
    row = connection_row(conn, connection_id, lock=True)
    _insert_heartbeat(conn, replace(heartbeat, state_after=row.state))
    conn.execute(
        sa.update(connections)
        .where(connections.c.id == connection_id, connections.c.heartbeat.is_not(None))
        .values(next_check=until)
    )


def _let_go(conn: Connection, folding: Folding, connection_id: str, but: str = "") -> None:
    for problem in live_problems(conn, connection_id):
        if problem["kind"] in STANDING_KINDS:
            continue
        if problem["connection_failing"] and problem["fingerprint"] != but:
            folding.connection_recovered(problem)


def claim_due_checks(conn: Connection, now: datetime, limit: int) -> list[ConnectionSecretRow]:
    """Return connections whose check is due, without members, and put that off a little, so that one daemon checks
    each.
    """
    due = [
        secret_of(row, [])
        for row in conn.execute(
            select(connections)
            .where(text(CHECKED), connections.c.next_check <= now)
            .order_by(connections.c.next_check)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ]
    if due:
        conn.execute(
            sa.update(connections)
            .where(connections.c.id.in_([each.id for each in due]))
            .values(next_check=now + CHECK_LEASE)
        )
    return due


def give_back(conn: Connection, ids: list[str], until: datetime) -> None:
    """Let claimed checks that were not begun be due at another time."""
    if ids:
        conn.execute(
            sa.update(connections)
            .where(connections.c.id.in_(ids), connections.c.next_check.is_not(None))
            .values(next_check=until)
        )


def spread_overdue(conn: Connection, now: datetime, *, apart_s: float, at_once: int) -> int:
    """Give checks that are overdue times of their own from now on, `apart_s` seconds apart; return how many.

    The first `at_once` are left as they are. After a stop or an outage of the desk all would be due at one moment.
    """
    overdue = list(
        conn.execute(
            select(connections.c.id)
            .where(text(CHECKED), connections.c.next_check <= now)
            .order_by(connections.c.next_check)
            .offset(at_once)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if overdue:
        conn.execute(
            sa.update(connections)
            .where(connections.c.id == sa.bindparam("overdue_id"))
            .values(next_check=sa.bindparam("then")),
            [
                {"overdue_id": each, "then": now + timedelta(seconds=apart_s * (number + 1))}
                for number, each in enumerate(overdue)
            ],
        )
    return len(overdue)


def next_check_at(conn: Connection) -> datetime | None:
    """Return when the next check is due, or None."""
    due_at: datetime | None = conn.execute(
        select(connections.c.next_check).where(text(CHECKED)).order_by(connections.c.next_check).limit(1)
    ).scalar_one_or_none()
    return due_at


def _insert_heartbeat(conn: Connection, heartbeat: HeartbeatRow) -> None:
    values = {name: getattr(heartbeat, name) for name in HeartbeatRow.__slots__}
    conn.execute(
        sa.insert(heartbeat_table).values(values | {"response_headers": dict(heartbeat.response_headers)})
    )
