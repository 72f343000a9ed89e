"""Hashes of lookup fields: written with a record, filled in for earlier ones when a source's fields change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from healthdesk.domain.lookup_values import hashes_of
from healthdesk.store import desk
from healthdesk.store import sources as source_queries
from healthdesk.store.columns import to_micros
from healthdesk.store.log_query import search
from healthdesk.store.rows import RecordQuery
from healthdesk.store.schema import record_bodies, record_lookups, records
from healthdesk.store.schema_desk import settings
from healthdesk.store.scope import on_sqlite

Hashes = Iterable[tuple[str, Sequence[bytes]]]
"""Record ids, and the hashes of each."""

_MARK = "lookups."
"""Before a source's id: the key of what is still to be filled in, `when it may begin|the last record that is done`."""


def add(conn: Connection, hashes: Hashes) -> None:
    """Store the hashes of records; those that are there already stay."""
    rows = [{"record_id": record_id, "value_hash": each} for record_id, found in hashes for each in found]
    if rows:
        upsert = (sqlite.insert if on_sqlite(conn) else postgresql.insert)(record_lookups)
        conn.execute(upsert.on_conflict_do_nothing(), rows)


def delete_of(conn: Connection, record_ids: Sequence[str]) -> None:
    """Delete the hashes of records that retention deletes."""
    conn.execute(sa.delete(record_lookups).where(record_lookups.c.record_id.in_(record_ids)))


def refill(conn: Connection, source_id: str, begins: datetime) -> None:
    """Have the hashes of a source's records made anew, from then on: every daemon knows the source's new fields by then."""
    desk.set_setting(conn, _MARK + source_id, f"{to_micros(begins)}|")


def waiting(conn: Connection, now: datetime) -> list[str]:
    """Return the sources whose records wait to be filled in, by id."""
    found = conn.execute(
        select(settings.c.key, settings.c.value).where(settings.c.key.startswith(_MARK, autoescape=True))
    )
    return sorted(
        row.key.removeprefix(_MARK) for row in found if int(row.value.partition("|")[0]) <= to_micros(now)
    )


def fill_some(conn: Connection, source_id: str, secret: bytes, limit: int) -> bool:
    """Make the hashes of a source's next records anew, in one small step; return whether there is more to do."""
    mark = settings.c.key == _MARK + source_id
    kept = conn.execute(select(settings.c.value).where(mark).with_for_update()).scalar_one_or_none()
    if kept is None:
        return False
    begins, _, after = kept.partition("|")
    source = source_queries.get(conn, source_id)
    fields = [field["name"] for field in source.fields if field.get("lookup")]
    found = search(conn, RecordQuery(source=source.key), after=after or None, limit=limit, newest_first=False)
    delete_of(conn, found.ids)
    if fields:
        add(
            conn,
            [(each, hashes_of(secret, source_id, fields, data)) for each, data in _data(conn, found.ids)],
        )
    if found.next is None:
        conn.execute(sa.delete(settings).where(mark))
    else:
        desk.set_setting(conn, _MARK + source_id, f"{begins}|{found.next}")
    return found.next is not None


def _data(conn: Connection, ids: Sequence[str]) -> list[tuple[str, object]]:
    """Return the data of the records that still have a body; they are locked, so that retention does not go ahead."""
    rows = conn.execute(
        select(record_bodies)
        .join(records, records.c.id == record_bodies.c.record_id)
        .where(records.c.id.in_(ids))
        .order_by(records.c.id)
        .with_for_update(of=records, read=True)
    )
    return [(row.record_id, json.loads(bytes(row.body)[row.data_start : row.data_end])) for row in rows]
