"""What a check decides is kept whole: health, the check itself, holds, and the connection's problem."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import HealthChange
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import ConnectionState, HoldReason
from healthdesk.store import connections, integrations, problems
from healthdesk.store.rows import HeartbeatRow, ProblemChanges


def keep(
    conn: Connection,
    connection_id: str,
    *,
    change: HealthChange,
    failure: Failure | None,
    key: ProblemKey | None,
    check: HeartbeatRow | None,
    now: datetime,
    new_id: Callable[[str], str],
) -> ProblemChanges:
    """Store a decision about a connection's health in one transaction; `key` is the cause while it fails.

    Raises NotFound when the connection was removed meanwhile.
    """
    connections.set_health(
        conn,
        connection_id,
        state=change.state,
        suspect_checks=change.suspect_checks,
        now=now,
        next_check=change.next_check_at,
        failure=failure,
        check=check,
    )
    failing = change.state is ConnectionState.FAILING
    if change.changed:
        integrations.set_hold(conn, connection_id, HoldReason.CONNECTION if failing else None)
    if change.opened and key is not None:
        return problems.note_connection_failure(conn, key, now, new_id)
    if change.state is ConnectionState.CONNECTED and change.changed:
        return problems.clear_connection(conn, connection_id, now, new_id)
    return ProblemChanges()
