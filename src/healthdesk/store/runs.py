"""Runs of instances: the intent of one, what it came to, and the history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.instance_states import RunOutcome
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.schema_instances import instance_runs
from healthdesk.store.scope import missing


def begin(conn: Connection, run: RunRow) -> None:
    """Store a run: the intent of one that is `running`, or one that is over."""
    values = {name: getattr(run, name) for name in RunRow.__slots__}
    conn.execute(sa.insert(instance_runs).values(values | {"detail": dict(run.detail)}))


def finish(
    conn: Connection,
    run_id: str,
    *,
    outcome: RunOutcome,
    finished_at: datetime,
    duration_ms: float | None = None,
    status: int | None = None,
    error_kind: str = "",
    blame: str = "",
    error: str = "",
    next_action: str = "",
    detail: Mapping[str, Any] | None = None,
    content_hash: str = "",
    rows: int | None = None,
    cut: bool = False,
) -> bool:
    """Store what a run came to that was begun before; False when retention removed it meanwhile."""
    changed = conn.execute(
        sa.update(instance_runs)
        .where(instance_runs.c.id == run_id)
        .values(
            outcome=outcome,
            finished_at=finished_at,
            duration_ms=duration_ms,
            status=status,
            error_kind=error_kind,
            blame=blame,
            error=error,
            next_action=next_action,
            detail=dict(detail or {}),
            content_hash=content_hash,
            rows=rows,
            cut=cut,
        )
    )
    return bool(changed.rowcount)


def page(
    conn: Connection,
    instance_id: str,
    after: str | None = None,
    limit: int = 50,
    *,
    newest_first: bool = True,
) -> PageRows[RunRow]:
    """Return runs of an instance."""
    query = select(instance_runs).where(instance_runs.c.instance_id == instance_id)
    return paged(
        conn, query, instance_runs.c.id, run_row, after=after, limit=limit, newest_first=newest_first
    )


def get(conn: Connection, run_id: str) -> RunRow:
    """Return a run, or raise NotFound."""
    row = conn.execute(select(instance_runs).where(instance_runs.c.id == run_id)).one_or_none()
    if row is None:
        raise missing("run", run_id)
    return run_row(row)


def run_row(row: Any) -> RunRow:
    """Return a run from its row."""
    return RunRow(**{name: getattr(row, name) for name in RunRow.__slots__})
