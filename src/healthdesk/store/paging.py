"""Cursor paging by id: a page costs the same at any depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select

from healthdesk.store.rows import PageRows

T = TypeVar("T")


def paged(
    conn: Connection,
    query: Select[Any],
    id_column: ColumnElement[Any],
    make: Callable[[Any], T],
    *,
    after: str | None,
    limit: int,
    newest_first: bool,
) -> PageRows[T]:
    """Return the page of `query` that follows the id `after`, each row through `make`."""
    if after is not None:
        query = query.where(id_column < after if newest_first else id_column > after)
    query = query.order_by(id_column.desc() if newest_first else id_column.asc()).limit(limit + 1)
    rows: Sequence[Any] = conn.execute(query).all()
    return cut([make(row) for row in rows], limit)


def cut(items: list[T], limit: int) -> PageRows[T]:
    """Return `items`, of which one more than `limit` was fetched, as a page with its cursor."""
    if len(items) <= limit:
        return PageRows(items)
    items = items[:limit]
    return PageRows(items, items[-1].id)  # type: ignore[attr-defined]
