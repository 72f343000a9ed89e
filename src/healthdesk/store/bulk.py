"""Many rows in few statements, for the hot paths.

On SQLite each step of a statement gives up the interpreter's lock; with a busy loop beside the writer thread
an `executemany` of 64 rows waits for it 64 times (measured: 190 µs a row, against 20 for one statement).
So rows go in as `VALUES` of a few fixed lengths, which the driver keeps prepared. PostgreSQL takes arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

from sqlalchemy import Connection

from healthdesk.domain.states import Environment
from healthdesk.store.scope import driver

CHUNKS = (64, 32, 16, 8, 4, 2, 1)
Row = tuple[Any, ...]
Place = tuple[str, Environment]


def chunked(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into as few pieces as the prepared lengths allow."""
    start = 0
    for size in CHUNKS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


@lru_cache(maxsize=256)
def _values(width: int, count: int) -> str:
    return ",".join(["(" + ",".join("?" * width) + ")"] * count)


def with_values(conn: Connection, sql: str, rows: Sequence[Row]) -> None:
    """Run a SQLite statement with `{values}` for every row; the statement's own parameters are in the rows."""
    raw = driver(conn)
    for piece in chunked(rows):
        statement = sql.replace("{values}", _values(len(piece[0]), len(piece)))
        raw.execute(statement, list(chain.from_iterable(piece)))


def with_arrays(conn: Connection, sql: str, rows: Sequence[Row]) -> Any:
    """Run a PostgreSQL statement whose `$1…$n` are the columns of the rows as arrays."""
    return conn.exec_driver_sql(sql, tuple(list(column) for column in zip(*rows, strict=True)))


def by_place(places: Iterable[tuple[Place, Any]]) -> Iterator[tuple[Place, list[Any]]]:
    """Group by (integration, environment), in an order that is the same in every transaction."""
    ordered = sorted(places, key=lambda item: item[0])
    for place, group in groupby(ordered, key=lambda item: item[0]):
        yield place, [value for _, value in group]
