"""The aiohttp server with our answers for what is not HTTP, and its runner."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from healthdesk.http.express import Express, ExpressConnection
from healthdesk.http.problem_details import respond_status

log = logging.getLogger(__name__)


class _Protocol(ExpressConnection):
    """Answers malformed HTTP with problem details. Outsiders' garbage is no news for the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp gives it; it quotes what was sent
    ) -> web.StreamResponse:
        """Return the answer for a request that cannot be parsed, or whose handler died."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("a request died", exc_info=exc)
        else:
            # The message quotes the line at fault, which may be a key, or the body of a record.
            log.debug("malformed HTTP from %s", request.remote)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer was begun already")
        detail = "the request is not well-formed HTTP" if status < 500 else "healthdesk failed"
        response = respond_status(status, detail)
        response.force_close()
        return response


EXPRESS: web.AppKey[Express] = web.AppKey("express", Mapping)
"""Where an application keeps its express handlers."""


def _handling(routed: Any) -> Any:
    """Return the handler of every request."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await routed(request)
        except web.HTTPException as error:
            # The router's own: a target that is no path, as of `OPTIONS *`, reaches no route.
            return respond_status(error.status, error.reason, instance=request.path)
        return answer

    return handle


class _Server(web.Server):
    """Makes our protocol for each connection."""

    def __init__(self, like: web.Server, express: Express, **kwargs: Any) -> None:
        handler = _handling(like.request_handler)
        super().__init__(handler, request_factory=like.request_factory, **kwargs)
        self._express = express

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, express=self._express, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application of this package. Requests in flight finish on cleanup, up to `shutdown_timeout`."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        # aiohttp has no public way to choose the protocol of an application.
        return _Server(made, self.app.get(EXPRESS, {}), **made._kwargs)  # noqa: SLF001 - as the line above says


def make_runner(app: web.Application, *, shutdown_timeout_s: float = 15.0) -> Runner:
    """Return the runner for either application; no access log, no signal handlers."""
    return Runner(app, handle_signals=False, access_log=None, shutdown_timeout=shutdown_timeout_s)
