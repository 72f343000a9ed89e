"""What stands beside instances where they are shown: tasks, connections, and names, read for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Column, Connection, Table, select

from healthdesk.domain.states import IntegrationState
from healthdesk.store.connection_rows import connection_of, members_of
from healthdesk.store.rows import ConnectionRow
from healthdesk.store.rows_instances import InstanceRow, TaskRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import instances, labels, tasks, templates
from healthdesk.store.schema_setup import integrations


@dataclass(frozen=True, slots=True)
class Around:
    """By id: tasks, connections that are not disconnected, names of integrations, templates and labels.

    `paused` are the ids of the integrations that are.
    """

    tasks: Mapping[str, TaskRow] = field(default_factory=dict)
    connections: Mapping[str, ConnectionRow] = field(default_factory=dict)
    integrations: Mapping[str, str] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    templates: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def around(conn: Connection, rows: Sequence[InstanceRow]) -> Around:
    """Return what stands beside these instances."""
    states = _column(conn, integrations, integrations.c.state, (row.integration_id for row in rows))
    return Around(
        tasks=_tasks(conn, [row.id for row in rows]),
        connections=connections_of(conn, (row.connection_id for row in rows)),
        integrations=_column(conn, integrations, integrations.c.name, (row.integration_id for row in rows)),
        paused=frozenset(each for each, state in states.items() if state is IntegrationState.PAUSED),
        templates=_column(conn, templates, templates.c.name, (row.template_id for row in rows)),
        labels=_column(conn, labels, labels.c.name, (row.label_id for row in rows)),
    )


def connections_of(conn: Connection, ids: Iterable[str | None]) -> dict[str, ConnectionRow]:
    """Return the connections of these ids that are not disconnected."""
    wanted = _wanted(ids)
    if not wanted:
        return {}
    found = conn.execute(
        select(connections).where(connections.c.id.in_(wanted), connections.c.deleted_at.is_(None))
    ).all()
    members = members_of(conn, [row.id for row in found])
    return {row.id: connection_of(row, members.get(row.id, [])) for row in found}


def _tasks(conn: Connection, ids: Sequence[str]) -> dict[str, TaskRow]:
    if not ids:
        return {}
    names = TaskRow.__slots__
    found = conn.execute(select(tasks).where(tasks.c.id.in_(ids)))
    return {row.id: TaskRow(**{name: getattr(row, name) for name in names}) for row in found}


def _column(conn: Connection, table: Table, column: Column[Any], ids: Iterable[str | None]) -> dict[str, Any]:
    wanted = _wanted(ids)
    if not wanted:
        return {}
    found = conn.execute(select(table.c.id, column).where(table.c.id.in_(wanted)))
    return {row[0]: row[1] for row in found}


def _wanted(ids: Iterable[str | None]) -> list[str]:
    return sorted({each for each in ids if each is not None})


def issue_host(conn: Connection, integration_id: str, owner: str) -> str:
    """Return the host that issues of somebody's tasks of an integration are at, or an empty string."""
    query = (
        select(tasks.c.external_url)
        .join(instances, instances.c.id == tasks.c.id)
        .where(
            instances.c.integration_id == integration_id,
            instances.c.owner == owner,
            tasks.c.external_url != "",
        )
        .limit(1)
    )
    return urlsplit(conn.execute(query).scalar() or "").netloc.casefold()
