"""Keeps what a run of an instance came to, in one transaction with its problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.exchange import Failure
from healthdesk.domain.instance_states import InstanceKind, InstanceState
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import Trigger
from healthdesk.store import instances, runs
from healthdesk.store.folding import Folding
from healthdesk.store.rows import ProblemChanges
from healthdesk.store.rows_instances import RunRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_instances import instances as table
from healthdesk.store.scope import scope_of

USED_EVERY = timedelta(minutes=1)
"""How exact it is kept when a connection was used last: not every sync writes to its connection."""


@dataclass(frozen=True, slots=True)
class SettledRun:
    """What a run of an instance leaves in the store.

    `version` is that of the instance when it began. `state` None: it stays as it was. `run` is the run to store, or to
    finish where it was `begun`. `keep` stores what is the kind's own, whatever became of the instance meanwhile.
    """

    instance_id: str
    version: int
    kind: InstanceKind
    connection_id: str
    now: datetime
    next_at: datetime
    failures: int
    state: InstanceState | None
    failure: Failure | None = None
    key: ProblemKey | None = None
    run: RunRow | None = None
    begun: bool = False
    keep: Callable[[Connection], None] | None = None


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What became of a settled run: whether it decided the instance's state, and what it did to problems."""

    decided: bool
    changes: ProblemChanges = field(default_factory=ProblemChanges)


def settle(conn: Connection, done: SettledRun) -> KeptRun:
    """Keep what a run came to: first what is the kind's own, then the run, the instance's state and its problem.

    An instance that was changed meanwhile keeps its state, and is run again at once, as is one that was asked for
    meanwhile, unless its app said when to come back; of one that is gone, or is another daemon's by now, only the run is
    stored.
    """
    if done.keep is not None:
        done.keep(conn)
    if done.run is not None:
        _store_run(conn, done.run, begun=done.begun)
    row = conn.execute(select(table).where(table.c.id == done.instance_id).with_for_update()).one_or_none()
    if row is None or row.lease_owner != scope_of(conn).daemon_id:
        return KeptRun(decided=False)
    values: dict[str, Any] = {"lease_owner": "", "lease_until": None}
    if row.version != done.version:
        values["next_at"] = None if row.next_at is None else done.now
        _update(conn, row.id, values)
        return KeptRun(decided=False)
    asked_again = row.next_trigger is not Trigger.SCHEDULE
    told_to_wait = done.failure is not None and done.failure.retry_after_s is not None
    if row.next_at is not None:
        values["next_at"] = done.now if asked_again and not told_to_wait else done.next_at
    values["last_checked"] = done.now
    changes = ProblemChanges()
    if done.state is not None:
        values |= _after(done)
        folding = Folding(conn, done.now)
        folding.note_instance(row.id, done.key, row.problem_id, done.failures)
        values["problem_id"] = folding.fold().get(row.id)
        _update(conn, row.id, values)
        changes = folding.finish()
    else:
        _update(conn, row.id, values)
    if done.state is not None and done.failure is None:
        _used(conn, done)
    return KeptRun(decided=True, changes=changes)


def _store_run(conn: Connection, run: RunRow, *, begun: bool) -> None:
    if not begun:
        runs.begin(conn, run)
        return
    runs.finish(
        conn,
        run.id,
        outcome=run.outcome,
        finished_at=run.finished_at or run.started_at,
        duration_ms=run.duration_ms,
        status=run.status,
        error_kind=run.error_kind,
        blame=run.blame,
        error=run.error,
        next_action=run.next_action,
        detail=run.detail,
        content_hash=run.content_hash,
        rows=run.rows,
        cut=run.cut,
    )


def _after(done: SettledRun) -> dict[str, Any]:
    """Return the columns of an instance's state after a run that decided it."""
    values: dict[str, Any] = {"state": done.state, **instances.NO_ERROR}
    failure = done.failure
    if failure is None:
        return values | {"last_succeeded": done.now}
    return values | {
        "failures": done.failures,
        "error_kind": failure.kind.value,
        "blame": failure.blame.value,
        "error": failure.sentence,
        "next_action": failure.next_action,
        "status": failure.status,
    }


def _used(conn: Connection, done: SettledRun) -> None:
    column = connections.c.used_at if done.kind is InstanceKind.TASK else connections.c.collected_at
    conn.execute(
        sa.update(connections)
        .where(
            connections.c.id == done.connection_id,
            sa.or_(column.is_(None), column < done.now - USED_EVERY),
        )
        .values({column.name: done.now})
    )


def _update(conn: Connection, instance_id: str, values: dict[str, Any]) -> None:
    conn.execute(sa.update(table).where(table.c.id == instance_id).values(values))
