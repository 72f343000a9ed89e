"""Access and refresh tokens of connections, encrypted, and the lease of whoever renews them.

One daemon renews at a time: an app that rotates refresh tokens revokes them all when an old one is used again. As
those of daemons, leases are counted by the database's clock on PostgreSQL, and by the one daemon's on SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.store.connection_rows import connection_row
from healthdesk.store.daemons import database_now
from healthdesk.store.schema_connections import connection_tokens
from healthdesk.store.scope import on_sqlite


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What is kept of a connection's tokens. `version` counts renewals; `tokens_enc` is empty before the first."""

    connection_id: str
    tokens_enc: str
    version: int
    expires_at: datetime | None
    refreshed_at: datetime
    lease_owner: str
    lease_until: datetime | None


@dataclass(frozen=True, slots=True)
class Lease:
    """Whether the lease was `taken`. `row` is as it was before that.

    `wait_s` is for how long another still holds it. `interrupted` says that its last holder neither finished nor gave
    it back: what it was told by the app is lost.
    """

    row: TokenRow
    taken: bool
    wait_s: float = 0.0
    interrupted: bool = False


def get(conn: Connection, connection_id: str) -> TokenRow | None:
    """Return what is kept of a connection's tokens, or None before there was anything."""
    row = conn.execute(
        select(connection_tokens).where(connection_tokens.c.connection_id == connection_id)
    ).one_or_none()
    return None if row is None else _row(row)


def lease(
    conn: Connection, connection_id: str, owner: str, now: datetime, lasts: timedelta, *, seen: int
) -> Lease:
    """Take the lease, unless another holds it or the tokens are no longer of the version `seen`. Raises NotFound."""
    connection_row(conn, connection_id)
    insert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(connection_tokens)
    conn.execute(
        insert.values(
            connection_id=connection_id, tokens_enc="", version=0, refreshed_at=now, lease_owner=""
        ).on_conflict_do_nothing(index_elements=["connection_id"])
    )
    mine = connection_tokens.c.connection_id == connection_id
    row = _row(conn.execute(select(connection_tokens).where(mine).with_for_update()).one())
    counted = database_now(conn) or now
    held = row.lease_until is not None and row.lease_until > counted and row.lease_owner not in ("", owner)
    if held:
        assert row.lease_until is not None
        return Lease(row, taken=False, wait_s=(row.lease_until - counted).total_seconds())
    if row.version != seen:
        return Lease(row, taken=False)
    conn.execute(
        sa.update(connection_tokens).where(mine).values(lease_owner=owner, lease_until=counted + lasts)
    )
    return Lease(row, taken=True, interrupted=bool(row.lease_owner) and row.lease_owner != owner)


def keep(
    conn: Connection,
    connection_id: str,
    tokens_enc: str,
    *,
    version: int,
    expires_at: datetime | None,
    now: datetime,
) -> bool:
    """Replace the tokens of a `version` by new ones and end the lease; False when they are of another by now.

    Whoever holds the lease meanwhile: what was got last is what the app accepts.
    """
    kept = conn.execute(
        sa.update(connection_tokens)
        .where(connection_tokens.c.connection_id == connection_id, connection_tokens.c.version == version)
        .values(
            tokens_enc=tokens_enc,
            version=version + 1,
            expires_at=expires_at,
            refreshed_at=now,
            lease_owner="",
            lease_until=None,
        )
    )
    return kept.rowcount > 0


def annotate(conn: Connection, connection_id: str, owner: str, tokens_enc: str, *, version: int) -> bool:
    """Keep what was learnt of the tokens of a version, which stay as they are, and end the owner's lease."""
    kept = conn.execute(
        sa.update(connection_tokens)
        .where(
            connection_tokens.c.connection_id == connection_id,
            connection_tokens.c.version == version,
            connection_tokens.c.lease_owner == owner,
        )
        .values(tokens_enc=tokens_enc, lease_owner="", lease_until=None)
    )
    return kept.rowcount > 0


def release(conn: Connection, connection_id: str, owner: str) -> None:
    """End the owner's lease, the tokens as they were."""
    conn.execute(
        sa.update(connection_tokens)
        .where(connection_tokens.c.connection_id == connection_id, connection_tokens.c.lease_owner == owner)
        .values(lease_owner="", lease_until=None)
    )


def _row(row: Any) -> TokenRow:
    return TokenRow(**{name: getattr(row, name) for name in TokenRow.__slots__})
