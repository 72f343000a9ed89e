"""The one door to the database: reads, writes, and the three hot statements."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from healthdesk.clock import Clock
from healthdesk.domain.ids import IdFactory
from healthdesk.errors import StoreError
from healthdesk.store import callbacks, desk
from healthdesk.store.intents import note_waiting
from healthdesk.store.postgres import PostgresBackend
from healthdesk.store.rows import (
    AcceptedRecord,
    EnvWant,
    Failed,
    NewCallback,
    NewRecord,
    Settlement,
    SettleResult,
    StoredCallback,
)
from healthdesk.store.scope import Scope, Snapshot
from healthdesk.store.settle import settle_and_claim
from healthdesk.store.sqlite import SqliteBackend

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """A SQLite file or a PostgreSQL database. `dialect` is `sqlite` or `postgresql`."""

    def __init__(self, backend: SqliteBackend | PostgresBackend, daemon_id: str) -> None:
        self._backend = backend
        self._closed = asyncio.Event()
        self.dialect: str = backend.dialect
        self.daemon_id = daemon_id
        self._checks = itertools.count(1)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        daemon_id: str,
        clock: Clock,
        ids: IdFactory,
        migrate: bool = True,
        busy_timeout_s: float = 5.0,
    ) -> Store:
        """Connect, migrate the schema (or raise SchemaMismatch), and start the writer."""
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError("database_url is no URL", fix="sqlite:////var/lib/healthdesk/desk.db") from error
        scope = Scope(daemon_id, lambda prefix: ids.new(prefix, clock.now()), clock.now)
        name = parsed.get_backend_name()
        backend: SqliteBackend | PostgresBackend
        if name == "sqlite":
            backend = await SqliteBackend.open(
                parsed, scope, migrating=migrate, busy_timeout_s=busy_timeout_s
            )
        elif name in {"postgresql", "postgres"}:
            backend = await PostgresBackend.open(parsed, scope, clock, migrating=migrate)
        else:
            raise StoreError(f"healthdesk keeps its data in SQLite or PostgreSQL, not in {name}")
        return cls(backend, daemon_id)

    async def close(self) -> None:
        """Finish what was handed in, then close every connection."""
        if not self._closed.is_set():
            self._closed.set()
            await self._backend.close()

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run a query function on one snapshot of the database."""
        result: T = await self._backend.read(lambda conn: query(conn, *args, **kw))
        return result

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Open one snapshot for many queries; what is written meanwhile is not in it, and does not wait for it."""
        async with self._backend.snapshot() as snapshot:
            yield snapshot

    async def write(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run a query function in a transaction and return once it is committed.

        It may be run more than once: after a deadlock, or when a neighbour spoilt its batch.
        """
        result: T = await self._backend.write(lambda conn: query(conn, *args, **kw))
        return result

    async def accept(self, record: NewRecord) -> AcceptedRecord:
        """Store a record and return once it is on disk; raise IdempotencyConflict."""
        future: asyncio.Future[AcceptedRecord | Failed] = asyncio.get_running_loop().create_future()

        def done(outcome: AcceptedRecord | Failed) -> None:
            if not future.done():
                future.set_result(outcome)

        self.accept_then(record, done)
        outcome = await future
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome

    def accept_then(self, record: NewRecord, done: Callable[[AcceptedRecord | Failed], object]) -> None:
        """Store a record and call `done` once, on the loop, when it is on disk or when it is known not to be.

        Nobody waits in a task of their own: records come by the thousand.
        """
        self._backend.accept(record, done)

    async def accept_callback(self, callback: NewCallback) -> StoredCallback:
        """Store a callback and return once it is on disk."""
        stored: StoredCallback = await self._backend.write(partial(_accept_callback, callback))
        return stored

    async def settle_and_claim(
        self, settlements: Sequence[Settlement], wants: Sequence[EnvWant], *, now: datetime
    ) -> SettleResult:
        """Store results of attempts and claim the next records, in one transaction."""

        def change(conn: Connection) -> SettleResult:
            result = settle_and_claim(conn, settlements, wants, now)
            note_waiting(conn, wants, result.claimed)
            return result

        result: SettleResult = await self._backend.write(change)
        return result

    async def check_writable(self) -> None:
        """Write and commit a row, or raise StoreUnavailable.

        Each time another value: SQLite writes nothing where a row stays as it is, and a full disk would go unseen.
        """
        value = f"{self.daemon_id} {next(self._checks)}"
        await self._backend.write(lambda conn: desk.set_setting(conn, "written_by", value))

    async def notifications(self) -> AsyncIterator[tuple[str, str]]:
        """Yield (topic, payload) that daemons sent, this one included; on SQLite there are none."""
        if isinstance(self._backend, PostgresBackend):
            async for news in self._backend.notifications():
                yield news
        else:
            await self._closed.wait()

    async def notify(self, topic: str, payload: str) -> None:
        """Tell the other daemons; on SQLite there are none."""
        if isinstance(self._backend, PostgresBackend):
            await self._backend.notify(topic, payload)


def _accept_callback(callback: NewCallback, conn: Connection) -> StoredCallback:
    return callbacks.accept(conn, callback)


__all__ = ["Store"]
