"""Routes of the whole desk: its set-up as a file, and backups."""

from __future__ import annotations

from aiohttp import web

from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.http.route import Call, Route
from healthdesk.operations import backups


async def _backup(call: Call) -> web.Response:
    parts = await backups.backup(call.desk)
    headers = {
        **BASE_HEADERS,
        "Content-Type": "application/gzip",
        "Content-Disposition": f'attachment; filename="{backups.name(call.desk)}"',
    }
    return web.Response(body=parts, headers=headers)


ROUTES = (
    Route(
        "GET",
        "/v1/backup",
        "desk.backup",
        "A backup of the whole desk while it works, one moment of it; the key file is not in it.",
        _backup,
        str,
        media=("application/gzip",),
    ),
)
