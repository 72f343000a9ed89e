"""Routes of the health of connections: evidence, transitions, drift and expiry."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.api.health import CheckEvidence, Evidence, Expiry, Transition
from healthdesk.http.query import ExpiryList, Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import health


async def _evidence(call: Call) -> Evidence:
    return await health.evidence(call.desk, call.path["id"])


async def _heartbeat(call: Call) -> CheckEvidence:
    return await health.heartbeat(call.desk, call.path["id"], call.path["heartbeat"])


async def _transitions(call: Call) -> Page[Transition]:
    page = call.query(Paging)
    return await health.list_transitions(call.desk, call.path["id"], page.after, page.limit)


async def _expiring(call: Call) -> Page[Expiry]:
    page = call.query(ExpiryList)
    return await health.list_expiring(call.desk, page.within_days, page.after, page.limit)


async def _accept_drift(call: Call) -> Connection:
    return await health.accept_drift(call.desk, call.path["id"])


ROUTES = (
    Route(
        "GET",
        "/v1/connections/expiring",
        "connections.expiring",
        "Connections whose credential has an end, the soonest first.",
        _expiring,
        Page[Expiry],
        query=ExpiryList,
    ),
    Route(
        "GET",
        "/v1/connections/{id}/evidence",
        "connections.evidence",
        "The last good check beside the first bad one, and what differs.",
        _evidence,
        Evidence,
    ),
    Route(
        "GET",
        "/v1/connections/{id}/heartbeats/{heartbeat}",
        "connections.heartbeat",
        "One check whole: what was asked, what came back, whose the credential was.",
        _heartbeat,
        CheckEvidence,
    ),
    Route(
        "GET",
        "/v1/connections/{id}/transitions",
        "connections.transitions",
        "The changes of its state, newest first.",
        _transitions,
        Page[Transition],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/connections/{id}/accept-drift",
        "connections.accept_drift",
        "Take the account, site and scopes as they are now for those that are meant.",
        _accept_drift,
        Connection,
    ),
)
