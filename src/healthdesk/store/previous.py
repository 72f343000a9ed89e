"""Credentials that were replaced: kept for an hour so that they can be put back, and what stopped because of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.health import CREDENTIAL_KINDS
from healthdesk.domain.states import ProblemState, RecordState
from healthdesk.store.behind import held_behind
from healthdesk.store.schema import IN_PROBLEM, records
from healthdesk.store.schema_connections import REPLACED, connections
from healthdesk.store.schema_desk import problems

NO_PREVIOUS: Mapping[str, Any] = {
    "previous_enc": "",
    "previous_hint": "",
    "previous_auth": "",
    "previous_by": "",
    "previous_until": None,
    "previous_identity": None,
    "previous_expires_at": None,
    "previous_expires_from": "",
}
"""The columns of a connection whose credentials cannot be put back."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Records that stopped because of a connection's credentials. `since` is when the first of its problems began."""

    failed: int = 0
    held: int = 0
    since: datetime | None = None
    problem_ids: tuple[str, ...] = ()
    """The problems of those that failed."""


def previous_over(conn: Connection, now: datetime) -> bool:
    """Tell whether there are replaced credentials whose time to be put back is over."""
    over = select(connections.c.id).where(sa.text(REPLACED), connections.c.previous_until <= now)
    return conn.execute(over.limit(1)).scalar_one_or_none() is not None


def erase_previous(conn: Connection, now: datetime) -> int:
    """Erase replaced credentials whose time to be put back is over; return how many there were."""
    gone = conn.execute(
        sa.update(connections)
        .where(sa.text(REPLACED), connections.c.previous_until <= now)
        .values(**NO_PREVIOUS)
    )
    return gone.rowcount


def keep(conn: Connection, connection_id: str, before_enc: str, previous_enc: str) -> bool:
    """Replace what is kept of replaced credentials, their tokens having been renewed; False when it is another by now."""
    kept = conn.execute(
        sa.update(connections)
        .where(
            connections.c.id == connection_id,
            connections.c.previous_enc == before_enc,
            connections.c.deleted_at.is_(None),
        )
        .values(previous_enc=previous_enc)
    )
    return kept.rowcount > 0


def left_behind(conn: Connection, connection_id: str) -> LeftBehind:
    """Return what refused credentials of a connection stopped: its problems that are not resolved, and their records."""
    found = conn.execute(
        select(problems).where(
            problems.c.connection_id == connection_id,
            problems.c.kind.in_(CREDENTIAL_KINDS),
            problems.c.state != ProblemState.RESOLVED,
        )
    ).mappings()
    live = {row["id"]: row for row in found}
    failed = _failed(conn, list(live))
    # those that are in the problem's count, too: they go by themselves as well
    held = max((held_behind(conn, {**row, "count": 0}) for row in live.values()), default=0)
    waiting = [row for row in live.values() if failed.get(row["id"]) or row["connection_failing"]]
    return LeftBehind(
        failed=sum(failed.values()),
        held=held,
        since=min((row["since"] for row in waiting), default=None),
        problem_ids=tuple(sorted(failed, key=lambda problem_id: (-failed[problem_id], problem_id))),
    )


def _failed(conn: Connection, problem_ids: list[str]) -> dict[str, int]:
    """Return how many records of each problem failed, where any did."""
    if not problem_ids:
        return {}
    counted = conn.execute(
        select(records.c.problem_id, sa.func.count().label("n"))
        .where(
            sa.text(IN_PROBLEM),
            records.c.problem_id.in_(problem_ids),
            records.c.state == RecordState.FAILED,
        )
        .group_by(records.c.problem_id)
    )
    return {row.problem_id: row.n for row in counted}
