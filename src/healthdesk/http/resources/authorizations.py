"""Routes of authorizations."""

from __future__ import annotations

from healthdesk.api.authorizations import Authorization, AuthorizationCreate
from healthdesk.http.route import Call, Route
from healthdesk.operations import authorizations


async def _begin(call: Call) -> Authorization:
    return await authorizations.begin(call.desk, call.body(AuthorizationCreate))


async def _show(call: Call) -> Authorization:
    return await authorizations.show(call.desk, call.path["id"])


ROUTES = (
    Route(
        "POST",
        "/v1/authorizations",
        "authorizations.begin",
        "Begin an authorization: a URL to open in a browser, and a code to enter there where the app wants one.",
        _begin,
        Authorization,
        AuthorizationCreate,
        status=201,
    ),
    Route(
        "GET",
        "/v1/authorizations/{id}",
        "authorizations.show",
        "Whether it was granted. Asking is what polls the app, where the app is polled.",
        _show,
        Authorization,
    ),
)
