"""Integrations of kinds tasks and proof, whose work are instances; those of kind delivery are in `integrations`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.states import IntegrationKind, IntegrationState
from healthdesk.store.columns import to_micros
from healthdesk.store.instance_query import not_unlinked
from healthdesk.store.instances import leave_problems, problems_of
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import instances, tasks, templates
from healthdesk.store.schema_setup import integrations
from healthdesk.store.scope import missing, on_sqlite

CHANGEABLE = frozenset({"name", "connection_id", "settings"})
_MICROS = 1_000_000
_STEPS = 1024
"""Into how many moments what is spread out falls."""


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin connection of an integration: its name, and who owns it."""

    name: str
    owner: str


def insert(
    conn: Connection,
    *,
    integration_id: str,
    name: str,
    kind: IntegrationKind,
    app: str,
    connection_id: str | None,
    settings: Mapping[str, Any],
    now: datetime,
    by: str,
) -> None:
    """Store a new integration without instances. `connection_id` is the admin connection, of kind tasks alone."""
    conn.execute(
        sa.insert(integrations).values(
            id=integration_id,
            name=name,
            kind=kind,
            app=app,
            connection_id=connection_id,
            settings=dict(settings),
            created_at=now,
            created_by=by,
        )
    )


def update(conn: Connection, integration_id: str, changes: Mapping[str, Any]) -> None:
    """Change what is in CHANGEABLE, or raise NotFound."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"an integration has no {', '.join(sorted(unknown))} to change")
    _one(conn, integration_id, changes)


def set_state(conn: Connection, integration_id: str, state: IntegrationState) -> bool:
    """Pause or resume; return whether that changed anything. What works for it is parked and taken up by the loop."""
    here = (integrations.c.id == integration_id) & integrations.c.deleted_at.is_(None)
    before = conn.execute(select(integrations.c.state).where(here)).scalar_one_or_none()
    if before is None:
        raise missing("integration", integration_id)
    if before is not state:
        _one(conn, integration_id, {"state": state})
    return before is not state


def reschedule(conn: Connection, integration_id: str, before_s: float, after_s: float, now: datetime) -> None:
    """Give instances that have the integration's interval the new one; none is due later than that from now.

    Where that brings them forward, they are spread over the new interval.
    """
    theirs = (instances.c.integration_id == integration_id) & (instances.c.every_s == before_s)
    conn.execute(sa.update(instances).where(theirs).values(every_s=after_s))
    latest = to_micros(now) + int(after_s * _MICROS)
    conn.execute(
        sa.update(instances)
        .where(
            instances.c.integration_id == integration_id,
            instances.c.every_s == after_s,
            instances.c.lease_owner == "",
            sa.type_coerce(instances.c.next_at, sa.BigInteger) > latest,
        )
        .values(next_at=_spread(conn, now, after_s))
    )


def instances_of(conn: Connection, integration_id: str) -> int:
    """Return how many instances work for an integration; tasks that were unlinked do not."""
    counted = select(sa.func.count()).where(instances.c.integration_id == integration_id, not_unlinked())
    return int(conn.execute(counted).scalar_one())


def remove(conn: Connection, integration_id: str, now: datetime) -> int:
    """Hide an integration and part every task from it; return how many were linked.

    Their issues stay, and what is known of them. Templates of it go on without it. Proof syncs have to be gone before.
    """
    linked = instances_of(conn, integration_id)
    theirs = instances.c.integration_id == integration_id
    ids = select(instances.c.id).where(theirs)
    named = problems_of(conn, theirs)
    conn.execute(
        sa.update(tasks)
        .where(tasks.c.id.in_(ids))
        .values(
            link=None,
            external_id="",
            external_key="",
            external_url="",
            external=None,
            synced=None,
            creating_at=None,
            creating_title="",
            version=tasks.c.version + 1,
        )
    )
    conn.execute(sa.delete(instances).where(theirs))
    leave_problems(conn, named, now)
    conn.execute(
        sa.update(templates)
        .where(templates.c.integration_id == integration_id)
        .values(integration_id=None, connection_id=None)
    )
    _one(conn, integration_id, {"deleted_at": now, "connection_id": None})
    return linked


def admins(conn: Connection, connection_ids: Iterable[str]) -> dict[str, Admin]:
    """Return the admin connections of these ids that are not disconnected."""
    found = conn.execute(
        select(connections.c.id, connections.c.name, connections.c.owner).where(
            connections.c.id.in_(list(connection_ids)), connections.c.deleted_at.is_(None)
        )
    )
    return {row.id: Admin(row.name, row.owner) for row in found}


def names(conn: Connection, integration_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of integrations, of removed ones too."""
    found = conn.execute(
        select(integrations.c.id, integrations.c.name).where(integrations.c.id.in_(list(integration_ids)))
    )
    return {row.id: row.name for row in found}


def _one(conn: Connection, integration_id: str, values: Mapping[str, Any]) -> None:
    here = (integrations.c.id == integration_id) & integrations.c.deleted_at.is_(None)
    if values and not conn.execute(sa.update(integrations).where(here).values(dict(values))).rowcount:
        raise missing("integration", integration_id)


def _spread(conn: Connection, now: datetime, within_s: float) -> Any:
    """Return an expression of a moment within so many seconds from now, another one for each row."""
    start = sa.literal(to_micros(now), sa.BigInteger)
    step = sa.literal(int(within_s * _MICROS / _STEPS), sa.BigInteger)
    if on_sqlite(conn):
        part: Any = sa.func.random(type_=sa.BigInteger).op("&")(_STEPS - 1)
    else:
        part = sa.cast(sa.func.floor(sa.func.random(type_=sa.Float) * _STEPS), sa.BigInteger)
    return sa.type_coerce(start + part * step, instances.c.next_at.type)
