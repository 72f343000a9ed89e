"""What delivering needs of every environment, in one query."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from healthdesk.store.keyring import (
    secrets_by_place,
)
from healthdesk.store.rows import TargetRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_setup import environments, integrations


def delivery_targets(conn: Connection, now: datetime) -> list[TargetRow]:
    """Return every environment with its connection and the signing secrets valid at `now`."""
    secrets = secrets_by_place(conn, now)
    found = conn.execute(
        select(
            environments,
            integrations.c.name.label("integration_name"),
            connections.c.name.label("connection_name"),
            connections.c.owner,
            connections.c.state.label("connection_state"),
            connections.c.suspect_checks,
            connections.c.settings_version,
            connections.c.state_since,
            connections.c.deleted_at.label("connection_deleted_at"),
            connections.c.heartbeat,
            connections.c.pinged,
            connections.c.app,
            connections.c.base_url,
            connections.c.credentials_enc,
            connections.c.auth,
            connections.c.settings,
        )
        .join(integrations, integrations.c.id == environments.c.integration_id)
        .join(connections, connections.c.id == environments.c.connection_id)
        .where(integrations.c.deleted_at.is_(None))
        .order_by(environments.c.integration_id, environments.c.environment)
    )
    return [
        TargetRow(
            integration_id=row.integration_id,
            integration_name=row.integration_name,
            environment=row.environment,
            state=row.state,
            connection_id=row.connection_id,
            connection_name=row.connection_name,
            owner=row.owner,
            connection_state=row.connection_state,
            connection_deleted=row.connection_deleted_at is not None,
            has_heartbeat=row.heartbeat is not None or row.pinged,
            app=row.app,
            base_url=row.base_url,
            credentials_enc=row.credentials_enc,
            path=row.path,
            method=row.method,
            headers=row.headers,
            on_unknown=row.on_unknown,
            concurrency=row.concurrency,
            rate_per_s=row.rate_per_s,
            timeout_s=row.timeout_s,
            accept_limit_per_minute=row.accept_limit_per_minute,
            signing_secrets_enc=tuple(secrets.get((row.integration_id, row.environment), ())),
            connection_suspect_checks=row.suspect_checks,
            connection_state_since=row.state_since,
            settings_version=row.settings_version,
            delivery=row.delivery,
            circuit=row.circuit,
            circuit_at=row.circuit_at,
            circuit_probe_at=row.circuit_probe_at,
            circuit_step=row.circuit_step,
            circuit_reason=row.circuit_reason,
            auth=row.auth,
            settings=row.settings,
        )
        for row in found
    ]
