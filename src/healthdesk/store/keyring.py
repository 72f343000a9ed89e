"""Bearer keys of environments, the secrets that sign their deliveries, and those that prove their receipts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, Table, or_, select

from healthdesk.domain.states import Environment
from healthdesk.store.bulk import Place
from healthdesk.store.rows import KeyRow, SigningSecretRow
from healthdesk.store.schema_connections import callback_secrets
from healthdesk.store.schema_setup import api_keys
from healthdesk.store.schema_setup import receipt_secrets as receipt_table
from healthdesk.store.schema_setup import signing_secrets as secret_table

Hints = tuple[str, datetime | None, str, str]
"""Hint and age of the newest key, hints of the newest signing secret and receipt secret."""

NO_HINTS: Hints = ("", None, "", "")

SecretKind = Literal["signing", "receipt"]
"""What a secret of an environment is for: signing what is sent, or proving who sent a receipt."""

_TABLES: Mapping[SecretKind, Table] = {"signing": secret_table, "receipt": receipt_table}


def insert_key(
    conn: Connection,
    *,
    key_id: str,
    integration_id: str,
    environment: Environment,
    key_hash: bytes,
    hint: str,
    now: datetime,
    by: str,
    overlap_s: float = 0,
) -> datetime | None:
    """Store a new bearer key. Those before it expire after `overlap_s`; return when, or None if there were none."""
    values = {"id": key_id, "key_hash": key_hash, "hint": hint, "created_by": by}
    return _replace(conn, api_keys, integration_id, environment, now, overlap_s, values)


def insert_secret(
    conn: Connection,
    kind: SecretKind,
    *,
    secret_id: str,
    integration_id: str,
    environment: Environment,
    secret_enc: str,
    hint: str,
    now: datetime,
    by: str,
    overlap_s: float = 0,
) -> datetime | None:
    """Store a new secret. Those of its kind before it are good for `overlap_s` more; return until when, or None."""
    values = {"id": secret_id, "secret_enc": secret_enc, "hint": hint, "created_by": by}
    return _replace(conn, _TABLES[kind], integration_id, environment, now, overlap_s, values)


def _replace(
    conn: Connection,
    table: Table,
    integration_id: str,
    environment: Environment,
    now: datetime,
    overlap_s: float,
    values: Mapping[str, Any],
) -> datetime | None:
    """Add a row with these values; return when those before it end, or None if there were none."""
    until = _retire(conn, table, integration_id, environment, now, overlap_s)
    whose = {"integration_id": integration_id, "environment": environment, "created_at": now}
    conn.execute(sa.insert(table).values(**whose, **values))
    return until


def _retire(
    conn: Connection,
    table: Table,
    integration_id: str,
    environment: Environment,
    now: datetime,
    overlap_s: float,
) -> datetime | None:
    """Let what is valid end after the overlap; what ends sooner anyway stays so."""
    until = now + timedelta(seconds=overlap_s)
    valid = (
        (table.c.integration_id == integration_id)
        & (table.c.environment == environment)
        & _valid_at(table, now)
    )
    if not conn.execute(select(table.c.id).where(valid).limit(1)).first():
        return None
    ends_later = or_(table.c.expires_at.is_(None), table.c.expires_at > until)
    conn.execute(sa.update(table).where(valid, ends_later).values(expires_at=until))
    return until


def _valid_at(table: Table, now: datetime) -> Any:
    return or_(table.c.expires_at.is_(None), table.c.expires_at > now)


def keys(conn: Connection, integration_id: str, now: datetime) -> list[KeyRow]:
    """Return the valid keys of an integration, newest first."""
    found = conn.execute(
        select(api_keys)
        .where(api_keys.c.integration_id == integration_id, _valid_at(api_keys, now))
        .order_by(api_keys.c.id.desc())
    )
    return [_key(row) for row in found]


def find_key(conn: Connection, key_hash: bytes, now: datetime) -> KeyRow | None:
    """Return the valid key with this hash."""
    row = conn.execute(
        select(api_keys).where(api_keys.c.key_hash == key_hash, _valid_at(api_keys, now))
    ).one_or_none()
    return None if row is None else _key(row)


def expire_old_keys(conn: Connection, now: datetime) -> int:
    """Delete keys, signing and receipt secrets and further callback secrets that expired; return how many."""
    return sum(
        conn.execute(sa.delete(table).where(table.c.expires_at <= now)).rowcount
        for table in (api_keys, secret_table, receipt_table, callback_secrets)
    )


def signing_secrets(
    conn: Connection, integration_id: str, environment: Environment | None, now: datetime
) -> list[SigningSecretRow]:
    """Return the signing secrets valid at `now`, newest first; of every environment where none is named."""
    return _secrets(conn, secret_table, integration_id, environment, now)


def receipt_secrets(conn: Connection, integration_id: str, now: datetime) -> list[SigningSecretRow]:
    """Return the secrets of an integration's receipts valid at `now`, newest first."""
    return _secrets(conn, receipt_table, integration_id, None, now)


def _secrets(
    conn: Connection, table: Table, integration_id: str, environment: Environment | None, now: datetime
) -> list[SigningSecretRow]:
    query = select(table).where(table.c.integration_id == integration_id, _valid_at(table, now))
    if environment is not None:
        query = query.where(table.c.environment == environment)
    found = conn.execute(query.order_by(table.c.id.desc()))
    return [
        SigningSecretRow(**{name: getattr(row, name) for name in SigningSecretRow.__slots__}) for row in found
    ]


def secrets_by_place(conn: Connection, now: datetime) -> dict[Place, list[str]]:
    """Return the encrypted signing secrets of every environment, newest first."""
    secrets: dict[Place, list[str]] = {}
    for row in conn.execute(
        select(secret_table).where(_valid_at(secret_table, now)).order_by(secret_table.c.id.desc())
    ):
        secrets.setdefault((row.integration_id, row.environment), []).append(row.secret_enc)
    return secrets


def newest_hints(conn: Connection, ids: list[str]) -> dict[Place, Hints]:
    """Return what is shown of the newest key, signing secret and receipt secret of each environment."""
    hints: dict[Place, Hints] = {}
    for row in conn.execute(
        select(api_keys).where(api_keys.c.integration_id.in_(ids)).order_by(api_keys.c.id)
    ):
        hints[row.integration_id, row.environment] = (row.hint, row.created_at, "", "")
    for at, table in ((2, secret_table), (3, receipt_table)):
        for row in conn.execute(select(table).where(table.c.integration_id.in_(ids)).order_by(table.c.id)):
            place = (row.integration_id, row.environment)
            parts: list[Any] = [*hints.get(place, NO_HINTS)]
            parts[at] = row.hint
            hints[place] = (parts[0], parts[1], parts[2], parts[3])
    return hints


def _key(row: Any) -> KeyRow:
    return KeyRow(**{name: getattr(row, name) for name in KeyRow.__slots__})
