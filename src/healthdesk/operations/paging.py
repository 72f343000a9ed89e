"""Pages of rows become pages of models; lists that are needed whole are read page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from healthdesk.api import MAX_PAGE
from healthdesk.api.common import Page
from healthdesk.operations.desk import Desk
from healthdesk.store.rows import PageRows

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


def to_page(rows: PageRows[R], make: Callable[[R], M]) -> Page[M]:
    """Return the page with each row as a model."""
    return Page[Any](items=[make(row) for row in rows.items], next=rows.next)


def model_of(model: type[M]) -> Callable[[Any], M]:
    """Return a function that makes `model` from a row with the same field names."""
    return lambda row: model.model_validate(row, from_attributes=True)


async def everything(desk: Desk, query: Callable[..., PageRows[R]]) -> list[R]:
    """Read a whole list, a page at a time."""
    rows: list[R] = []
    after: str | None = None
    while True:
        page = await desk.read(query, after=after, limit=MAX_PAGE)
        rows += page.items
        after = page.next
        if after is None:
            return rows
