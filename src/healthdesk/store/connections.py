"""Connections, their members and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import Grant
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, HeartbeatRow, NewConnection, PageRows


def insert(conn: Connection, new: NewConnection) -> None:
    """Store a new connection, in state unknown."""
    raise NotImplementedError


def get(conn: Connection, connection_id: str) -> ConnectionRow:
    """Return a connection, or raise NotFound."""
    raise NotImplementedError


def get_secret(conn: Connection, connection_id: str) -> ConnectionSecretRow:
    """Return a connection with its encrypted secrets, or raise NotFound."""
    raise NotImplementedError


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[ConnectionRow]:
    """Return connections by age."""
    raise NotImplementedError


def update(conn: Connection, connection_id: str, changes: Mapping[str, Any]) -> None:
    """Change columns of a connection: name, base_url, account, auth, owner, credentials_enc, credential_hint, heartbeat, verification, callback_secret_enc, callback_secret_hint, callback_limit_per_minute, next_check, connected_on."""
    raise NotImplementedError


def delete(conn: Connection, connection_id: str, now: datetime) -> None:
    """Disconnect: erase the secrets and hide the connection. Raise Conflict while an environment delivers through it."""
    raise NotImplementedError


def put_member(conn: Connection, connection_id: str, user: str, grant: Grant) -> None:
    """Make a user a member of a connection, or change the grant."""
    raise NotImplementedError


def remove_member(conn: Connection, connection_id: str, user: str) -> bool:
    """Take a user off a connection; return whether there was such a member."""
    raise NotImplementedError


def set_health(
    conn: Connection,
    connection_id: str,
    change: HealthChange,
    failure: Failure | None,
    key: ProblemKey | None,
    heartbeat: HeartbeatRow | None,
    now: datetime,
) -> ProblemChanges:
    """Store what a check (or the evidence of deliveries) decided, the check itself, and what that does to the connection's problem."""
    raise NotImplementedError


def claim_due_checks(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Return ids of connections whose check is due, and put their next check off a little, so that one daemon checks each."""
    raise NotImplementedError


def next_check_at(conn: Connection) -> datetime | None:
    """Return when the next check is due, or None."""
    raise NotImplementedError


def heartbeats(
    conn: Connection,
    connection_id: str,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[HeartbeatRow]:
    """Return a connection's checks."""
    raise NotImplementedError
