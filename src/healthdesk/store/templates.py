"""Repeating tasks: what each task begins with, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import TemplateRow
from healthdesk.store.schema_instances import tasks, templates
from healthdesk.store.scope import missing

CHANGEABLE = frozenset({"name", "task", "schedule", "integration_id", "connection_id", "next_at", "error"})

_COLUMNS = tuple(each.name for each in fields(TemplateRow))


def insert(conn: Connection, row: TemplateRow) -> None:
    """Store a new template."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    conn.execute(sa.insert(templates).values(values))


def get(conn: Connection, template_id: str, *, lock: bool = False) -> TemplateRow:
    """Return a template, locked where it will be changed, or raise NotFound."""
    query = select(templates).where(templates.c.id == template_id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("template", template_id)
    return _template(row)


def update(conn: Connection, template_id: str, changes: Mapping[str, Any]) -> None:
    """Change what is in CHANGEABLE, or raise NotFound."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a template has no {', '.join(sorted(unknown))} to change")
    if changes and not _set(conn, template_id, changes):
        raise missing("template", template_id)


def remove(conn: Connection, template_id: str) -> None:
    """Remove a template, or raise NotFound; tasks that were made from it stay."""
    if not conn.execute(sa.delete(templates).where(templates.c.id == template_id)).rowcount:
        raise missing("template", template_id)


def page(conn: Connection, *, after: str | None = None, limit: int = 50) -> PageRows[TemplateRow]:
    """Return templates by age."""
    return paged(
        conn, select(templates), templates.c.id, _template, after=after, limit=limit, newest_first=False
    )


def names(conn: Connection, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of templates that are still there."""
    wanted = sorted({each for each in ids if each is not None})
    if not wanted:
        return {}
    found = conn.execute(select(templates.c.id, templates.c.name).where(templates.c.id.in_(wanted)))
    return {row.id: row.name for row in found}


def counts(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Return how many tasks were made from each template."""
    found = conn.execute(
        select(tasks.c.template_id, sa.func.count().label("number"))
        .where(tasks.c.template_id.in_(list(ids)))
        .group_by(tasks.c.template_id)
    )
    return {row.template_id: row.number for row in found}


def next_due_at(conn: Connection) -> datetime | None:
    """Return when the next task is due to be created, or None."""
    due = select(templates.c.next_at).where(templates.c.next_at.is_not(None))
    found: datetime | None = conn.execute(due.order_by(templates.c.next_at).limit(1)).scalar_one_or_none()
    return found


def take_due(conn: Connection, now: datetime) -> TemplateRow | None:
    """Return a template whose next task is due, the longest due first, or None.

    It is this transaction's alone: another daemon skips it, and finds it moved on afterwards.
    """
    row = conn.execute(
        select(templates)
        .where(templates.c.next_at <= now)
        .order_by(templates.c.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return None if row is None else _template(row)


def created(conn: Connection, template_id: str, now: datetime, next_at: datetime | None) -> None:
    """Keep that a task was created from a template, and when the next one is due."""
    _set(conn, template_id, {"last_at": now, "next_at": next_at, "error": ""})


def _set(conn: Connection, template_id: str, values: Mapping[str, Any]) -> bool:
    changed = conn.execute(sa.update(templates).where(templates.c.id == template_id).values(dict(values)))
    return changed.rowcount > 0


def _template(row: Any) -> TemplateRow:
    return TemplateRow(**{name: getattr(row, name) for name in _COLUMNS})
