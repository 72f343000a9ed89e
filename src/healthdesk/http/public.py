"""The public application: what outsiders may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from healthdesk.engine.engine import Engine
from healthdesk.http.callbacks import Callbacks
from healthdesk.http.lookup import Lookup
from healthdesk.http.oauth import OAuthCallback
from healthdesk.http.pings import Pinged
from healthdesk.http.probes import Probes
from healthdesk.http.problem_details import respond_status
from healthdesk.http.receipts import Receipts
from healthdesk.http.records import Records
from healthdesk.http.server import EXPRESS
from healthdesk.http.slow_clients import Patience, most_connections

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_public_app(engine: Engine) -> web.Application:
    """Return the public application. No middleware: a record's request goes straight to its handler."""
    server = engine.ctx.config.server
    app = web.Application(
        client_max_size=engine.ctx.config.security.max_body_bytes,
        handler_args={
            # Bodies are kept as they were sent, and a signature covers what was sent.
            "auto_decompress": False,
            "access_log": None,
            "keepalive_timeout": server.idle_timeout_s,
            "patience": Patience(
                server.header_timeout_s,
                most_connections(server.max_connections),
                # A connection that neither sends nor reads is as idle as one without a request.
                unread_s=server.idle_timeout_s,
            ),
        },
    )
    lookup = Lookup(engine)
    probes = Probes(engine)
    records = Records(engine, lookup)
    add_route(app, "POST", "/v1/records/{integration_id}", records.post)
    app[EXPRESS] = {"/v1/records/": records.post_at_once}
    callbacks = Callbacks(engine, lookup)
    add_resource(app, "/v1/callbacks/{connection_id}", {"POST": callbacks.post, "GET": callbacks.get})
    add_route(app, "POST", "/v1/receipts/{integration_id}", Receipts(engine, lookup).post)
    add_route(app, "GET", "/v1/oauth/callback", OAuthCallback(engine).get)
    pinged = Pinged(engine)
    for path, take in (("", pinged.good), ("/start", pinged.start), ("/fail", pinged.fail)):
        add_resource(app, f"/v1/ping/{{token}}{path}", {"GET": take, "POST": take})
    add_route(app, "GET", "/healthz", probes.healthz)
    add_route(app, "GET", "/readyz", probes.readyz)
    add_route(app, "GET", "/metrics", probes.metrics)
    add_fallback(app)
    return app


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Serve one method of a path, and answer 405 to the others."""
    add_resource(app, path, {method: handler})


def add_resource(app: web.Application, path: str, handlers: dict[str, Handler]) -> None:
    """Serve a path's methods, and answer 405 to the others; GET also answers HEAD."""
    resource = app.router.add_resource(path)
    methods = set(handlers)
    for method, handler in handlers.items():
        resource.add_route(method, handler, expect_handler=_expect)
    if "GET" in handlers and "HEAD" not in handlers:
        resource.add_route("HEAD", handlers["GET"], expect_handler=_expect)
        methods.add("HEAD")
    allow = ", ".join(sorted(methods))

    async def not_allowed(request: web.Request) -> web.StreamResponse:
        response = respond_status(405, f"this path takes {allow}", instance=request.path)
        response.headers["Allow"] = allow
        return response

    resource.add_route("*", not_allowed, expect_handler=_expect)


def add_fallback(app: web.Application) -> None:
    """Answer 404 to every other path. Call it last."""
    app.router.add_route("*", "/{tail:.*}", _not_found, expect_handler=_expect)


async def _not_found(request: web.Request) -> web.StreamResponse:
    return respond_status(404, "there is nothing at this path", instance=request.path)


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Tell a caller that waits with its body to send it; refuse any other expectation."""
    expectation = request.headers.get("Expect", "")
    if expectation.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim answer must not count as the answer's own size.
        request.writer.output_size = 0
        return None
    return respond_status(417, "only `100-continue` can be expected", instance=request.path)
