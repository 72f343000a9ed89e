"""HTTP over the operator socket: one place for connecting, versions and errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from healthdesk import __version__
from healthdesk.api import API_VERSION, API_VERSION_HEADER
from healthdesk.api.common import Problem
from healthdesk.errors import ApiRefused, ClientError, DaemonUnreachable, IncompatibleDaemon

T = TypeVar("T")
Query = Sequence[tuple[str, str]]

OLDEST_API_VERSION = 1
NEWEST_API_VERSION = API_VERSION
TIMEOUT_S = 30.0
LONG_TIMEOUT_S = 300.0
"""For actions that call other systems or change many rows."""
SILENCE_S = 60.0
"""The event stream sends keep-alives; longer silence than this is a lost daemon."""

START_HINT = "Start it with `healthdesk daemon`, or name its socket with --socket."


def encode(body: BaseModel, *, without: str | None = None) -> bytes:
    """Return a request body as JSON: only what was set, with secrets in clear.

    What is absent stays as it is on the daemon's side, and an explicit None is sent as null.
    """
    fields = body.model_dump(exclude_unset=True, exclude={without} if without else None)
    return json.dumps(fields, default=_plain, ensure_ascii=False).encode()


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent")


class Transport:
    """Requests over the first of `sockets` on which a daemon answers."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._sockets = tuple(sockets)
        self._sessions: dict[Path, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def call(
        self,
        kind: type[T] | TypeAdapter[T],
        method: str,
        path: str,
        *,
        query: Query = (),
        body: BaseModel | bytes | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> T:
        """Make one request and return its answer as `kind`."""
        adapter: TypeAdapter[T] = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
        raw = await self.raw(method, path, query=query, body=body, timeout_s=timeout_s)
        try:
            return adapter.validate_json(raw)
        except ValidationError as error:
            raise IncompatibleDaemon(
                f"the daemon's answer to {method} {path} is not the one this client knows"
                f" ({error.error_count()} fields differ)",
                fix=f"Install the same version of healthdesk on both sides; this client is {__version__}.",
            ) from error

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: BaseModel | bytes | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Make one request and return the body of its answer; an error status raises ApiRefused."""
        payload = encode(body) if isinstance(body, BaseModel) else body
        headers = {"Content-Type": "application/json"} if payload is not None else {}
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._open(method, path, query, headers, payload, timeout) as response:
            return await response.read()

    @contextlib.asynccontextmanager
    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.StreamReader]:
        """Open an endless answer. A lost daemon raises DaemonUnreachable out of the block."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S, sock_read=SILENCE_S)
        async with self._open("GET", path, (), headers, None, timeout) as response:
            yield response.content

    @contextlib.asynccontextmanager
    async def download(self, path: str, query: Query = ()) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that is read in pieces, however long it is. A lost daemon raises out of the block."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S, sock_read=SILENCE_S)
        async with self._open("GET", path, query, {"Accept": "*/*"}, None, timeout) as response:
            yield response

    @contextlib.asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        payload: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        response, socket = await self._connect(method, path, query, headers, payload, timeout)
        try:
            async with response:
                check_version(response.headers, socket)
                if response.status >= 400:
                    raise refusal(response.status, await response.read())
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _lost(socket, error) from error

    async def _connect(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        payload: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> tuple[aiohttp.ClientResponse, Path]:
        forbidden: Path | None = None
        for socket in self._sockets:
            try:
                response = await self._session(socket).request(
                    method,
                    f"http://desk{path}",
                    params=list(query),
                    headers=headers,
                    data=payload,
                    timeout=timeout,
                    allow_redirects=False,
                )
            except aiohttp.ClientConnectorError as error:
                if isinstance(error.os_error, PermissionError):
                    forbidden = forbidden or socket
                continue
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _lost(socket, error) from error
            # The first that answered stays the desk that is spoken to.
            self._sockets = (socket, *(other for other in self._sockets if other != socket))
            return response, socket
        if forbidden is not None:
            raise ApiRefused(
                f"no permission to open {forbidden}",
                status=403,
                slug="not-permitted",
                fix="Ask an administrator of the desk to add you to its group and to [roles] in config.toml,"
                " then log in again.",
            )
        tried = ", ".join(str(socket) for socket in self._sockets)
        raise DaemonUnreachable(f"no daemon answers (tried {tried})", tried=self._sockets, fix=START_HINT)

    def _session(self, socket: Path) -> aiohttp.ClientSession:
        session = self._sessions.get(socket)
        if session is None:
            session = aiohttp.ClientSession(
                # A new connection a call: none is stale after the daemon's restart, and connecting
                # to a Unix socket costs microseconds.
                connector=aiohttp.UnixConnector(path=str(socket), force_close=True),
                headers={"User-Agent": f"healthdesk/{__version__}", "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._sessions[socket] = session
        return session


def check_version(headers: Mapping[str, str], socket: Path) -> None:
    """Refuse what is not a healthdesk daemon of a version known here."""
    text = headers.get(API_VERSION_HEADER, "")
    if not text.isascii() or not text.isdigit():
        raise IncompatibleDaemon(
            f"what answers on {socket} is not a healthdesk daemon (no {API_VERSION_HEADER} header)",
            fix="Name the daemon's socket with --socket.",
        )
    version = int(text)
    if version > NEWEST_API_VERSION:
        raise IncompatibleDaemon(
            f"the daemon on {socket} speaks API version {version}, this client knows up to {NEWEST_API_VERSION}",
            fix=f"Upgrade this client (it is {__version__}) to the daemon's version.",
        )
    if version < OLDEST_API_VERSION:
        raise IncompatibleDaemon(
            f"the daemon on {socket} speaks API version {version}, this client needs {OLDEST_API_VERSION} or newer",
            fix=f"Upgrade the daemon; this client is {__version__}.",
        )


def refusal(status: int, body: bytes) -> ClientError:
    """Return the error for an answer with an error status."""
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return ApiRefused(f"the daemon answered with status {status}", status=status, slug="")
    return ApiRefused(
        problem.detail or problem.title,
        status=status,
        slug=problem.type.rsplit("/", 1)[-1],
        field=problem.field,
        fix=problem.fix,
        blame=problem.blame,
        kind=problem.kind,
        changes=problem.changes,
    )


def _lost(socket: Path, error: BaseException) -> ClientError:
    reason = "did not answer in time" if isinstance(error, TimeoutError) else "stopped answering"
    return DaemonUnreachable(
        f"the daemon on {socket} {reason}",
        tried=(socket,),
        fix="See whether it runs and what it logs; an action may or may not have been done.",
    )


def decode_any(raw: bytes) -> Any:
    """Return JSON without a model."""
    return json.loads(raw)
