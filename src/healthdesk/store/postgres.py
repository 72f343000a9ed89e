"""PostgreSQL: each write in its own transaction, records in batches, news by LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from healthdesk.clock import Clock
from healthdesk.errors import IdempotencyConflict, StoreUnavailable
from healthdesk.store.accept import accept_many
from healthdesk.store.batching import Batcher, tell
from healthdesk.store.faults import is_unavailable, translated, unavailable, wants_retry
from healthdesk.store.migrate import migrate
from healthdesk.store.rows import AcceptedRecord, Failed, NewRecord
from healthdesk.store.scope import Scope, Snapshot

log = logging.getLogger(__name__)

TRIES = 8
"""A write undone by a deadlock or a serialization failure is run again this many times in all."""

CHANNEL = "healthdesk"
RECONNECT_S = 1.0

ACCEPT_TIMEOUT_S = 15.0
"""How long records may wait for their commit: an upstream system that is told 503 posts again, a silent one hangs."""

QUERY_TIMEOUT_S = 70.0
"""Everything else. The server itself ends a statement after 60 s; what takes longer has no server at the other end."""

CLOSE_TIMEOUT_S = 10.0

LOST_AFTER_S = 20
"""A connection whose other end says nothing, not even that it is there, is given up by the kernel after this."""

SERVER_SETTINGS = {
    "application_name": "healthdesk",
    "jit": "off",
    "statement_timeout": "60000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
}


@dataclass(slots=True)
class Waiting:
    """A record that waits for its batch."""

    record: NewRecord
    done: Callable[[AcceptedRecord | Failed], object]


class PostgresBackend:
    """One PostgreSQL database, which other daemons may share."""

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._batches: Batcher[Waiting] = Batcher(self._loop, self._start_batch)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: set[Any] = set()
        self._closed = False

    @classmethod
    async def open(cls, url: URL, scope: Scope, clock: Clock, *, migrating: bool) -> PostgresBackend:
        """Connect and migrate."""
        engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            connect_args={"timeout": 10, "server_settings": SERVER_SETTINGS},
            hide_parameters=True,  # an error that quotes them would bring values of records into the log
            execution_options={"scope": scope},
        )
        event.listen(engine.sync_engine, "connect", _watch_socket)
        backend = cls(engine, clock)
        async with AsyncExitStack() as unless_opened:
            unless_opened.push_async_callback(backend.close)
            # Without a deadline: a migration takes as long as it takes.
            await backend._write(lambda conn: migrate(conn, allowed=migrating))
            unless_opened.pop_all()
        return backend

    async def close(self) -> None:
        """Commit what was handed in, then close every connection; wait ACCEPT_TIMEOUT_S and CLOSE_TIMEOUT_S at most."""
        self._closed = True
        try:
            async with asyncio.timeout(ACCEPT_TIMEOUT_S):
                await self._batches.drained()
        except TimeoutError:
            log.error(
                "the database did not commit within %g s the records that were handed in: none of them was answered, "
                "so who posted them posts them again",
                ACCEPT_TIMEOUT_S,
            )
        for listener in tuple(self._listeners):
            listener.terminate()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._engine.dispose()
        except TimeoutError:
            log.warning("the database did not say goodbye within %.0f s", CLOSE_TIMEOUT_S)

    async def read(self, query: Callable[[Connection], Any]) -> Any:
        """Run `query` on one snapshot; once more when a pooled connection turns out to be gone."""
        async with _within(QUERY_TIMEOUT_S):
            try:
                return await self._read_once(query)
            except StoreUnavailable:
                if self._closed:
                    raise
                return await self._read_once(query)

    async def _read_once(self, query: Callable[[Connection], Any]) -> Any:
        self._refuse_when_closed()
        with translated():
            async with self._engine.connect() as conn:
                await conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                return await conn.run_sync(query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Open one read transaction for many queries, which may be far apart; writes go on meanwhile."""
        self._refuse_when_closed()
        with translated():
            async with self._engine.connect() as conn:
                await conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                await conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                yield conn.run_sync

    async def write(self, query: Callable[[Connection], Any]) -> Any:
        """Run `query` in its own transaction; again when it was undone for another's sake."""
        self._refuse_when_closed()
        async with _within(QUERY_TIMEOUT_S):
            return await self._write(query)

    async def _write(self, query: Callable[[Connection], Any]) -> Any:
        for left in reversed(range(TRIES)):
            try:
                with translated():
                    async with self._engine.begin() as conn:
                        return await conn.run_sync(query)
            except Exception as error:
                if not (left and wants_retry(error)):
                    raise
        raise AssertionError("unreachable")

    def accept(self, record: NewRecord, done: Callable[[AcceptedRecord | Failed], object]) -> None:
        """Store a record with the others that arrive now."""
        self._refuse_when_closed()
        self._batches.add(Waiting(record, done))

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _start_batch(self, batch: list[Waiting]) -> None:
        task = self._loop.create_task(self._commit(batch), name="accept")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit(self, batch: list[Waiting]) -> None:
        """Commit a batch; where that fails for another reason than the database, each record alone."""
        try:
            await self._store(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            if len(batch) == 1 or is_unavailable(error) or isinstance(error, StoreUnavailable):
                _fail(batch, error)
            else:
                for waiting in batch:
                    try:
                        await self._store([waiting])
                    except Exception as alone:  # noqa: BLE001 - as above
                        _fail([waiting], alone)
        finally:
            self._batches.finished()

    async def _store(self, batch: list[Waiting]) -> None:
        records = [waiting.record for waiting in batch]
        async with _within(ACCEPT_TIMEOUT_S):
            answers = await self._write(lambda conn: accept_many(conn, records))
        for waiting, answer in zip(batch, answers, strict=True):
            tell(waiting.done, Failed(answer) if isinstance(answer, IdempotencyConflict) else answer)

    async def notify(self, topic: str, payload: str) -> None:
        """Tell every daemon that listens, this one included."""
        message = json.dumps([topic, payload])
        await self.write(
            lambda conn: conn.execute(
                text("SELECT pg_notify(:channel, :message)"), {"channel": CHANNEL, "message": message}
            )
        )

    async def notifications(self) -> AsyncIterator[tuple[str, str]]:
        """Yield what daemons tell; reconnect for as long as the caller listens."""
        while not self._closed:
            try:
                async for news in self._listen():
                    yield news
            except StoreUnavailable as error:
                log.warning("cannot listen to other daemons, polling goes on: %s", error)
            if not self._closed:
                await self._clock.sleep(RECONNECT_S)

    async def _listen(self) -> AsyncIterator[tuple[str, str]]:
        """Yield news from one connection until that is lost."""
        inbox: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()

        def heard(_connection: Any, _pid: int, _channel: str, message: str) -> None:
            with suppress(ValueError):  # another program's message on our channel
                topic, payload = json.loads(message)
                inbox.put_nowait((topic, payload))

        with translated():
            async with AsyncExitStack() as opened:
                async with _within(QUERY_TIMEOUT_S):
                    conn = await opened.enter_async_context(self._engine.connect())
                    listener = await _driver(conn)
                    listener.add_termination_listener(lambda _: inbox.put_nowait(None))
                    self._listeners.add(listener)
                    opened.push_async_callback(self._stop_listening, conn, listener)
                    await listener.add_listener(CHANNEL, heard)
                while (news := await inbox.get()) is not None:
                    yield news

    async def _stop_listening(self, conn: AsyncConnection, listener: Any) -> None:
        """Let go of the connection that listened: news that is lost with it is seen by polling."""
        self._listeners.discard(listener)
        listener.terminate()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await conn.invalidate()
        except TimeoutError:
            log.warning(
                "the connection that listened to other daemons was not given up within %g s; another one takes its "
                "place, and polling goes on",
                CLOSE_TIMEOUT_S,
            )


@asynccontextmanager
async def _within(timeout_s: float) -> AsyncIterator[None]:
    """Raise StoreUnavailable for what takes longer. A connection that it cuts off is thrown away."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise StoreUnavailable(
            f"the database cannot be used now: no answer within {timeout_s:.0f} s",
            fix="Look at the database's host and the network to it: is the server up, does it hang?",
        ) from error


def _watch_socket(dbapi_connection: Any, _record: object) -> None:
    """Have the kernel notice that the other end is gone: a host that lost its power says no goodbye."""
    # asyncpg has no public way to its socket.
    transport = dbapi_connection.driver_connection._transport  # noqa: SLF001 - as the line above says
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", LOST_AFTER_S // 2),
        ("TCP_KEEPINTVL", LOST_AFTER_S // 4),
        ("TCP_KEEPCNT", 2),
        ("TCP_USER_TIMEOUT", LOST_AFTER_S * 1000),
    ):
        if (option := getattr(socket, name, None)) is not None:  # each system has its own of these
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _driver(conn: AsyncConnection) -> Any:
    raw = await conn.get_raw_connection()
    return raw.driver_connection


def _fail(batch: list[Waiting], error: Exception) -> None:
    for waiting in batch:
        fault = StoreUnavailable(str(error)) if isinstance(error, StoreUnavailable) else error
        tell(waiting.done, Failed(unavailable(fault) if is_unavailable(fault) else fault))
