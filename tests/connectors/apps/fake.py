"""What every app's fake server has in common: routes, switchable faults, and what the desk should find.

A fake answers as the vendor's API does: a wrong path is its 404, a missing or unknown parameter its 400 or 422, a wrong
credential its 401, each in its own error format. It keeps state, so that what is created can be read again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.domain.states import Blame, ErrorKind

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(StrEnum):
    """What can be wrong with an app or with our account there."""

    NONE = "none"
    WRONG_CREDENTIALS = "wrong credentials"
    MISSING_PERMISSION = "missing permission"
    RATE_LIMIT = "rate limit"
    OUTAGE = "outage"
    BROKEN_200 = "200 but broken"
    MISSING_FIELD = "missing field"
    """Only for creations of tasks: the project asks for a field that the desk did not send (`missing_field`)."""


class Lost(StrEnum):
    """What is lost when the line drops: nothing, a request before it is heard, or the answer of one that was."""

    NOTHING = "nothing"
    REQUEST = "request"
    ANSWER = "answer"


class FakeApp:
    """One app on 127.0.0.1. A subclass names what it is and answers for it; `fault` may change at any time."""

    app_id: ClassVar[str]
    auth: ClassVar[str]
    credentials: ClassVar[Mapping[str, str]]
    settings: ClassVar[Mapping[str, str]] = {}
    base_path: ClassVar[str] = ""
    account_id: ClassVar[str]
    account: ClassVar[str] = ""
    site: ClassVar[str] = ""
    scopes: ClassVar[tuple[str, ...] | None] = None
    expires: ClassVar[str | None] = None
    """ISO time of the expiry that the desk should learn, or None."""
    expected: ClassVar[Mapping[Fault, tuple[ErrorKind, Blame]]] = {
        Fault.WRONG_CREDENTIALS: (ErrorKind.AUTHENTICATION, Blame.CREDENTIAL),
        Fault.MISSING_PERMISSION: (ErrorKind.PERMISSION, Blame.PERMISSION),
        Fault.RATE_LIMIT: (ErrorKind.RATE_LIMITED, Blame.THEM),
        Fault.OUTAGE: (ErrorKind.SERVER_ERROR, Blame.THEM),
        Fault.BROKEN_200: (ErrorKind.UNEXPECTED_ANSWER, Blame.THEM),
    }
    container: ClassVar[Mapping[str, str]] = {}
    """Where tasks are created, for apps with tasks."""
    statuses: ClassVar[tuple[str, str]] = ("", "")
    """Ids of an open status and a done one, as inputs of update or transition."""
    datasets: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Inputs of each dataset."""
    rows: ClassVar[Mapping[str, int]] = {}
    """How many rows each dataset has; more than a page where the app pages."""
    missing_field: ClassVar[str] = ""
    """What people call the field that a creation lacks under MISSING_FIELD; empty where the app asks for none."""
    retry_after_s: ClassVar[float | None] = None
    """How long the desk should wait under RATE_LIMIT, where the app tells seconds."""
    tokens: ClassVar[tuple[str, ...]] = ()
    """Secrets that the fake itself hands out, such as access tokens: they must not be kept in an exchange."""
    assignee: ClassVar[str] = ""
    """Somebody to whom issues can be assigned, as the app shows it; empty where the connector does not assign."""
    due: ClassVar[bool] = False
    """Whether its issues have a due date."""
    search_text: ClassVar[str] = ""
    """What to search for, where the app does not find words of the title."""

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self.requests: list[tuple[str, str]] = []
        self.loses: Callable[[web.Request, bytes], Lost] = lambda request, body: Lost.NOTHING
        """Of which requests the line drops, by what was asked and sent: nobody hears the answer."""
        self._server: TestServer | None = None

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Return (method, path, handler), paths as aiohttp writes them, `base_path` left out."""
        raise NotImplementedError

    def not_found(self, request: web.Request) -> web.StreamResponse:
        """Answer a path the vendor does not have, in its error format."""
        raise NotImplementedError

    def answer_fault(self, request: web.Request) -> web.StreamResponse | None:
        """Answer as the vendor does under `self.fault`, or None when the route shall answer."""
        raise NotImplementedError

    def authorized(self, request: web.Request) -> bool:
        """Tell whether the request carries the credentials of this fake, as the vendor wants them."""
        raise NotImplementedError

    def unauthorized(self, request: web.Request) -> web.StreamResponse:
        """Answer wrong credentials as the vendor does."""
        raise NotImplementedError

    def open_route(self, request: web.Request) -> bool:
        """Tell whether a path needs no authentication: token endpoints."""
        return False

    def forget(self) -> None:
        """Delete every task, as if somebody had deleted them in the app; apps with tasks override it."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """The base URL for a connection."""
        assert self._server is not None
        return str(self._server.make_url("/")).rstrip("/") + self.base_path

    def connection_settings(self) -> dict[str, str]:
        """Return the settings of a connection to this fake; token endpoints (`token_url`) are added here."""
        return dict(self.settings)

    def granted(self) -> Tokens | None:
        """Return the tokens that a browser got before, for methods of authentication that need one."""
        return None

    async def __aenter__(self) -> Self:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._middleware(request, handler)

        app = web.Application(middlewares=[answer], client_max_size=2**20)
        for method, path, handler in self.routes():
            app.router.add_route(method, self.base_path + path, handler)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        await self._server.close()

    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        lost = self.loses(request, await request.read())
        if lost is Lost.REQUEST:
            return _dropped(request)
        self.requests.append((request.method, request.path_qs))
        answer = await self._answered(request, handler)
        return _dropped(request) if lost is Lost.ANSWER else answer

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.fault is Fault.OUTAGE:
            return web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html")
        if (answer := self.answer_fault(request)) is not None:
            return answer
        if not self.open_route(request) and not self.authorized(request):
            return self.unauthorized(request)
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return self.not_found(request)


def _dropped(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON answer."""
    return web.json_response(data, status=status, headers=headers)


def unknown(request: web.Request, *known: str) -> list[str]:
    """Return the query parameters that are not among those an operation has."""
    return sorted(set(request.query) - set(known))


async def body_of(request: web.Request) -> dict[str, Any] | None:
    """Return the JSON object of a request, or None where its body or content type is another."""
    if request.content_type != "application/json":
        return None
    try:
        read = await request.json()
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
