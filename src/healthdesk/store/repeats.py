"""Records that were accepted before under an Idempotency-Key."""

from __future__ import annotations

from sqlalchemy import Connection, select

from healthdesk.domain.states import Environment
from healthdesk.store.schema import records


def accepted_before(
    conn: Connection, integration_id: str, environment: Environment, idempotency_key: str, body_hash: bytes
) -> str | None:
    """Return the id of the record that was accepted under this key with this very body, or None."""
    found: str | None = conn.execute(
        select(records.c.id).where(
            records.c.integration_id == integration_id,
            records.c.environment == environment,
            records.c.idempotency_key == idempotency_key,
            records.c.body_hash == body_hash,
        )
    ).scalar_one_or_none()
    return found
