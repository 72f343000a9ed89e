"""Deleting old runs of instances, and what was collected that no run refers to any more."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.ids import first_id_at
from healthdesk.domain.instance_states import RunOutcome
from healthdesk.store.schema_instances import instance_runs, proof_contents, proof_syncs
from healthdesk.store.stretch import stretch


def delete_old_runs(
    conn: Connection, now: datetime, *, unchanged: timedelta, rest: timedelta, limit: int = 200
) -> int:
    """Take one small step: look at up to `limit` runs and delete those that are older than `rest`, or than `unchanged`
    if they found nothing new. The last good run of a proof sync stays, however old.

    Returns how many it looked at; call again until that is 0.
    """
    looked_at = stretch(
        conn, "retention.runs", instance_runs.c.id, first_id_at("run", now - unchanged), limit
    )
    last = select(proof_syncs.c.last_run_id).where(
        proof_syncs.c.id == instance_runs.c.instance_id, proof_syncs.c.last_run_id == instance_runs.c.id
    )
    old = conn.execute(
        select(instance_runs.c.id, instance_runs.c.instance_id, instance_runs.c.content_hash).where(
            instance_runs.c.id.in_(looked_at),
            instance_runs.c.outcome != RunOutcome.RUNNING,
            sa.or_(
                instance_runs.c.outcome == RunOutcome.UNCHANGED,
                instance_runs.c.id < first_id_at("run", now - rest),
            ),
            ~last.exists(),
        )
    ).all()
    if old:
        conn.execute(sa.delete(instance_runs).where(instance_runs.c.id.in_([row.id for row in old])))
        _forget(conn, sorted({(row.instance_id, row.content_hash) for row in old if row.content_hash}))
    return len(looked_at) if len(looked_at) == limit else len(old)


def _forget(conn: Connection, contents: list[tuple[str, str]]) -> None:
    """Delete of these contents what no run refers to."""
    for instance_id, content_hash in contents:
        used = select(instance_runs.c.id).where(
            instance_runs.c.instance_id == instance_id, instance_runs.c.content_hash == content_hash
        )
        conn.execute(
            sa.delete(proof_contents).where(
                proof_contents.c.instance_id == instance_id,
                proof_contents.c.content_hash == content_hash,
                ~used.exists(),
            )
        )
