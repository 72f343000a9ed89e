"""Connections and their members; their checks are in `checks`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.states import ConnectionState, Grant
from healthdesk.errors import Conflict
from healthdesk.store.checks import claim_due_checks, next_check_at, set_health
from healthdesk.store.connection_rows import connection_of, connection_row, members_of, plain, secret_of
from healthdesk.store.paging import paged
from healthdesk.store.past_checks import heartbeats
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, NewConnection, PageRows
from healthdesk.store.schema_connections import (
    authorizations,
    callback_secrets,
    connection_members,
    connection_tokens,
    connections,
    pings,
)
from healthdesk.store.schema_setup import environments, integrations
from healthdesk.store.scope import on_sqlite

__all__ = [
    "claim_due_checks",
    "delete",
    "get",
    "get_secret",
    "heartbeats",
    "hold",
    "insert",
    "next_check_at",
    "page",
    "put_member",
    "remove_member",
    "set_health",
    "update",
]

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
        "settings",
        "identity",
        "identity_connected",
        "expires_at",
        "expires_from",
        "expiry_warned",
        "previous_enc",
        "previous_hint",
        "previous_auth",
        "previous_by",
        "previous_until",
        "previous_identity",
        "previous_expires_at",
        "previous_expires_from",
        "handshake_until",
    }
)

JUDGED = frozenset({"base_url", "auth", "credentials_enc", "heartbeat", "settings"})
"""What a check or a delivery is judged with: a change makes what was found before it out of date."""


def insert(conn: Connection, new: NewConnection) -> None:
    """Store a new connection, in state unknown."""
    values = {name: getattr(new, name) for name in new.__slots__}
    values["heartbeat"] = plain(new.heartbeat)
    values["verification"] = plain(new.verification)
    values |= {
        "state": ConnectionState.UNKNOWN,
        "state_since": new.created_at,
    }
    conn.execute(sa.insert(connections).values(values))


def get(conn: Connection, connection_id: str) -> ConnectionRow:
    """Return a connection, or raise NotFound."""
    return connection_of(
        connection_row(conn, connection_id), members_of(conn, [connection_id]).get(connection_id, [])
    )


def hold(conn: Connection, connection_id: str) -> ConnectionRow:
    """Return a connection that is not disconnected before the transaction ends, or raise NotFound.

    For whatever begins to work with it: what it is given now would else be lost by nobody. It may change meanwhile.
    """
    conn.execute(
        select(connections.c.id)
        .where(connections.c.id == connection_id)
        .with_for_update(read=True, key_share=True)
    )
    return get(conn, connection_id)


def get_secret(conn: Connection, connection_id: str, *, lock: bool = False) -> ConnectionSecretRow:
    """Return a connection with its encrypted secrets, locked where it will be changed, or raise NotFound."""
    row = connection_row(conn, connection_id, lock=lock)
    return secret_of(row, members_of(conn, [connection_id]).get(connection_id, []))


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[ConnectionRow]:
    """Return connections by age."""
    query = select(connections).where(connections.c.deleted_at.is_(None))
    found = paged(
        conn, query, connections.c.id, lambda row: row, after=after, limit=limit, newest_first=newest_first
    )
    members = members_of(conn, [row.id for row in found.items])
    return PageRows([connection_of(row, members.get(row.id, [])) for row in found.items], found.next)


def update(conn: Connection, connection_id: str, changes: Mapping[str, Any]) -> None:
    """Change columns of a connection, those in `CHANGEABLE`; raise NotFound."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a connection has no {', '.join(sorted(unknown))} to change")
    connection_row(conn, connection_id)
    values = {
        name: plain(value) if name in {"heartbeat", "verification"} else value
        for name, value in changes.items()
    }
    if "credentials_enc" in values and "expires_at" not in values:
        values |= {"expires_at": None, "expires_from": ""}  # the end was that of the credentials before
    if "expires_at" in values:
        values.setdefault("expiry_warned", None)
    if values.keys() & JUDGED:
        values["settings_version"] = connections.c.settings_version + 1
    if values:
        conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))


def delete(conn: Connection, connection_id: str, now: datetime) -> None:
    """Disconnect: erase the secrets and hide the connection. Raise Conflict while an integration uses it."""
    connection_row(conn, connection_id)
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
            previous_enc="",
            previous_hint="",
            previous_until=None,
            handshake_until=None,
            settings_version=connections.c.settings_version + 1,
        )
    )
    conn.execute(sa.delete(callback_secrets).where(callback_secrets.c.connection_id == connection_id))
    conn.execute(sa.delete(connection_tokens).where(connection_tokens.c.connection_id == connection_id))
    conn.execute(sa.delete(pings).where(pings.c.object_id == connection_id))
    conn.execute(sa.delete(connection_members).where(connection_members.c.connection_id == connection_id))
    conn.execute(sa.delete(authorizations).where(authorizations.c.connection_id == connection_id))


def put_member(conn: Connection, connection_id: str, user: str, grant: Grant) -> None:
    """Make a user a member of a connection, or change the grant."""
    connection_row(conn, connection_id)
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
