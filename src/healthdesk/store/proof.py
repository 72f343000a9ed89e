"""What proof syncs collect, and what their runs collected: each content once, however many runs found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.proof import Packed
from healthdesk.errors import NotFound
from healthdesk.store.rows_instances import ContentsRow, ProofSyncRow, RunRow
from healthdesk.store.runs import run_row
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import instance_runs, proof_contents, proof_syncs
from healthdesk.store.scope import missing, on_sqlite

CHANGEABLE = frozenset({"dataset", "fields", "named"})


def insert(conn: Connection, *, id: str, dataset: str, fields: Mapping[str, str], named: bool) -> None:
    """Store what a new proof sync collects; its instance is stored beside it."""
    conn.execute(sa.insert(proof_syncs).values(id=id, dataset=dataset, fields=dict(fields), named=named))


def get(conn: Connection, id: str) -> ProofSyncRow:
    """Return what a proof sync collects, or raise NotFound."""
    row = conn.execute(select(proof_syncs).where(proof_syncs.c.id == id)).one_or_none()
    if row is None:
        raise missing("proof sync", id)
    return _sync(row)


def of(conn: Connection, ids: Sequence[str]) -> dict[str, ProofSyncRow]:
    """Return what several proof syncs collect, by id."""
    rows = conn.execute(select(proof_syncs).where(proof_syncs.c.id.in_(ids)))
    return {row.id: _sync(row) for row in rows}


def update(conn: Connection, id: str, changes: Mapping[str, Any]) -> None:
    """Change what a proof sync collects: its `CHANGEABLE` columns."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"a proof sync has no {', '.join(sorted(unknown))} to change")
    if changes:
        conn.execute(sa.update(proof_syncs).where(proof_syncs.c.id == id).values(dict(changes)))


def remove(conn: Connection, id: str) -> None:
    """Delete a proof sync and everything it collected; its instance is deleted beside it."""
    conn.execute(sa.delete(proof_contents).where(proof_contents.c.instance_id == id))
    conn.execute(sa.delete(proof_syncs).where(proof_syncs.c.id == id))


def keep(
    conn: Connection,
    id: str,
    connection_id: str,
    found: Packed,
    columns: Sequence[Mapping[str, Any]],
    run_id: str,
    now: datetime,
) -> None:
    """Store what a run collected, unless the same is stored already, and that the connection collected it.

    `columns` are objects with `key`, `label` and, for the one that tells rows apart, `id`. Of a proof sync that was
    deleted meanwhile nothing is stored.
    """
    here = proof_syncs.c.id == id
    if conn.execute(select(proof_syncs.c.id).where(here).with_for_update()).first() is None:
        return
    insert = sqlite.insert if on_sqlite(conn) else postgresql.insert
    conn.execute(
        insert(proof_contents)
        .values(
            instance_id=id,
            content_hash=found.content_hash,
            columns=list(columns),
            rows=found.rows,
            body=found.body,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["instance_id", "content_hash"])
    )
    conn.execute(
        sa.update(proof_syncs)
        .where(here)
        .values(last_hash=found.content_hash, last_run_id=run_id, rows=found.rows)
    )
    conn.execute(sa.update(connections).where(connections.c.id == connection_id).values(collected_at=now))


def contents(conn: Connection, id: str, content_hash: str) -> ContentsRow:
    """Return what was collected, or raise NotFound where it is kept no more."""
    row = conn.execute(
        select(proof_contents).where(
            proof_contents.c.instance_id == id, proof_contents.c.content_hash == content_hash
        )
    ).one_or_none()
    if row is None:
        raise NotFound("what this run collected is not kept any more", fix="look at a later run")
    return ContentsRow(**{name: getattr(row, name) for name in ContentsRow.__slots__})


def run(conn: Connection, id: str, run_id: str) -> RunRow:
    """Return a run of a proof sync, or raise NotFound."""
    row = conn.execute(
        select(instance_runs).where(instance_runs.c.instance_id == id, instance_runs.c.id == run_id)
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no run {run_id} of {id}", fix=f"`healthdesk instances runs {id}` names them"
        )
    return run_row(row)


def run_before(conn: Connection, id: str, run_id: str) -> RunRow | None:
    """Return the last run before another that collected something, or None."""
    row = conn.execute(
        select(instance_runs)
        .where(
            instance_runs.c.instance_id == id, instance_runs.c.id < run_id, instance_runs.c.content_hash != ""
        )
        .order_by(instance_runs.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else run_row(row)


def _sync(row: Any) -> ProofSyncRow:
    return ProofSyncRow(**{name: getattr(row, name) for name in ProofSyncRow.__slots__})
