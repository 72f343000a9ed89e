"""Routes of instances: tasks and proof syncs, their runs, and the issues that tasks are linked with."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, InstanceFilter, InstanceTotals, Run
from healthdesk.http.query import InstanceList, Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import instances


async def _list(call: Call) -> Page[Instance]:
    asked = call.query(InstanceList)
    return await instances.list_all(call.desk, asked, asked.after, asked.limit)


async def _count(call: Call) -> InstanceTotals:
    return await instances.count(call.desk, call.query(InstanceFilter))


async def _show(call: Call) -> Instance:
    return await instances.show(call.desk, call.path["id"])


async def _runs(call: Call) -> Page[Run]:
    page = call.query(Paging)
    return await instances.list_runs(call.desk, call.path["id"], page.after, page.limit)


_ONE = "/v1/instances/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/instances",
        "instances.list",
        "Tasks and proof syncs of integrations, with their status.",
        _list,
        Page[Instance],
        query=InstanceList,
    ),
    Route(
        "GET",
        "/v1/instances/count",
        "instances.list",
        "How many match, by status.",
        _count,
        InstanceTotals,
        query=InstanceFilter,
    ),
    Route("GET", _ONE, "instances.show", "One task or proof sync, and why it is as it is.", _show, Instance),
    Route(
        "GET",
        _ONE + "/runs",
        "instances.runs",
        "What its runs did, newest first.",
        _runs,
        Page[Run],
        query=Paging,
    ),
)
