"""Pages of rows become pages of models; lists that are needed whole are read page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from healthdesk.api import MAX_PAGE
from healthdesk.api.common import Page
from healthdesk.domain.ids import is_id
from healthdesk.errors import Malformed, NotFound
from healthdesk.operations.desk import Desk
from healthdesk.store import problems
from healthdesk.store.rows import PageRows

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


def cursor(prefix: str, after: str | None) -> str | None:
    """Return the cursor of a list of ids with this prefix. Malformed when it is none: no rows would be no answer."""
    if after is not None and not is_id(prefix, after):
        raise Malformed(
            f"{after} is no cursor of this list",
            field="after",
            fix="give `next` of the page before, or leave it out for the first page",
        )
    return after


async def known_problem(desk: Desk, problem_id: str | None) -> str | None:
    """Return the problem of a filter. Malformed for one that is not there: no rows would be no answer."""
    if problem_id is not None:
        try:
            await desk.read(problems.get, problem_id)
        except NotFound:
            raise Malformed(
                f"there is no problem {problem_id}",
                field="problem_id",
                fix="`healthdesk problems list` names them",
            ) from None
    return problem_id


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
