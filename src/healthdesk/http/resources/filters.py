"""Routes of what is done with a filter of the log: saving it, and the file of what it matches."""

from __future__ import annotations

from aiohttp import web

from healthdesk.api.common import Page
from healthdesk.api.filters import TOTAL_HEADER, ExportChoice, SavedFilter, SavedFilterCreate
from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.http.query import Paging, RecordExport
from healthdesk.http.route import Call, Route
from healthdesk.operations import exporting, filters


async def _list(call: Call) -> Page[SavedFilter]:
    page = call.query(Paging)
    return await filters.list_all(call.desk, page.after, page.limit)


async def _save(call: Call) -> SavedFilter:
    return await filters.save(call.desk, call.body(SavedFilterCreate))


async def _remove(call: Call) -> None:
    await filters.remove(call.desk, call.path["id"])


async def _export(call: Call) -> web.Response:
    asked = call.query(RecordExport)
    how = ExportChoice(format=asked.format, bodies=asked.bodies, reveal=asked.reveal)
    file = await exporting.export(call.desk, asked.chosen(), asked.direction, how)
    headers = {
        **BASE_HEADERS,
        "Content-Type": f"{file.content_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{file.name}"',
        TOTAL_HEADER: f"{file.total.total}{'' if file.total.exact else '+'}",
    }
    return web.Response(body=file.parts, headers=headers)


ROUTES = (
    Route(
        "GET",
        "/v1/records/export",
        "records.export",
        "What the filter matches as a file, CSV or JSON lines; noted in the activity log.",
        _export,
        str,
        query=RecordExport,
        media=tuple(exporting.MEDIA.values()),
    ),
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
