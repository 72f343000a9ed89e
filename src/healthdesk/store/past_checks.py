"""Checks of connections that were made: pages of them, one of them, and what they tell."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from healthdesk.domain.states import ErrorKind
from healthdesk.errors import NotFound
from healthdesk.store.connection_rows import connection_row
from healthdesk.store.paging import paged
from healthdesk.store.rows import HeartbeatRow, PageRows
from healthdesk.store.rows_health import CheckEvidenceRow
from healthdesk.store.schema_connections import connections
from healthdesk.store.schema_connections import heartbeats as heartbeat_table


def heartbeats(
    conn: Connection,
    connection_id: str,
    *,
    after: str | None = None,
    limit: int = 50,
    newest_first: bool = True,
) -> PageRows[HeartbeatRow]:
    """Return a connection's checks."""
    query = select(heartbeat_table).where(heartbeat_table.c.connection_id == connection_id)
    return paged(
        conn, query, heartbeat_table.c.id, heartbeat_row, after=after, limit=limit, newest_first=newest_first
    )


def heartbeat(conn: Connection, connection_id: str, heartbeat_id: str) -> HeartbeatRow:
    """Return one check of a connection; NotFound when there is none such."""
    found = conn.execute(
        select(heartbeat_table).where(
            heartbeat_table.c.id == heartbeat_id, heartbeat_table.c.connection_id == connection_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"no heartbeat {heartbeat_id}", fix="old ones are removed after their retention")
    return heartbeat_row(found)


def evidence(conn: Connection, connection_id: str) -> CheckEvidenceRow:
    """Return the checks that tell what became of a connection; NotFound when there is none such."""
    row = connection_row(conn, connection_id)
    wanted = [each for each in (row.last_good_check, row.first_bad_check) if each is not None]
    kept = {
        each.id: heartbeat_row(each)
        for each in conn.execute(select(heartbeat_table).where(heartbeat_table.c.id.in_(wanted)))
    }
    latest = conn.execute(
        select(heartbeat_table)
        .where(
            heartbeat_table.c.connection_id == connection_id,
            heartbeat_table.c.kind != ErrorKind.OFFLINE.value,
        )
        .order_by(heartbeat_table.c.id.desc())
        .limit(1)
    ).one_or_none()
    return CheckEvidenceRow(
        last_good=kept.get(row.last_good_check),
        first_bad=kept.get(row.first_bad_check),
        latest=heartbeat_row(latest) if latest else None,
    )


def answered_urls(conn: Connection, limit: int = 200) -> list[str]:
    """Return where the newest checks that were answered went, newest first: hosts that can be reached."""
    newest = (
        select(heartbeat_table.c.url, heartbeat_table.c.status)
        .order_by(heartbeat_table.c.id.desc())
        .limit(limit)
        .subquery()
    )
    found = conn.execute(select(newest.c.url).where(newest.c.status.is_not(None), newest.c.url != ""))
    return list(dict.fromkeys(found.scalars()))


def urls_of(conn: Connection, ids: list[str]) -> list[str]:
    """Return where these connections lead, in the order of their ids as given."""
    found = conn.execute(select(connections.c.id, connections.c.base_url).where(connections.c.id.in_(ids)))
    urls = {row.id: row.base_url for row in found}
    return [urls[each] for each in ids if each in urls]


def heartbeat_row(row: Any) -> HeartbeatRow:
    """Return a check from its row."""
    return HeartbeatRow(**{name: getattr(row, name) for name in HeartbeatRow.__slots__})
