"""What a file of the log needs beside its rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from healthdesk.store.schema import record_bodies


def data_of(conn: Connection, record_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the data of records as it was posted, of those whose body is still there."""
    found = conn.execute(select(record_bodies).where(record_bodies.c.record_id.in_(record_ids)))
    return {row.record_id: bytes(row.body)[row.data_start : row.data_end] for row in found}
