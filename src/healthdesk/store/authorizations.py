"""Authorizations under way: what a browser or a device code was sent out with, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.errors import NotFound
from healthdesk.store.schema_connections import authorizations

PENDING, GRANTED, REFUSED, USED = "pending", "granted", "refused", "used"
KEPT_FOR = timedelta(days=1)
"""What is over for so long is deleted when the next one begins."""


@dataclass(frozen=True, slots=True)
class AuthorizationRow:
    """One authorization. `request_enc` is what it began with, `result_enc` the credentials it brought, encrypted."""

    id: str
    kind: str
    app: str
    state_hash: bytes
    request_enc: str
    url: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    status: str = PENDING
    user_code: str = ""
    result_enc: str = ""
    error: str = ""
    next_poll_at: datetime | None = None
    connection_id: str | None = None


def insert(conn: Connection, new: AuthorizationRow) -> None:
    """Store a new authorization, and delete those that are long over."""
    conn.execute(sa.delete(authorizations).where(authorizations.c.expires_at < new.created_at - KEPT_FOR))
    conn.execute(
        sa.insert(authorizations).values({name: getattr(new, name) for name in AuthorizationRow.__slots__})
    )


def get(conn: Connection, authorization_id: str) -> AuthorizationRow:
    """Return an authorization, or raise NotFound."""
    row = conn.execute(select(authorizations).where(authorizations.c.id == authorization_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no authorization {authorization_id}",
            fix="begin one with `healthdesk connections authorize`",
        )
    return _row(row)


def come_back(conn: Connection, state_hash: bytes, spent: bytes, now: datetime) -> AuthorizationRow | None:
    """Return the authorization whose state a browser brought back, once: the state becomes `spent`."""
    waiting = (
        (authorizations.c.state_hash == state_hash)
        & (authorizations.c.status == PENDING)
        & (authorizations.c.expires_at > now)
    )
    row = conn.execute(select(authorizations).where(waiting).with_for_update()).one_or_none()
    if row is None:
        return None
    conn.execute(sa.update(authorizations).where(waiting).values(state_hash=spent))
    return _row(row)


def claim_poll(
    conn: Connection, authorization_id: str, now: datetime, until: datetime
) -> AuthorizationRow | None:
    """Return a device authorization that may be polled now, and let nobody else poll it before `until`."""
    due = (
        (authorizations.c.id == authorization_id)
        & (authorizations.c.status == PENDING)
        & (authorizations.c.expires_at > now)
        & (authorizations.c.next_poll_at <= now)
    )
    row = conn.execute(select(authorizations).where(due).with_for_update()).one_or_none()
    if row is None:
        return None
    conn.execute(sa.update(authorizations).where(due).values(next_poll_at=until))
    return _row(row)


def poll_again(conn: Connection, authorization_id: str, request_enc: str, at: datetime) -> None:
    """Say when a device authorization may be polled again, at the interval that `request_enc` holds now."""
    conn.execute(
        sa.update(authorizations)
        .where(authorizations.c.id == authorization_id, authorizations.c.status == PENDING)
        .values(next_poll_at=at, request_enc=request_enc)
    )


def grant(conn: Connection, authorization_id: str, result_enc: str, until: datetime) -> bool:
    """Keep what an authorization brought, to be used before `until`; False when it is no longer pending."""
    return _finish(conn, authorization_id, status=GRANTED, result_enc=result_enc, expires_at=until)


def refuse(conn: Connection, authorization_id: str, error: str) -> bool:
    """Say why an authorization brought nothing."""
    return _finish(conn, authorization_id, status=REFUSED, error=error)


def use(conn: Connection, authorization_id: str, now: datetime) -> bool:
    """Take an authorization, in the transaction that saves what it brought; False when that was done before."""
    used = conn.execute(
        sa.update(authorizations)
        .where(
            authorizations.c.id == authorization_id,
            authorizations.c.status == GRANTED,
            authorizations.c.expires_at > now,
        )
        .values(status=USED, result_enc="", request_enc="")
    )
    return used.rowcount > 0


def _finish(conn: Connection, authorization_id: str, **values: Any) -> bool:
    """End a pending authorization; its verifier and device code are of no more use."""
    done = conn.execute(
        sa.update(authorizations)
        .where(authorizations.c.id == authorization_id, authorizations.c.status == PENDING)
        .values(request_enc="", next_poll_at=None, **values)
    )
    return done.rowcount > 0


def _row(row: Any) -> AuthorizationRow:
    return AuthorizationRow(**{name: getattr(row, name) for name in AuthorizationRow.__slots__})
