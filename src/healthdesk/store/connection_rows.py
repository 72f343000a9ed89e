"""Connections as typed rows, for the queries on them and on their checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.store.rows import (
    ConnectionRow,
    ConnectionSecretRow,
    HeartbeatSettings,
    MemberRow,
    VerificationSettings,
)
from healthdesk.store.schema_connections import connection_members, connections
from healthdesk.store.scope import missing


def connection_row(conn: Connection, connection_id: str, *, lock: bool = False) -> Any:
    """Return the row of a connection that is not disconnected, or raise NotFound."""
    query = select(connections).where(connections.c.id == connection_id, connections.c.deleted_at.is_(None))
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("connection", connection_id)
    return row


def members_of(conn: Connection, ids: Iterable[str]) -> dict[str, list[MemberRow]]:
    """Return the members of each connection, by name."""
    members: dict[str, list[MemberRow]] = {}
    found = conn.execute(
        select(connection_members)
        .where(connection_members.c.connection_id.in_(list(ids)))
        .order_by(connection_members.c.user_name)
    )
    for row in found:
        members.setdefault(row.connection_id, []).append(MemberRow(row.user_name, row.held_grant))
    return members


def connection_of(row: Any, members: list[MemberRow]) -> ConnectionRow:
    """Return a connection without secrets."""
    return ConnectionRow(**fields_of(row, members))


def secret_of(row: Any, members: list[MemberRow]) -> ConnectionSecretRow:
    """Return a connection with its encrypted secrets."""
    return ConnectionSecretRow(
        **fields_of(row, members),
        credentials_enc=row.credentials_enc,
        callback_secret_enc=row.callback_secret_enc,
        previous_enc=row.previous_enc,
        previous_identity=row.previous_identity,
        previous_expires_at=row.previous_expires_at,
        previous_expires_from=row.previous_expires_from,
    )


def fields_of(row: Any, members: list[MemberRow]) -> dict[str, Any]:
    """Return the fields that a connection has with and without its secrets."""
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
        "judged_by_deliveries": row.heartbeat is None and not row.pinged,
        "suspect_checks": row.suspect_checks,
        "settings_version": row.settings_version,
        "used_at": row.used_at,
        "collected_at": row.collected_at,
        "verification": VerificationSettings(**row.verification),
        "callback_secret_hint": row.callback_secret_hint,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "heartbeat": HeartbeatSettings(**row.heartbeat) if row.heartbeat else None,
        "callback_limit_per_minute": row.callback_limit_per_minute,
        "connected_on": row.connected_on if row.last_healthy is not None else None,
        "last_healthy": row.last_healthy,
        "last_checked": row.last_checked,
        "next_check": row.next_check,
        "failure": _failure(row.failure),
        "settings": row.settings,
        "identity": row.identity,
        "identity_connected": row.identity_connected,
        "expires_at": row.expires_at,
        "expires_from": row.expires_from,
        "expiry_warned": row.expiry_warned,
        "last_good_check": row.last_good_check,
        "first_bad_check": row.first_bad_check,
        "flapping_since": row.flapping_since,
        "previous_hint": row.previous_hint,
        "previous_auth": row.previous_auth,
        "previous_by": row.previous_by,
        "previous_until": row.previous_until,
        "handshake_until": row.handshake_until,
        "pinged": row.pinged,
        "members": members,
    }


def plain(value: Any) -> Any:
    """Return a settings dataclass as what JSON keeps; mappings and None stay."""
    if isinstance(value, HeartbeatSettings | VerificationSettings):
        return asdict(value)
    return value


def failure_json(failure: Failure) -> dict[str, Any]:
    """Return a failure as it is kept."""
    return asdict(failure)


def _failure(kept: dict[str, Any] | None) -> Failure | None:
    if kept is None:
        return None
    words = {"kind": ErrorKind(kept["kind"]), "blame": Blame(kept["blame"]), "sent": Sent(kept["sent"])}
    return Failure(**(kept | words))
