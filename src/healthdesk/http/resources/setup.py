"""Routes of the whole desk: its set-up as a file, and backups."""

from __future__ import annotations

from aiohttp import web

from healthdesk.api.setup import SetupApplied, SetupGiven, SetupPlan
from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.http.route import Call, Route
from healthdesk.operations import backups, setup


async def _backup(call: Call) -> web.Response:
    parts = await backups.backup(call.desk)
    headers = {
        **BASE_HEADERS,
        "Content-Type": "application/gzip",
        "Content-Disposition": f'attachment; filename="{backups.name(call.desk)}"',
    }
    return web.Response(body=parts, headers=headers)


async def _export(call: Call) -> web.Response:
    text = await setup.export(call.desk)
    return web.Response(
        text=text, headers={**BASE_HEADERS, "Content-Type": "application/toml; charset=utf-8"}
    )


async def _import(call: Call) -> SetupPlan | SetupApplied:
    return await setup.load(call.desk, call.body(SetupGiven))


ROUTES = (
    Route(
        "GET",
        "/v1/setup",
        "setup.export",
        "What operators configured, as TOML without secrets.",
        _export,
        str,
        media=("application/toml",),
    ),
    Route(
        "POST",
        "/v1/setup",
        "setup.import",
        "What importing a set-up will do, or, with the `version` of that plan, do it.",
        _import,
        SetupPlan | SetupApplied,
        SetupGiven,
    ),
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
