"""What produces records, and through which integrations each is delivered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.errors import Conflict
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows, SourceRow
from healthdesk.store.schema_setup import integrations, source_integrations, sources
from healthdesk.store.scope import missing, on_sqlite


def insert(
    conn: Connection,
    *,
    source_id: str,
    key: str,
    name: str,
    levels: list[str],
    fields: list[dict[str, Any]],
    now: datetime,
    by: str,
) -> None:
    """Store a new source, or raise Conflict when the key is taken."""
    if conn.execute(select(sources.c.id).where(sources.c.key == key)).first():
        raise Conflict(f"there is a source {key} already", fix="Choose another key.", field="key")
    conn.execute(
        sa.insert(sources).values(
            id=source_id, key=key, name=name, levels=levels, fields=fields, created_at=now, created_by=by
        )
    )


def get(conn: Connection, id_or_key: str) -> SourceRow:
    """Return a source by id or key, or raise NotFound."""
    row = conn.execute(
        select(sources).where(or_(sources.c.id == id_or_key, sources.c.key == id_or_key))
    ).first()
    if row is None:
        raise missing("source", id_or_key)
    return _source(row, _enabled_for(conn, [row.id]))


def page(
    conn: Connection, *, after: str | None = None, limit: int = 50, newest_first: bool = False
) -> PageRows[SourceRow]:
    """Return sources by age."""
    found = paged(
        conn,
        select(sources),
        sources.c.id,
        lambda row: row,
        after=after,
        limit=limit,
        newest_first=newest_first,
    )
    enabled_for = _enabled_for(conn, [row.id for row in found.items])
    return PageRows([_source(row, enabled_for) for row in found.items], found.next)


def update(
    conn: Connection,
    source_id: str,
    *,
    name: str | None = None,
    levels: list[str] | None = None,
    fields: list[dict[str, Any]] | None = None,
) -> None:
    """Change a source; what is None stays."""
    given = {"name": name, "levels": levels, "fields": fields}
    values = {column: value for column, value in given.items() if value is not None}
    if (
        values
        and not conn.execute(sa.update(sources).where(sources.c.id == source_id).values(values)).rowcount
    ):
        raise missing("source", source_id)


def enable(conn: Connection, source_id: str, integration_id: str, enabled: bool) -> bool:  # noqa: FBT001 - the one thing to say
    """Allow or stop deliveries of a source through an integration; return whether that changed anything."""
    if not conn.execute(select(sources.c.id).where(sources.c.id == source_id)).first():
        raise missing("source", source_id)
    if not conn.execute(select(integrations.c.id).where(integrations.c.id == integration_id)).first():
        raise missing("integration", integration_id)
    table = source_integrations
    here = (table.c.source_id == source_id) & (table.c.integration_id == integration_id)
    before: bool | None = conn.execute(select(table.c.enabled).where(here)).scalar_one_or_none()
    if bool(before) == enabled:
        return False
    upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(table)
    conn.execute(
        upsert.values(
            source_id=source_id, integration_id=integration_id, enabled=enabled
        ).on_conflict_do_update(index_elements=["source_id", "integration_id"], set_={"enabled": enabled})
    )
    return True


def enabled(conn: Connection) -> list[tuple[str, SourceRow]]:
    """Return (integration id, source) for every source enabled for an integration."""
    table = source_integrations
    found = conn.execute(
        select(sources, table.c.integration_id)
        .join(table, table.c.source_id == sources.c.id)
        .where(table.c.enabled)
        .order_by(sources.c.id, table.c.integration_id)
    ).all()
    enabled_for: dict[str, list[str]] = {}
    for row in found:
        enabled_for.setdefault(row.id, []).append(row.integration_id)
    return [(row.integration_id, _source(row, enabled_for)) for row in found]


def _enabled_for(conn: Connection, ids: Iterable[str]) -> dict[str, list[str]]:
    table = source_integrations
    enabled_for: dict[str, list[str]] = {}
    for row in conn.execute(
        select(table)
        .where(table.c.source_id.in_(list(ids)), table.c.enabled)
        .order_by(table.c.integration_id)
    ):
        enabled_for.setdefault(row.source_id, []).append(row.integration_id)
    return enabled_for


def _source(row: Any, enabled_for: dict[str, list[str]]) -> SourceRow:
    return SourceRow(
        id=row.id,
        key=row.key,
        name=row.name,
        levels=row.levels,
        fields=row.fields,
        created_at=row.created_at,
        created_by=row.created_by,
        integrations=enabled_for.get(row.id, []),
    )
