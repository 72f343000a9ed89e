"""Instances: tasks and proof syncs of integrations, whatever their kind; how they are run is in `instance_work`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, select

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Blame, ErrorKind, Trigger
from healthdesk.store.folding import Folding
from healthdesk.store.instance_query import FAILED_STATES, not_unlinked, page_ids
from healthdesk.store.instance_totals import totals, totals_by
from healthdesk.store.paging import cut
from healthdesk.store.rows import PageRows, ProblemChanges
from healthdesk.store.rows_instances import PARKED, InstanceQuery, InstanceRow
from healthdesk.store.schema_instances import instances
from healthdesk.store.scope import missing, scope_of

__all__ = [
    "NO_ERROR",
    "due_now",
    "get",
    "insert",
    "leave_problems",
    "lost",
    "page",
    "reconnect",
    "remove",
    "totals",
    "totals_by",
    "update",
]

CHANGEABLE = frozenset(
    {
        "connection_id",
        "owner",
        "name",
        "template_id",
        "label_id",
        "state",
        "error_kind",
        "blame",
        "error",
        "next_action",
        "status",
        "every_s",
        "last_checked",
        "last_succeeded",
        "next_at",
        "next_trigger",
        "triggered_by",
        "failures",
        "blocked",
        "integration_id",
    }
)

NO_ERROR: Mapping[str, Any] = {
    "error_kind": "",
    "blame": "",
    "error": "",
    "next_action": "",
    "status": None,
    "failures": 0,
}
"""The columns of an instance that has no failure."""

_DISCONNECTED = {
    InstanceKind.TASK: (
        "Its connection was disconnected: it is not synced any more.",
        "Reconnect: that repairs all other tasks of the same owner and app, too.",
    ),
    InstanceKind.PROOF: (
        "Its connection was disconnected: nothing is collected any more.",
        "Change connection: let it collect with another one of the same app.",
    ),
}


def insert(
    conn: Connection,
    *,
    id: str,
    kind: InstanceKind,
    integration_id: str,
    connection_id: str | None,
    app: str,
    owner: str,
    name: str,
    every_s: float,
    now: datetime,
    by: str,
    template_id: str | None = None,
    label_id: str | None = None,
    next_at: datetime | None = None,
    trigger: Trigger = Trigger.FIRST,
) -> None:
    """Store a new instance, pending; it is run first at `next_at`, or never by itself."""
    conn.execute(
        sa.insert(instances).values(
            id=id,
            kind=kind,
            integration_id=integration_id,
            connection_id=connection_id,
            app=app,
            owner=owner,
            name=name,
            template_id=template_id,
            label_id=label_id,
            every_s=every_s,
            next_at=next_at,
            next_trigger=trigger,
            triggered_by=by,
            created_at=now,
            created_by=by,
        )
    )


def get(conn: Connection, id: str, *, lock: bool = False) -> InstanceRow:
    """Return an instance, locked where it will be changed, or raise NotFound."""
    query = select(instances).where(instances.c.id == id)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise missing("instance", id)
    return instance_row(row)


def page(
    conn: Connection, query: InstanceQuery, *, after: str | None = None, limit: int = 50
) -> PageRows[InstanceRow]:
    """Return a page of instances, proof syncs first, then oldest first. It costs the same at any depth, filtered or not."""
    ids = page_ids(conn, query, after=after, limit=limit + 1)
    if not ids:
        return PageRows([])
    rows = conn.execute(select(instances).where(instances.c.id.in_(ids)))
    found = {row.id: instance_row(row) for row in rows}
    return cut([found[each] for each in ids if each in found], limit)


def update(conn: Connection, id: str, changes: Mapping[str, Any], *, bumps: bool = True) -> None:
    """Change columns of an instance, those in `CHANGEABLE`, or raise NotFound.

    `bumps`: what a run finds that began before decides nothing any more. One that is given a state without failure
    leaves its problem. One under way that is to be run at a time is run again when it is done.
    """
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise ValueError(f"an instance has no {', '.join(sorted(unknown))} to change")
    row = get(conn, id, lock=True)
    values: dict[str, Any] = dict(changes)
    if "state" in values and values["state"] not in FAILED_STATES and row.problem_id is not None:
        leave_problems(conn, [row.problem_id])
        values["problem_id"] = None
    if "next_at" in values and row.parked:
        values["lease_owner"] = ""
    elif row.running and values.get("next_at") is not None:
        values["next_at"] = row.next_at or row.lease_until  # it may have been parted since its run began
        values.setdefault("next_trigger", Trigger.EDIT)
    if bumps:
        values["version"] = row.version + 1
    if values:
        conn.execute(sa.update(instances).where(instances.c.id == id).values(values))


def remove(conn: Connection, id: str) -> None:
    """Delete an instance, or raise NotFound; its problem counts it no more. Its runs stay until retention."""
    row = get(conn, id, lock=True)
    conn.execute(sa.delete(instances).where(instances.c.id == id))
    if row.problem_id is not None:
        leave_problems(conn, [row.problem_id])


def due_now(conn: Connection, ids: Sequence[str], now: datetime, trigger: Trigger, by: str = "") -> int:
    """Let instances be run now; return how many can be: those that are disconnected or unlinked cannot.

    One under way is run again when it is done.
    """
    if not ids:
        return 0
    asked = conn.execute(
        sa.update(instances)
        .where(instances.c.id.in_(ids), instances.c.connection_id.is_not(None), not_unlinked())
        .values(
            next_at=_due(now),
            next_trigger=trigger,
            triggered_by=by,
        )
    )
    return asked.rowcount


def lost(conn: Connection, connection_id: str, now: datetime) -> list[tuple[InstanceKind, int]]:
    """Part the instances of a connection from it, which is disconnected; return how many of each kind.

    Their state stays as it was, they are run no more, and say what to do. What is under way decides nothing.
    """
    mine = instances.c.connection_id == connection_id
    numbers = conn.execute(
        select(instances.c.kind, sa.func.count())
        .where(mine)
        .group_by(instances.c.kind)
        .order_by(instances.c.kind)
    ).all()
    in_problems = problems_of(conn, mine)
    for kind, (error, next_action) in _DISCONNECTED.items():
        conn.execute(
            sa.update(instances)
            .where(mine, instances.c.kind == kind)
            .values(
                connection_id=None,
                next_at=None,
                lease_owner=sa.case(
                    (instances.c.lease_owner.startswith(PARKED, autoescape=True), ""),
                    else_=instances.c.lease_owner,
                ),
                blocked=False,
                problem_id=None,
                version=instances.c.version + 1,
                error_kind=ErrorKind.CONFIGURATION.value,
                blame=Blame.CONFIGURATION.value,
                error=error,
                next_action=next_action,
                status=None,
                failures=0,
            )
        )
    leave_problems(conn, in_problems, now)
    return [(kind, number) for kind, number in numbers]


def problems_of(conn: Connection, which: ColumnElement[bool]) -> list[str]:
    """Return the problem of each instance that is in one, and lock them all: a run that ends meanwhile joins none."""
    found = select(instances.c.problem_id).where(which).order_by(instances.c.id).with_for_update()
    return [each for each in conn.execute(found).scalars() if each is not None]


def reconnect(
    conn: Connection,
    owner: str,
    app: str,
    connection_id: str,
    now: datetime,
    *,
    integration_ids: Sequence[str] | None = None,
) -> int:
    """Give every task of an owner and app that has no connection this one, due now unless it is unlinked; return how many.

    `integration_ids`: only those of these integrations, whose issues are on the connection's site.
    """
    theirs = (
        (instances.c.owner == owner)
        & (instances.c.app == app)
        & (instances.c.kind == InstanceKind.TASK)
        & instances.c.connection_id.is_(None)
    )
    if integration_ids is not None:
        theirs &= instances.c.integration_id.in_(integration_ids)
    repaired = conn.execute(
        sa.update(instances)
        .where(theirs)
        .values(
            connection_id=connection_id,
            next_at=sa.case((not_unlinked(), _due(now)), else_=None),
            next_trigger=Trigger.RECOVERY,
            triggered_by="",
            version=instances.c.version + 1,
            **NO_ERROR,
        )
    )
    return repaired.rowcount


def leave_problems(
    conn: Connection, problem_ids: Iterable[str], now: datetime | None = None
) -> ProblemChanges:
    """Count instances out of their problems, one for each time it is named; what holds up nothing is resolved."""
    folding = Folding(conn, now or scope_of(conn).now())
    for problem_id, number in Counter(problem_ids).items():
        folding.leave(problem_id, number)
    return folding.finish()


def instance_row(row: Any) -> InstanceRow:
    """Return an instance from its row."""
    return InstanceRow(**{name: getattr(row, name) for name in InstanceRow.__slots__})


def _due(at: datetime) -> Any:
    """Return when an instance is due that shall be run: one under way, or parked, when that ends."""
    free_at = sa.func.coalesce(instances.c.next_at, instances.c.lease_until)
    return sa.case((instances.c.lease_owner != "", free_at), else_=sa.literal(at, instances.c.next_at.type))
