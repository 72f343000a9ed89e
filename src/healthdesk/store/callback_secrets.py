"""Further secrets of a connection's callbacks: those in rotation, and one for each webhook of some apps."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select

from healthdesk.store.connection_rows import connection_row
from healthdesk.store.schema_connections import callback_secrets, connections

MOST = 100
"""Kept for one connection; the oldest goes for a further one."""


def valid(conn: Connection, connection_id: str, now: datetime) -> list[str]:
    """Return the encrypted further secrets that are valid, newest first."""
    return list(
        conn.execute(
            select(callback_secrets.c.secret_enc)
            .where(
                callback_secrets.c.connection_id == connection_id,
                or_(callback_secrets.c.expires_at.is_(None), callback_secrets.c.expires_at > now),
            )
            .order_by(callback_secrets.c.id.desc())
        ).scalars()
    )


def add(
    conn: Connection,
    *,
    secret_id: str,
    connection_id: str,
    secret_enc: str,
    hint: str,
    now: datetime,
    expires_at: datetime | None,
) -> None:
    """Keep a further secret until it expires."""
    conn.execute(
        sa.insert(callback_secrets).values(
            id=secret_id,
            connection_id=connection_id,
            secret_enc=secret_enc,
            hint=hint,
            created_at=now,
            expires_at=expires_at,
        )
    )
    newest = (
        select(callback_secrets.c.id)
        .where(callback_secrets.c.connection_id == connection_id)
        .order_by(callback_secrets.c.id.desc())
        .limit(MOST)
    )
    conn.execute(
        sa.delete(callback_secrets).where(
            callback_secrets.c.connection_id == connection_id,
            callback_secrets.c.id.not_in(select(newest.subquery().c.id)),
        )
    )


def rotate(conn: Connection, connection_id: str, *, secret_id: str, now: datetime, until: datetime) -> None:
    """Keep the connection's own secret, which is about to be replaced, valid until the overlap ends."""
    row = connection_row(conn, connection_id, lock=True)
    if row.callback_secret_enc:
        add(
            conn,
            secret_id=secret_id,
            connection_id=connection_id,
            secret_enc=row.callback_secret_enc,
            hint=row.callback_secret_hint,
            now=now,
            expires_at=until,
        )


def hand_over(
    conn: Connection, connection_id: str, *, secret_id: str, secret_enc: str, hint: str, now: datetime
) -> bool:
    """Take over a secret that the app made. False when nobody waits for one: whoever knows the address may send it."""
    row = connection_row(conn, connection_id, lock=True)
    if row.handshake_until is None or row.handshake_until <= now:
        return False
    if row.callback_secret_enc:
        add(
            conn,
            secret_id=secret_id,
            connection_id=connection_id,
            secret_enc=secret_enc,
            hint=hint,
            now=now,
            expires_at=None,
        )
    else:
        values = {"callback_secret_enc": secret_enc, "callback_secret_hint": hint}
        conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(values))
    return True
