"""Routes of saved filters of the log."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.filters import SavedFilter, SavedFilterCreate
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import filters


async def _list(call: Call) -> Page[SavedFilter]:
    page = call.query(Paging)
    return await filters.list_all(call.desk, page.after, page.limit)


async def _save(call: Call) -> SavedFilter:
    return await filters.save(call.desk, call.body(SavedFilterCreate))


async def _remove(call: Call) -> None:
    await filters.remove(call.desk, call.path["id"])


ROUTES = (
    Route(
        "GET",
        "/v1/filters",
        "filters.list",
        "Saved filters of the log: your own and the shared ones.",
        _list,
        Page[SavedFilter],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/filters",
        "filters.add",
        "Save a filter of the log; your own of that name is replaced.",
        _save,
        SavedFilter,
        SavedFilterCreate,
    ),
    Route(
        "DELETE",
        "/v1/filters/{id}",
        "filters.remove",
        "Remove one of your saved filters; administrators remove what others shared, too.",
        _remove,
        status=204,
    ),
)
