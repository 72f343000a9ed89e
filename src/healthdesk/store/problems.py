"""Problems: failures with one cause, folded together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping, select, text

from healthdesk.domain.advice import next_action
from healthdesk.domain.problems import OPENS_AFTER
from healthdesk.domain.states import ProblemState, RecordState
from healthdesk.domain.units import RECORD
from healthdesk.errors import Conflict
from healthdesk.store.behind import blocked_behind, held_behind
from healthdesk.store.evidence import evidence
from healthdesk.store.folding import Folding
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows, ProblemChanges, ProblemRow
from healthdesk.store.schema import IN_PROBLEM, records
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import problems
from healthdesk.store.schema_instances import instances
from healthdesk.store.schema_setup import integrations
from healthdesk.store.scope import missing

__all__ = ["acknowledge", "evidence", "get", "mute", "page", "resolve", "tick"]


SHOWN = (ProblemState.OPEN, ProblemState.ACKNOWLEDGED, ProblemState.RESOLVED)
UNDER_WAY = (RecordState.RETRYING, RecordState.SENDING, RecordState.QUEUED)
FINAL = (RecordState.FAILED, RecordState.UNKNOWN)
RETRYING_LIMIT = 10_000


def page(
    conn: Connection,
    *,
    states: tuple[ProblemState, ...] = (),
    integration_id: str | None = None,
    connection_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[ProblemRow]:
    """Return problems; without `states` all but the forming ones."""
    query = _select().where(problems.c.state.in_(states or SHOWN))
    if integration_id is not None:
        query = query.where(problems.c.integration_id == integration_id)
    if connection_id is not None:
        query = query.where(problems.c.connection_id == connection_id)
    return paged(
        conn,
        query,
        problems.c.id,
        lambda row: _problem(conn, row),
        after=after,
        limit=limit,
        newest_first=newest_first,
    )


def get(conn: Connection, problem_id: str) -> ProblemRow:
    """Return a problem, or raise NotFound."""
    row = conn.execute(_select().where(problems.c.id == problem_id)).one_or_none()
    if row is None:
        raise missing("problem", problem_id)
    return _problem(conn, row)


def acknowledge(conn: Connection, problem_id: str, *, by: str, now: datetime, note: str = "") -> ProblemRow:
    """Take a problem; raise Conflict unless it is open or acknowledged."""
    row = _locked(conn, problem_id)
    if row["state"] not in {ProblemState.OPEN, ProblemState.ACKNOWLEDGED}:
        raise Conflict(f"this problem is {row['state'].value}; only an open one can be acknowledged")
    values = {"state": ProblemState.ACKNOWLEDGED, "acknowledged_by": by, "acknowledged_at": now}
    return _change(conn, problem_id, values | ({"note": note} if note else {}))


def mute(conn: Connection, problem_id: str, *, by: str, until: datetime | None, note: str = "") -> ProblemRow:
    """Silence a problem until then; None unmutes. Raise Conflict when it is resolved."""
    row = _locked(conn, problem_id)
    if row["state"] is ProblemState.RESOLVED:
        raise Conflict("this problem is resolved; there is nothing to mute")
    values: dict[str, Any] = {"muted_until": until, "muted_by": by if until else ""}
    return _change(conn, problem_id, values | ({"note": note} if note else {}))


def resolve(conn: Connection, problem_id: str, *, by: str, now: datetime, note: str = "") -> ProblemRow:
    """Close a problem by hand; its records and instances leave it, and failed records are closed with it.

    Raises Conflict when it is resolved already. Nobody is alerted: nothing recovered.
    """
    row = _locked(conn, problem_id)
    if row["state"] is ProblemState.RESOLVED:
        raise Conflict("this problem is resolved already")
    for table in (records, instances):
        conn.execute(
            sa.update(table).where(table.c.problem_id == problem_id, text(IN_PROBLEM)).values(problem_id=None)
        )
    values = {
        "state": ProblemState.RESOLVED,
        "count": 0,
        "announced": False,
        "connection_failing": False,
        "resolved_by": by,
        "resolved_at": now,
    }
    return _change(conn, problem_id, values | ({"note": note} if note else {}))


def tick(conn: Connection, now: datetime, limit: int = 100) -> ProblemChanges:
    """Open what has been failing for long enough, and announce what was opened while muted."""
    found = (
        select(problems)
        .where(
            problems.c.state.in_((ProblemState.FORMING, ProblemState.OPEN)),
            problems.c.announced.is_(False),
            # what cannot change yet must not take up the places of what may open
            sa.case(
                (problems.c.state == ProblemState.FORMING, problems.c.since <= now - OPENS_AFTER),
                else_=sa.or_(problems.c.muted_until.is_(None), problems.c.muted_until <= now),
            ),
        )
        .order_by(problems.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    folding = Folding(conn, now)
    for row in conn.execute(found).mappings().all():
        folding.tick(row)
    return folding.finish()


def _locked(conn: Connection, problem_id: str) -> RowMapping:
    row = (
        conn.execute(select(problems).where(problems.c.id == problem_id).with_for_update())
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise missing("problem", problem_id)
    return row


def _change(conn: Connection, problem_id: str, values: dict[str, Any]) -> ProblemRow:
    conn.execute(sa.update(problems).where(problems.c.id == problem_id).values(values))
    return get(conn, problem_id)


def _select() -> sa.Select[Any]:
    return (
        select(
            problems,
            integrations.c.name.label("integration_name"),
            connections.c.name.label("connection_name"),
        )
        .outerjoin(integrations, integrations.c.id == problems.c.integration_id)
        .outerjoin(connections, connections.c.id == problems.c.connection_id)
    )


def _members(conn: Connection, row: Any, states: tuple[RecordState, ...], limit: int) -> int:
    """Return how many of a problem's records are in these states, counting no further than `limit`."""
    if row.state is ProblemState.RESOLVED or not row.count or row.unit != RECORD:
        return 0
    some = (
        select(records.c.id)
        .where(records.c.problem_id == row.id, records.c.problem_id.is_not(None), records.c.state.in_(states))
        .limit(limit)
        .subquery()
    )
    return conn.execute(select(sa.func.count()).select_from(some)).scalar_one()


def _problem(conn: Connection, row: Any) -> ProblemRow:
    retrying = _members(conn, row, UNDER_WAY, RETRYING_LIMIT)
    held = held_behind(conn, row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    final = bool(_members(conn, row, FINAL, 1))
    return ProblemRow(
        id=row.id,
        fingerprint=row.fingerprint,
        state=row.state,
        cause=row.cause,
        safe_cause=row.safe_cause,
        kind=row.kind.value,
        blame=row.blame.value,
        status=row.status,
        next_action=next_action(row.kind, row.next_action, final=final, again=retrying > 0),
        where=row.integration_name or row.connection_name or "",
        integration_id=row.integration_id,
        connection_id=row.connection_id,
        environment=row.environment,
        owner=row.owner,
        count=row.count,
        total=row.total + held,
        retrying=retrying,
        held=held,
        since=row.since,
        last_at=row.last_at,
        opened_at=row.opened_at,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        muted_until=row.muted_until,
        muted_by=row.muted_by,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        note=row.note,
        sample_record_id=row.sample_record_id,
        sample_instance_id=row.sample_instance_id,
        unit=row.unit,
        blocked=blocked_behind(conn, row._mapping),  # noqa: SLF001 - as above
        repaired=row.repaired or {},
        episode=row.episode,
    )
