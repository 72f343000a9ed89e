"""Integrations and their environments; keys and signing secrets are in `keyring`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import (
    ConnectionState,
    Environment,
    HoldReason,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
)
from healthdesk.errors import Malformed
from healthdesk.store import fixes, ledger
from healthdesk.store.keyring import (
    NO_HINTS,
    expire_old_keys,
    find_key,
    insert_key,
    insert_secret,
    keys,
    newest_hints,
    signing_secrets,
)
from healthdesk.store.paging import paged
from healthdesk.store.rows import EnvironmentRow, IntegrationRow, PageRows
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_setup import environments, integrations, source_integrations, sources
from healthdesk.store.scope import missing

__all__ = [
    "expire_old_keys",
    "find_key",
    "get",
    "insert",
    "insert_key",
    "insert_secret",
    "keys",
    "page",
    "put_environment",
    "rename",
    "set_state",
    "signing_secrets",
]

CHANGEABLE = (
    "connection_id",
    "path",
    "method",
    "headers",
    "concurrency",
    "rate_per_s",
    "timeout_s",
    "on_unknown",
    "accept_limit_per_minute",
    "delivery",
)


def insert(
    conn: Connection, *, integration_id: str, name: str, kind: IntegrationKind, now: datetime, by: str
) -> None:
    """Store a new integration without environments."""
    conn.execute(
        sa.insert(integrations).values(id=integration_id, name=name, kind=kind, created_at=now, created_by=by)
    )


def get(conn: Connection, integration_id: str) -> IntegrationRow:
    """Return an integration with its environments, or raise NotFound."""
    row = conn.execute(
        select(integrations).where(integrations.c.id == integration_id, integrations.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None:
        raise missing("integration", integration_id)
    return _whole(conn, [row])[0]


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[IntegrationRow]:
    """Return integrations by age, each with its environments."""
    found = paged(
        conn,
        select(integrations).where(integrations.c.deleted_at.is_(None)),
        integrations.c.id,
        lambda row: row,
        after=after,
        limit=limit,
        newest_first=newest_first,
    )
    return PageRows(_whole(conn, found.items), found.next)


def rename(conn: Connection, integration_id: str, name: str) -> None:
    """Rename an integration, or raise NotFound."""
    changed = conn.execute(
        sa.update(integrations).where(integrations.c.id == integration_id).values(name=name)
    )
    if not changed.rowcount:
        raise missing("integration", integration_id)


def put_environment(
    conn: Connection,
    integration_id: str,
    environment: Environment,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """Create an environment (`connection_id` is needed then) or change those of its settings that are given.

    The settings are those in `CHANGEABLE`. Fixes whose steps the mapping has from now on are not carried out a second time.
    """
    unknown = set(settings).difference(CHANGEABLE)
    if unknown:
        raise ValueError(f"an environment has no {', '.join(sorted(unknown))} to set")
    here = (environments.c.integration_id == integration_id) & (environments.c.environment == environment)
    existing = conn.execute(select(environments.c.delivery).where(here)).first()
    if existing is not None:
        if settings:
            conn.execute(sa.update(environments).where(here).values(dict(settings)))
        if "delivery" in settings:
            had, has = (each.get("mapping", []) for each in (existing.delivery, settings["delivery"]))
            fixes.note_saved(conn, integration_id, environment, had, has)
        return
    if not settings.get("connection_id"):
        raise Malformed("a new environment needs a connection", field="connection_id")
    values = {"headers": {}, **settings}
    conn.execute(
        sa.insert(environments).values(
            integration_id=integration_id, environment=environment, created_at=now, **values
        )
    )


def set_state(
    conn: Connection, integration_id: str, environment: Environment | None, state: IntegrationState
) -> list[Environment]:
    """Pause or resume one environment, or all; return those that changed.

    Holding and releasing their records follows in small steps.
    """
    here = environments.c.integration_id == integration_id
    if environment is not None:
        here &= environments.c.environment == environment
    changed = conn.execute(
        select(environments.c.environment)
        .where(here, environments.c.state != state)
        .order_by(environments.c.environment)
    ).scalars()
    result = list(changed)
    conn.execute(sa.update(environments).where(here).values(state=state))
    return result


def _whole(conn: Connection, rows: list[Any]) -> list[IntegrationRow]:
    """Return integrations with their environments and enabled sources, in three queries for all."""
    ids = [row.id for row in rows]
    by_id: dict[str, list[EnvironmentRow]] = {}
    for environment in _environments(conn, ids):
        by_id.setdefault(environment.integration_id, []).append(environment)
    enabled: dict[str, list[str]] = {}
    found = conn.execute(
        select(source_integrations.c.integration_id, sources.c.key)
        .join(sources, sources.c.id == source_integrations.c.source_id)
        .where(source_integrations.c.integration_id.in_(ids), source_integrations.c.enabled)
        .order_by(sources.c.key)
    )
    for source in found:
        enabled.setdefault(source.integration_id, []).append(source.key)
    return [
        IntegrationRow(
            id=row.id,
            kind=row.kind,
            name=row.name,
            created_at=row.created_at,
            created_by=row.created_by,
            environments=by_id.get(row.id, []),
            sources=enabled.get(row.id, []),
            app=row.app,
            connection_id=row.connection_id,
            settings=row.settings,
            state=row.state,
        )
        for row in rows
    ]


def _environments(conn: Connection, ids: list[str]) -> list[EnvironmentRow]:
    found = conn.execute(
        select(
            environments,
            connections.c.name.label("connection_name"),
            connections.c.base_url,
            connections.c.state.label("connection_state"),
        )
        .join(connections, connections.c.id == environments.c.connection_id)
        .where(environments.c.integration_id.in_(ids))
        .order_by(environments.c.integration_id, environments.c.environment)
    ).all()
    totals = (
        {(row.integration_id, row.environment): row.states for row in ledger.totals(conn)} if found else {}
    )
    hints = newest_hints(conn, ids)
    return [_environment(row, totals, hints) for row in found]


def _environment(row: Any, totals: Mapping[Any, dict[str, int]], hints: Mapping[Any, Any]) -> EnvironmentRow:
    place = (row.integration_id, row.environment)
    key_hint, key_created_at, secret_hint, receipt_hint = hints.get(place, NO_HINTS)
    return EnvironmentRow(
        integration_id=row.integration_id,
        environment=row.environment,
        connection_id=row.connection_id,
        connection_name=row.connection_name,
        base_url=row.base_url,
        path=row.path,
        method=row.method,
        headers=row.headers,
        on_unknown=OnUnknown(row.on_unknown),
        state=row.state,
        concurrency=row.concurrency,
        rate_per_s=row.rate_per_s,
        timeout_s=row.timeout_s,
        accept_limit_per_minute=row.accept_limit_per_minute,
        delivery=row.delivery,
        circuit=row.circuit,
        circuit_at=row.circuit_at,
        circuit_probe_at=row.circuit_probe_at,
        circuit_step=row.circuit_step,
        circuit_reason=row.circuit_reason,
        hold_reason=_hold_reason(row),
        key_hint=key_hint,
        key_created_at=key_created_at,
        signing_secret_hint=secret_hint,
        receipt_secret_hint=receipt_hint,
        totals=totals.get(place, {}),
    )


def _hold_reason(row: Any) -> HoldReason | None:
    """Return why records of the environment wait: the operator's pause goes before the connection's failure."""
    if row.state is IntegrationState.PAUSED:
        return HoldReason.PAUSED
    return HoldReason.CONNECTION if row.connection_state is ConnectionState.FAILING else None
