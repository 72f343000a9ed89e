"""Problems that stand while something is so: opened and ended with what makes them so, whatever checks say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping, select, text

from healthdesk.domain.drift import IdentityChange, identity_changes
from healthdesk.domain.expiry import threshold
from healthdesk.domain.flapping import flapping_since
from healthdesk.domain.identity import Identity
from healthdesk.domain.standing import (
    STANDING_KINDS,
    key_for_drift,
    key_for_expiry,
    key_for_flapping,
    standing_fingerprint,
)
from healthdesk.domain.states import ErrorKind, ProblemState
from healthdesk.errors import NotFound
from healthdesk.store import transitions
from healthdesk.store.connection_rows import connection_row
from healthdesk.store.folding import Folding
from healthdesk.store.rows import ProblemChanges
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_desk import LIVE, alerts, problems

REVIEWED = (ErrorKind.EXPIRING, ErrorKind.DRIFT, ErrorKind.FLAPPING)
MOST_AT_ONCE = 500


def drift_of(kept: Mapping[str, Any] | None, connected: Mapping[str, Any] | None) -> list[IdentityChange]:
    """Return how the stored identity differs from the one a connection was connected with."""
    if kept is None or connected is None:
        return []
    return identity_changes(Identity.from_json(connected), Identity.from_json(kept))


def note_drift(folding: Folding, row: Any, before: list[IdentityChange], now: list[IdentityChange]) -> None:
    """Open or end the problem of drift when it changed; one that an operator closed stays closed until it does."""
    if now == before:
        return
    if now:
        folding.stand(key_for_drift(now, row.id, row.name, row.owner))
    else:
        folding.stand_down(standing_fingerprint(ErrorKind.DRIFT, row.id))


@dataclass(frozen=True, slots=True)
class AcceptedDrift:
    """What of a credential was taken for meant, and what that did to its problem."""

    accepted: list[IdentityChange]
    problems: ProblemChanges


def accept_drift(conn: Connection, connection_id: str, now: datetime) -> AcceptedDrift | None:
    """Make the identity of the last good check the one that is meant, and end the problem; None where they agree."""
    row = connection_row(conn, connection_id, lock=True)
    drift = drift_of(row.identity, row.identity_connected)
    if not drift:
        return None
    conn.execute(
        sa.update(connections)
        .where(connections.c.id == connection_id)
        .values(identity_connected=row.identity)
    )
    folding = Folding(conn, now)
    folding.stand_down(standing_fingerprint(ErrorKind.DRIFT, connection_id))
    return AcceptedDrift(drift, folding.finish())


def note_flapping(conn: Connection, folding: Folding, row: Any, now: datetime, *, changed: bool) -> None:
    """Mark a connection as flapping, or not any more, and open or end its problem. Call it once `row` is locked."""
    if not changed and row.flapping_since is None:
        return
    since = flapping_since(row.flapping_since, transitions.recent(conn, row.id, now), now)
    if since == row.flapping_since:
        return
    conn.execute(sa.update(connections).where(connections.c.id == row.id).values(flapping_since=since))
    if since is not None:
        folding.stand(key_for_flapping(row.id, row.name, row.owner))
        return
    folding.stand_down(standing_fingerprint(ErrorKind.FLAPPING, row.id))
    _speak_up(conn, row.id)


def _speak_up(conn: Connection, connection_id: str) -> None:
    """Let an outage that was kept silent while the connection flapped be announced now, if it lasts."""
    told = select(alerts.c.id).where(
        alerts.c.problem_id == problems.c.id, alerts.c.episode == problems.c.episode
    )
    conn.execute(
        sa.update(problems)
        .where(
            problems.c.connection_id == connection_id,
            problems.c.integration_id.is_(None),
            problems.c.state == ProblemState.OPEN,
            problems.c.connection_failing,
            problems.c.kind.not_in(STANDING_KINDS),
            problems.c.announced,
            ~told.exists(),
        )
        .values(announced=False)
    )


def any_live(conn: Connection) -> bool:
    """Tell whether there is anything to review."""
    live = (
        select(problems.c.id)
        .where(text("problems." + LIVE), problems.c.kind.in_(REVIEWED), problems.c.connection_failing)
        .limit(1)
    )
    return conn.execute(live).first() is not None


def review(conn: Connection, now: datetime, limit: int = MOST_AT_ONCE) -> ProblemChanges:
    """End standing problems whose reason is gone, whatever took it away, and keep the days of an expiry current."""
    live = conn.execute(
        select(problems.c.id, problems.c.kind, problems.c.connection_id, problems.c.cause)
        .where(text("problems." + LIVE), problems.c.kind.in_(REVIEWED), problems.c.connection_failing)
        .order_by(problems.c.id)
        .limit(limit)
    ).mappings()
    folding = Folding(conn, now)
    for problem in live.all():
        try:
            row = connection_row(conn, problem["connection_id"], lock=True)
        except NotFound:  # it was disconnected
            folding.stand_down(standing_fingerprint(problem["kind"], problem["connection_id"]))
            continue
        _review_one(conn, folding, problem, row, now)
    return folding.finish()


def _review_one(conn: Connection, folding: Folding, problem: RowMapping, row: Any, now: datetime) -> None:
    if problem["kind"] is ErrorKind.FLAPPING:
        note_flapping(conn, folding, row, now, changed=False)
        if row.flapping_since is None:
            folding.stand_down(standing_fingerprint(ErrorKind.FLAPPING, row.id))
    elif problem["kind"] is ErrorKind.DRIFT:
        if not drift_of(row.identity, row.identity_connected):
            folding.stand_down(standing_fingerprint(ErrorKind.DRIFT, row.id))
    elif row.expires_at is None or threshold(row.expires_at, now) is None:
        conn.execute(sa.update(connections).where(connections.c.id == row.id).values(expiry_warned=None))
        folding.stand_down(standing_fingerprint(ErrorKind.EXPIRING, row.id))
    else:
        key = key_for_expiry(row.expires_at, now, row.id, row.name, row.owner, row.auth)
        if key.cause != problem["cause"]:
            folding.reword(key)
