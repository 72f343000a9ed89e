"""Routes of push heartbeats."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.pings import Ping, PingSet
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import pings


async def _list(call: Call) -> Page[Ping]:
    page = call.query(Paging)
    return await pings.list_all(call.desk, page.after, page.limit)


async def _show(call: Call) -> Ping:
    return await pings.show(call.desk, call.path["id"])


async def _set(call: Call) -> Ping:
    return await pings.put(call.desk, call.path["id"], call.body(PingSet))


async def _remove(call: Call) -> None:
    await pings.remove(call.desk, call.path["id"])


_ONE = "/v1/connections/{id}/ping"

ROUTES = (
    Route(
        "GET", "/v1/pings", "pings.list", "Push heartbeats, oldest first.", _list, Page[Ping], query=Paging
    ),
    Route("GET", _ONE, "pings.show", "The push heartbeat of a connection.", _show, Ping),
    Route(
        "PUT",
        _ONE,
        "pings.set",
        "Expect pings of a connection that cannot be called; its address is answered once, when it is new.",
        _set,
        Ping,
        PingSet,
    ),
    Route("DELETE", _ONE, "pings.remove", "Expect no pings any more; the address ends.", _remove, status=204),
)
