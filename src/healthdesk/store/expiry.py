"""Credentials that end: which are to be warned of, found in an index, and the calendar of all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select, text

from healthdesk.domain.expiry import WARN_DAYS, due_warning
from healthdesk.domain.standing import key_for_expiry, standing_fingerprint
from healthdesk.domain.states import ErrorKind, ProblemState
from healthdesk.store.connection_rows import connection_of, members_of
from healthdesk.store.folding import Folding
from healthdesk.store.paging import cut
from healthdesk.store.rows import PageRows, ProblemChanges
from healthdesk.store.rows_health import ExpiryRow
from healthdesk.store.schema_connections import EXPIRES, connections
from healthdesk.store.schema_desk import problems


def is_due(conn: Connection, now: datetime) -> bool:
    """Tell whether a credential reached a threshold since its last warning."""
    return conn.execute(_due(now).limit(1)).first() is not None


def warn(conn: Connection, now: datetime, limit: int = 100) -> ProblemChanges:
    """Warn of the credentials that reached a threshold since their last warning, the nearest end first.

    Warning and problem are one transaction: a threshold is told once, whoever looks.
    """
    found = conn.execute(_due(now).limit(limit).with_for_update(skip_locked=True)).all()
    folding = Folding(conn, now)
    for row in found:
        reached = due_warning(row.expires_at, now, row.expiry_warned)
        if reached is None:
            continue
        conn.execute(sa.update(connections).where(connections.c.id == row.id).values(expiry_warned=reached))
        folding.stand(key_for_expiry(row.expires_at, now, row.id, row.name, row.owner, row.auth))
    return folding.finish()


def _due(now: datetime) -> sa.Select[Any]:
    due = [
        sa.and_(
            connections.c.expires_at <= now + timedelta(days=days),
            sa.or_(connections.c.expiry_warned.is_(None), connections.c.expiry_warned > days),
        )
        for days in (*WARN_DAYS, 0)
    ]
    return (
        select(connections)
        .where(
            text(EXPIRES),
            connections.c.expires_at <= now + timedelta(days=WARN_DAYS[0]),
            sa.or_(*due),
        )
        .order_by(connections.c.expires_at)
    )


def page(
    conn: Connection,
    *,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> PageRows[ExpiryRow]:
    """Return connections whose credential has an end, the soonest first, each with its open problem of that.

    `after` is the id of the last connection of the page before.
    """
    query = select(connections).where(text(EXPIRES))
    if until is not None:
        query = query.where(connections.c.expires_at <= until)
    if after is not None:
        last = select(connections.c.expires_at).where(connections.c.id == after).scalar_subquery()
        query = query.where(
            sa.or_(
                connections.c.expires_at > last,
                sa.and_(connections.c.expires_at == last, connections.c.id > after),
            )
        )
    query = query.order_by(connections.c.expires_at, connections.c.id).limit(limit + 1)
    found = conn.execute(query).all()
    rows: PageRows[Any] = cut(list(found), limit)
    ids = [row.id for row in rows.items]
    members, open_problems = members_of(conn, ids), _open_problems(conn, ids)
    items = [
        ExpiryRow(connection_of(row, members.get(row.id, [])), open_problems.get(row.id))
        for row in rows.items
    ]
    return PageRows(items, rows.next)


def _open_problems(conn: Connection, ids: list[str]) -> dict[str, str]:
    prints = {standing_fingerprint(ErrorKind.EXPIRING, each): each for each in ids}
    found = conn.execute(
        select(problems.c.id, problems.c.fingerprint).where(
            problems.c.fingerprint.in_(list(prints)), problems.c.state != ProblemState.RESOLVED
        )
    )
    return {prints[row.fingerprint]: row.id for row in found}
