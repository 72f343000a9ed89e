"""Every encrypted column of the database, for encrypting it with another key while the desk runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table, select

from healthdesk.store.schema_all import metadata

SUFFIX = "_enc"


@dataclass(frozen=True, slots=True)
class Place:
    """One encrypted column, and the column that tells its rows apart."""

    table: str
    key: str
    column: str

    @property
    def _table(self) -> Table:
        return metadata.tables[self.table]

    def key_column(self) -> Column[str]:
        """Return the column of the key."""
        return self._table.c[self.key]

    def secret_column(self) -> Column[str]:
        """Return the encrypted column."""
        return self._table.c[self.column]


def places() -> Iterator[Place]:
    """Yield every encrypted column: those whose name ends in `_enc`."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith(SUFFIX):
                [key] = table.primary_key.columns
                yield Place(table.name, key.name, column.name)


def batch(conn: Connection, place: Place, *, after: str, limit: int) -> list[tuple[str, str]]:
    """Return up to `limit` secrets as (key, token), by key, after the one given."""
    key, secret = place.key_column(), place.secret_column()
    found = conn.execute(
        select(key, secret).where(key > after, secret.is_not(None), secret != "").order_by(key).limit(limit)
    )
    return [(row[0], row[1]) for row in found]


def replace(conn: Connection, place: Place, changes: Sequence[tuple[str, str, str]]) -> int:
    """Write (key, token before, token after); one that was changed meanwhile is left. Return how many were written."""
    key, secret = place.key_column(), place.secret_column()
    table = metadata.tables[place.table]
    return sum(
        conn.execute(
            sa.update(table).where(key == row_key, secret == before).values({place.column: after})
        ).rowcount
        for row_key, before, after in changes
    )
