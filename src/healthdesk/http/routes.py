"""The route tables: everything the two listeners answer, for router, OpenAPI and documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from healthdesk.api.desk import Event
from healthdesk.api.records import Accepted, RecordCreate
from healthdesk.http.resources import (
    accounts,
    authorizations,
    connections,
    desk,
    filters,
    fixes,
    flow,
    health,
    instances,
    integrations,
    jobs,
    labels,
    outcomes,
    people,
    pings,
    problems,
    proof,
    records,
    samples,
    setup,
    tasks,
    vault,
)
from healthdesk.http.route import Call, Route


async def _elsewhere(_call: Call) -> None:
    raise AssertionError("this route has a handler of its own")


EVENTS = Route(
    "GET",
    "/v1/events",
    "events.watch",
    "Changes as server-sent events; `Last-Event-ID` resumes, `reset` says that some were missed.",
    _elsewhere,
    Event,
)
OPENAPI = Route("GET", "/v1/openapi.json", "openapi.show", "This document.", _elsewhere, dict[str, Any])

OPERATOR_ROUTES: tuple[Route, ...] = (
    *desk.ROUTES,
    EVENTS,
    OPENAPI,
    *health.ROUTES,
    *accounts.ROUTES,
    *connections.ROUTES,
    *people.ROUTES,
    *authorizations.ROUTES,
    *pings.ROUTES,
    *integrations.ROUTES,
    *flow.ROUTES,
    *tasks.ROUTES,
    *instances.ROUTES,
    *proof.ROUTES,
    *labels.ROUTES,
    *records.ROUTES,
    *outcomes.ROUTES,
    *fixes.ROUTES,
    *filters.ROUTES,
    *samples.ROUTES,
    *jobs.ROUTES,
    *problems.ROUTES,
    *vault.ROUTES,
    *setup.ROUTES,
)
"""What operators may ask over the Unix socket."""


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A route outsiders may use. `statuses` are the errors it answers with problem details."""

    method: str
    path: str
    summary: str
    status: int
    statuses: tuple[int, ...] = ()
    input: type[BaseModel] | None = None
    output: type[BaseModel] | None = None
    media: str = "application/json"
    bearer: bool = False
    headers: tuple[tuple[str, str], ...] = ()


PUBLIC_ROUTES: tuple[PublicRoute, ...] = (
    PublicRoute(
        "POST",
        "/v1/records/{integration_id}",
        "Post a record; 202 means that it is on disk.",
        202,
        (400, 401, 404, 409, 413, 415, 429, 503),
        RecordCreate,
        Accepted,
        bearer=True,
        headers=(
            (
                "Idempotency-Key",
                "1 to 255 printable ASCII characters; the same key and body is the same record.",
            ),
        ),
    ),
    PublicRoute(
        "POST",
        "/v1/callbacks/{connection_id}",
        "Take in an app's webhook, verified and kept byte for byte.",
        202,
        (400, 401, 404, 413, 429, 503),
        None,
        Accepted,
    ),
    PublicRoute(
        "GET",
        "/v1/callbacks/{connection_id}",
        "Answer an app that makes sure of the address before it uses it.",
        200,
        (404, 429, 503),
        media="text/plain",
    ),
    PublicRoute(
        "GET",
        "/v1/oauth/callback",
        "Where an app sends a browser back to, with a code or a refusal; a page for people.",
        200,
        (400, 429, 503),
        media="text/html",
    ),
    *(
        PublicRoute(method, f"/v1/ping/{{token}}{path}", what, 200, (404, 413, 429, 503), media="text/plain")
        for path, what in (
            ("", "A run of a job ended well."),
            ("/start", "A run of a job began."),
            ("/fail", "A run of a job failed."),
        )
        for method in ("GET", "POST")
    ),
    PublicRoute("GET", "/healthz", "200 while the daemon lives.", 200),
    PublicRoute("GET", "/readyz", "200 while records can be committed, else 503.", 200, (503,)),
    PublicRoute("GET", "/metrics", "Counters in the Prometheus text format.", 200, media="text/plain"),
)
"""What outsiders may ask over TCP."""
