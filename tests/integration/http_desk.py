"""A desk for tests of the http layer: both applications on real sockets over a real store, no loops running."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from healthdesk.clock import Clock
from healthdesk.config import load_config
from healthdesk.daemon.build import built_engine
from healthdesk.domain.states import Role
from healthdesk.engine.engine import Engine
from healthdesk.http.operator import build_operator_app
from healthdesk.http.public import build_public_app
from healthdesk.http.server import make_runner
from healthdesk.operations.desk import Operator
from healthdesk.store.database import Store
from healthdesk.store.rows import AcceptedRecord, Failed, NewRecord
from healthdesk.vault import create_key_file

Json = dict[str, Any]
Accept = Callable[[NewRecord], Awaitable[AcceptedRecord]]
Around = Callable[[NewRecord, Accept], Awaitable[AcceptedRecord]]


@dataclass
class Answer:
    """A whole answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpDesk:
    """Both listeners of one engine. `operator` is who the operator listener takes every caller for."""

    engine: Engine
    url: str
    port: int
    socket: Path
    session: aiohttp.ClientSession
    unix: aiohttp.ClientSession
    operator: Operator = field(default_factory=lambda: Operator("alice", Role.ADMINISTRATOR))

    async def identify(self, _request: web.BaseRequest) -> Operator:
        return self.operator

    async def call(self, method: str, path: str, body: Any = None, **kw: Any) -> Answer:
        """Ask the operator API."""
        if body is not None:
            kw |= {"data": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        async with self.unix.request(method, f"http://desk{path}", **kw) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def ok(self, method: str, path: str, body: Any = None, **kw: Any) -> Any:
        """Ask the operator API and return the body of a success."""
        answer = await self.call(method, path, body, **kw)
        assert answer.status < 300, answer.body
        return answer.json if answer.body else None

    async def ask(self, method: str, path: str, **kw: Any) -> Answer:
        """Ask the public API."""
        async with self.session.request(method, self.url + path, **kw) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def connection(self, **more: Any) -> Json:
        """Add a connection that is judged by deliveries."""
        made: Json = await self.ok(
            "POST", "/v1/connections", {"name": "CRM", "base_url": "http://127.0.0.1:9/", **more}
        )
        return made

    async def delivery(self, **settings: Any) -> Delivery:
        """Add a connection, an integration, a source enabled for it, and a key."""
        connection = await self.connection()
        integration = await self.ok(
            "POST",
            "/v1/integrations",
            {
                "name": "CRM endpoint",
                "production": {"connection_id": connection["id"], "path": "/hra", **settings},
            },
        )
        source = await self.ok("POST", "/v1/sources", {"key": "heart", "name": "Heart health"})
        await self.ok("POST", "/v1/sources/heart/enable", {"integration_id": integration["id"]})
        key = await self.ok("POST", f"/v1/integrations/{integration['id']}/keys", {})
        return Delivery(self, integration["id"], connection["id"], source["id"], key["secret"])


def intercept(patch: pytest.MonkeyPatch, store: Store, around: Around) -> None:
    """Put `around(new, accept)` in the place of the store's accepting, whichever way records come."""
    real = store.accept_then

    async def accept(new: NewRecord) -> AcceptedRecord:
        future: asyncio.Future[AcceptedRecord | Failed] = asyncio.get_running_loop().create_future()
        real(new, future.set_result)
        outcome = await future
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome

    async def through(new: NewRecord, done: Callable[[AcceptedRecord | Failed], object]) -> None:
        try:
            outcome: AcceptedRecord | Failed = await around(new, accept)
        except Exception as error:  # noqa: BLE001 - the store tells of all of them
            outcome = Failed(error)
        done(outcome)

    tasks = set()

    def accept_then(new: NewRecord, done: Callable[[AcceptedRecord | Failed], object]) -> None:
        task = asyncio.ensure_future(through(new, done))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    patch.setattr(store, "accept_then", accept_then)


@dataclass
class Delivery:
    """A delivery integration that takes records."""

    desk: HttpDesk
    id: str
    connection_id: str
    source_id: str
    key: str

    async def post(self, body: Any = None, *, key: str | None = None, **kw: Any) -> Answer:
        """Post a record."""
        raw = body if isinstance(body, bytes) else json.dumps(record() if body is None else body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key or self.key}"}
        headers |= kw.pop("headers", {})
        return await self.desk.ask("POST", f"/v1/records/{self.id}", data=raw, headers=headers, **kw)


def record(**more: Any) -> Json:
    """Return a record as an upstream system posts it."""
    return {
        "source": "heart",
        "level": None,
        "completed_at": "2026-03-02T09:00:00Z",
        "data": {"participant": "Grace Hopper", "score": 71},
        **more,
    }


@asynccontextmanager
async def http_desk(
    folder: Path, *, clock: Clock | None = None, database_url: str = "", **settings: str
) -> AsyncIterator[HttpDesk]:
    """Yield a desk in `folder`; `settings` are more HEALTHDESK_ variables, as SECURITY__MAX_BODY_BYTES."""
    if not (folder / "key").exists():
        create_key_file(folder / "key")
    environ = {
        "HEALTHDESK_CONFIG": "",
        "HEALTHDESK_STORAGE__DATA_DIR": str(folder),
        "HEALTHDESK_SECURITY__KEY_FILE": str(folder / "key"),
        "HEALTHDESK_OPERATOR__SOCKET": str(folder / "op.sock"),
        "HEALTHDESK_SECURITY__ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
        **{f"HEALTHDESK_{name}": value for name, value in settings.items()},
    }
    if database_url:
        environ["HEALTHDESK_STORAGE__DATABASE_URL"] = database_url
    environ.pop("HEALTHDESK_CONFIG")
    config = load_config(None, environ | {"HOME": str(folder)})
    async with built_engine(config, clock) as engine:
        await engine.refresh()
        public = make_runner(build_public_app(engine), shutdown_timeout_s=5)
        await public.setup()
        await web.TCPSite(public, "127.0.0.1", 0).start()
        port = public.addresses[0][1]
        socket = folder / "op.sock"
        made: list[HttpDesk] = []

        async def identify(request: web.BaseRequest) -> Operator:
            return await made[0].identify(request)

        operator = make_runner(build_operator_app(engine, identify=identify), shutdown_timeout_s=5)
        await operator.setup()
        await web.UnixSite(operator, str(socket)).start()
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as unix,
        ):
            made.append(HttpDesk(engine, f"http://127.0.0.1:{port}", port, socket, session, unix))
            try:
                yield made[0]
            finally:
                await public.cleanup()
                await operator.cleanup()
