"""Changes of connections' states, kept: what flapping is seen in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, select

from healthdesk.domain.exchange import Failure
from healthdesk.domain.flapping import WITHIN, Transition
from healthdesk.domain.ids import first_id_at
from healthdesk.domain.states import ConnectionState
from healthdesk.store.paging import paged
from healthdesk.store.rows import PageRows
from healthdesk.store.rows_health import TransitionRow
from healthdesk.store.schema_connections import connection_transitions as table
from healthdesk.store.scope import scope_of

MOST_LOOKED_AT = 1000


def note(
    conn: Connection,
    connection_id: str,
    at: datetime,
    from_state: ConnectionState,
    to_state: ConnectionState,
    failure: Failure | None,
) -> None:
    """Keep that a connection's state changed, and the failure behind it."""
    conn.execute(
        sa.insert(table).values(
            id=scope_of(conn).new_id("trn"),
            connection_id=connection_id,
            at=at,
            from_state=from_state,
            to_state=to_state,
            kind=failure.kind.value if failure else "",
            sentence=failure.sentence if failure else "",
        )
    )


def recent(conn: Connection, connection_id: str, now: datetime) -> list[Transition]:
    """Return the changes that flapping is seen in: those of the last hours, newest first, a thousand at most."""
    found = conn.execute(
        select(table.c.at, table.c.from_state, table.c.to_state)
        .where(table.c.connection_id == connection_id, table.c.id >= first_id_at("trn", now - WITHIN))
        .order_by(table.c.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    return [Transition(row.at, row.from_state, row.to_state) for row in found]


def page(
    conn: Connection,
    connection_id: str,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[TransitionRow]:
    """Return the changes of a connection's state."""
    query = select(table).where(table.c.connection_id == connection_id)
    return paged(conn, query, table.c.id, _row, after=after, limit=limit, newest_first=newest_first)


def _row(row: Any) -> TransitionRow:
    return TransitionRow(**{name: getattr(row, name) for name in TransitionRow.__slots__})
