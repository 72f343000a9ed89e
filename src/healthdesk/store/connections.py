"""Connections, their members and their checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.health import HealthChange
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind, Grant
from healthdesk.errors import Conflict
from healthdesk.store.folding import Folding, live_problems
from healthdesk.store.paging import paged
from healthdesk.store.rows import (
    ConnectionRow,
    ConnectionSecretRow,
    HeartbeatRow,
    HeartbeatSettings,
    MemberRow,
    NewConnection,
    PageRows,
    ProblemChanges,
    VerificationSettings,
)
from healthdesk.store.schema_setup import (
    connection_members,
    connections,
    environments,
    integrations,
)
from healthdesk.store.schema_setup import heartbeats as heartbeat_table
from healthdesk.store.scope import missing, on_sqlite

CHECK_LEASE = timedelta(minutes=2)
"""A claimed check that never reports (its daemon died) is due again after this."""

CHANGEABLE = frozenset(
    {
        "name",
        "base_url",
        "account",
        "auth",
        "owner",
        "credentials_enc",
        "credential_hint",
        "heartbeat",
        "verification",
        "callback_secret_enc",
        "callback_secret_hint",
        "callback_limit_per_minute",
        "next_check",
        "connected_on",
    }
)


def insert(conn: Connection, new: NewConnection) -> None:
    """Store a new connection, in state unknown."""
    values = {name: getattr(new, name) for name in new.__slots__}
    values["heartbeat"] = _plain(new.heartbeat)
    values["verification"] = _plain(new.verification)
    values |= {
        "state": ConnectionState.UNKNOWN,
        "state_since": new.created_at,
        "connected_on": new.created_at,
    }
    conn.execute(sa.insert(connections).values(values))


def get(conn: Connection, connection_id: str) -> ConnectionRow:
    """Return a connection, or raise NotFound."""
    return _connection(_row(conn, connection_id), _members(conn, [connection_id]).get(connection_id, []))


def get_secret(conn: Connection, connection_id: str) -> ConnectionSecretRow:
    """Return a connection with its encrypted secrets, or raise NotFound."""
    row = _row(conn, connection_id)
    fields = _fields(row, _members(conn, [connection_id]).get(connection_id, []))
    return ConnectionSecretRow(
        **fields, credentials_enc=row.credentials_enc, callback_secret_enc=row.callback_secret_enc
    )


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[ConnectionRow]:
    """Return connections by age."""
    query = select(connections).where(connections.c.deleted_at.is_(None))
    found = paged(conn, query, connections.c.id, _same, after=after, limit=limit, newest_first=newest_first)
    members = _members(conn, [row.id for row in found.items])
    return PageRows([_connection(row, members.get(row.id, [])) for row in found.items], found.next)


def update(conn: Connection, connection_id: str, changes: Mapping[str, Any]) -> None:
    """Change columns of a connection, those in `CHANGEABLE`; raise NotFound."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a connection has no {', '.join(sorted(unknown))} to change")
    _row(conn, connection_id)
    values = {
        name: _plain(value) if name in {"heartbeat", "verification"} else value
        for name, value in changes.items()
    }
    if values:
        conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))


def delete(conn: Connection, connection_id: str, now: datetime) -> None:
    """Disconnect: erase the secrets and hide the connection. Raise Conflict while an integration uses it."""
    _row(conn, connection_id)
    users = conn.execute(
        select(integrations.c.name)
        .join(environments, environments.c.integration_id == integrations.c.id)
        .where(environments.c.connection_id == connection_id)
        .distinct()
        .order_by(integrations.c.name)
    ).scalars()
    names = list(users)
    if names:
        raise Conflict(
            f"{', '.join(names)} delivers through this connection",
            fix="Give its environments another connection first.",
        )
    conn.execute(
        sa.update(connections)
        .where(connections.c.id == connection_id)
        .values(
            deleted_at=now,
            next_check=None,
            credentials_enc="",
            credential_hint="",
            callback_secret_enc="",
            callback_secret_hint="",
        )
    )


def put_member(conn: Connection, connection_id: str, user: str, grant: Grant) -> None:
    """Make a user a member of a connection, or change the grant."""
    _row(conn, connection_id)
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(connection_members)
    conn.execute(
        upsert.values(
            connection_id=connection_id, user_name=user, held_grant=grant.value
        ).on_conflict_do_update(
            index_elements=["connection_id", "user_name"], set_={"held_grant": grant.value}
        )
    )


def remove_member(conn: Connection, connection_id: str, user: str) -> bool:
    """Take a user off a connection; return whether there was such a member."""
    gone = conn.execute(
        sa.delete(connection_members).where(
            connection_members.c.connection_id == connection_id, connection_members.c.user_name == user
        )
    )
    return gone.rowcount > 0


def set_health(
    conn: Connection,
    connection_id: str,
    change: HealthChange,
    failure: Failure | None,
    key: ProblemKey | None,
    heartbeat: HeartbeatRow | None,
    now: datetime,
) -> ProblemChanges:
    """Store what a check (or the evidence of deliveries) decided, the check itself, and what that does to the
    connection's problem: failing opens it, connected lets it go.
    """
    row = _row(conn, connection_id, lock=True)
    values: dict[str, Any] = {
        "state": change.state,
        "suspect_checks": change.suspect_checks,
        "next_check": change.next_check_at,
    }
    if change.state is not row.state:
        values["state_since"] = now
    if failure is not None:
        values["failure"] = _failure_json(failure)
    elif change.state is ConnectionState.CONNECTED:
        values["failure"] = None
        values["last_healthy"] = now
    if heartbeat is not None:
        values["last_checked"] = heartbeat.at
        _insert_heartbeat(conn, heartbeat)
    conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))
    folding = Folding(conn, now)
    if change.state is ConnectionState.FAILING and key is not None:
        folding.note_connection(key)
        folding.fold()
        _let_go(conn, folding, connection_id, but=key.fingerprint)
    elif change.state is ConnectionState.CONNECTED:
        _let_go(conn, folding, connection_id)
    return folding.finish()


def _let_go(conn: Connection, folding: Folding, connection_id: str, but: str = "") -> None:
    for problem in live_problems(conn, connection_id):
        if problem["connection_failing"] and problem["fingerprint"] != but:
            folding.connection_recovered(problem)


def claim_due_checks(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Return ids of connections whose check is due, and put that off a little, so that one daemon checks each."""
    due = list(
        conn.execute(
            select(connections.c.id)
            .where(
                connections.c.deleted_at.is_(None),
                connections.c.next_check.is_not(None),
                connections.c.next_check <= now,
            )
            .order_by(connections.c.next_check)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if due:
        conn.execute(
            sa.update(connections).where(connections.c.id.in_(due)).values(next_check=now + CHECK_LEASE)
        )
    return due


def next_check_at(conn: Connection) -> datetime | None:
    """Return when the next check is due, or None."""
    due_at: datetime | None = conn.execute(
        select(connections.c.next_check)
        .where(connections.c.deleted_at.is_(None), connections.c.next_check.is_not(None))
        .order_by(connections.c.next_check)
        .limit(1)
    ).scalar_one_or_none()
    return due_at


def heartbeats(
    conn: Connection,
    connection_id: str,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[HeartbeatRow]:
    """Return a connection's checks."""
    query = select(heartbeat_table).where(heartbeat_table.c.connection_id == connection_id)
    return paged(
        conn, query, heartbeat_table.c.id, heartbeat_row, after=after, limit=limit, newest_first=newest_first
    )


def heartbeat_row(row: Any) -> HeartbeatRow:
    """Return a check from its row."""
    return HeartbeatRow(**{name: getattr(row, name) for name in HeartbeatRow.__slots__})


def _insert_heartbeat(conn: Connection, heartbeat: HeartbeatRow) -> None:
    values = {name: getattr(heartbeat, name) for name in HeartbeatRow.__slots__}
    conn.execute(
        sa.insert(heartbeat_table).values(values | {"response_headers": dict(heartbeat.response_headers)})
    )


def _row(conn: Connection, connection_id: str, *, lock: bool = False) -> Any:
    query = select(connections).where(connections.c.id == connection_id, connections.c.deleted_at.is_(None))
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("connection", connection_id)
    return row


def _members(conn: Connection, ids: Iterable[str]) -> dict[str, list[MemberRow]]:
    members: dict[str, list[MemberRow]] = {}
    found = conn.execute(
        select(connection_members)
        .where(connection_members.c.connection_id.in_(list(ids)))
        .order_by(connection_members.c.user_name)
    )
    for row in found:
        members.setdefault(row.connection_id, []).append(MemberRow(row.user_name, row.held_grant))
    return members


def _same(row: Any) -> Any:
    return row


def _connection(row: Any, members: list[MemberRow]) -> ConnectionRow:
    return ConnectionRow(**_fields(row, members))


def _fields(row: Any, members: list[MemberRow]) -> dict[str, Any]:
    return {
        "id": row.id,
        "app": row.app,
        "name": row.name,
        "account": row.account,
        "base_url": row.base_url,
        "auth": row.auth,
        "credential_hint": row.credential_hint,
        "owner": row.owner,
        "state": row.state,
        "state_since": row.state_since,
        "judged_by_deliveries": row.heartbeat is None,
        "suspect_checks": row.suspect_checks,
        "verification": VerificationSettings(**row.verification),
        "callback_secret_hint": row.callback_secret_hint,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "heartbeat": HeartbeatSettings(**row.heartbeat) if row.heartbeat else None,
        "callback_limit_per_minute": row.callback_limit_per_minute,
        "connected_on": row.connected_on,
        "last_healthy": row.last_healthy,
        "last_checked": row.last_checked,
        "next_check": row.next_check,
        "failure": _failure(row.failure),
        "members": members,
    }


def _plain(value: Any) -> Any:
    """Return a settings dataclass as what JSON keeps; mappings and None stay."""
    if isinstance(value, HeartbeatSettings | VerificationSettings):
        return asdict(value)
    return value


def _failure_json(failure: Failure) -> dict[str, Any]:
    return asdict(failure)


def _failure(kept: dict[str, Any] | None) -> Failure | None:
    if kept is None:
        return None
    words = {"kind": ErrorKind(kept["kind"]), "blame": Blame(kept["blame"]), "sent": Sent(kept["sent"])}
    return Failure(**(kept | words))
