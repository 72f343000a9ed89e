"""Disconnecting a connection: what works with it, and what that loses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import ProblemState
from healthdesk.store import connections as queries
from healthdesk.store import instances as instance_queries
from healthdesk.store import problems as problem_queries
from healthdesk.store.folding import live_problems
from healthdesk.store.schema_desk import problems
from healthdesk.store.schema_instances import instances, templates
from healthdesk.store.schema_setup import environments, integrations

MOST_SAMPLES = 5
RESOLVED_BECAUSE = "its connection was disconnected"


@dataclass(frozen=True, slots=True)
class Uses:
    """What works with a connection. `owners` says for tasks and for proof syncs how many each operator has.

    `samples` are names of some of these, `administers` the task integrations it is the admin connection of, `delivers`
    the integrations that deliver through it, `templates` the repeating tasks that create with it.
    """

    owners: dict[InstanceKind, dict[str, int]] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)
    administers: list[str] = field(default_factory=list)
    delivers: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)

    def count(self, kind: InstanceKind) -> int:
        """Return how many tasks, or proof syncs, work with it."""
        return sum(self.owners.get(kind, {}).values())


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What a disconnection did: what it took away, and the problems that ended with it."""

    uses: Uses
    problems: list[str]


def uses(conn: Connection, connection_id: str) -> Uses:
    """Return what works with a connection, or raise NotFound."""
    queries.get(conn, connection_id)
    owners: dict[InstanceKind, dict[str, int]] = {}
    mine = instances.c.connection_id == connection_id
    counted = conn.execute(
        select(instances.c.kind, instances.c.owner, sa.func.count())
        .where(mine)
        .group_by(instances.c.kind, instances.c.owner)
        .order_by(instances.c.kind, instances.c.owner)
    )
    for kind, owner, number in counted:
        owners.setdefault(kind, {})[owner] = number
    samples = select(instances.c.name).where(mine).order_by(instances.c.id).limit(MOST_SAMPLES)
    administers = (
        select(integrations.c.name)
        .where(integrations.c.connection_id == connection_id, integrations.c.deleted_at.is_(None))
        .order_by(integrations.c.name)
    )
    repeating = select(templates.c.name).where(templates.c.connection_id == connection_id)
    return Uses(
        owners,
        list(conn.execute(samples).scalars()),
        list(conn.execute(administers).scalars()),
        delivers(conn, connection_id),
        list(conn.execute(repeating.order_by(templates.c.name)).scalars()),
    )


def delivers(conn: Connection, connection_id: str) -> list[str]:
    """Return the names of the integrations that deliver through a connection."""
    found = (
        select(integrations.c.name)
        .join(environments, environments.c.integration_id == integrations.c.id)
        .where(environments.c.connection_id == connection_id, integrations.c.deleted_at.is_(None))
        .distinct()
        .order_by(integrations.c.name)
    )
    return list(conn.execute(found).scalars())


def disconnect(conn: Connection, connection_id: str, by: str, now: datetime) -> Disconnected:
    """End a connection: its secrets are erased, and what works with it loses its configuration.

    Tasks and proof syncs stay with what they know of the app, and wait to be reconnected. Raises NotFound, and
    Conflict while an integration delivers through it. Whatever is under way with it decides nothing any more.
    """
    queries.get_secret(conn, connection_id, lock=True)
    found = uses(conn, connection_id)
    instance_queries.lost(conn, connection_id, now)
    queries.delete(conn, connection_id, now)
    conn.execute(
        sa.update(integrations)
        .where(integrations.c.connection_id == connection_id)
        .values(connection_id=None)
    )
    conn.execute(
        sa.update(templates)
        .where(templates.c.connection_id == connection_id)
        .values(connection_id=None, error="Its connection was disconnected: choose another one for it.")
    )
    return Disconnected(found, _end_problems(conn, connection_id, by, now))


def _end_problems(conn: Connection, connection_id: str, by: str, now: datetime) -> list[str]:
    """Close what the connection's own health holds open. Nobody is told that it recovered: it did not."""
    ended = []
    for problem in live_problems(conn, connection_id):
        if problem["integration_id"] is not None:
            continue
        ended.append(problem["id"])
        if problem["state"] is ProblemState.FORMING:
            conn.execute(sa.delete(problems).where(problems.c.id == problem["id"]))
        elif problem["state"] is not ProblemState.RESOLVED:
            problem_queries.resolve(conn, problem["id"], by=by, now=now, note=RESOLVED_BECAUSE)
    return ended
