"""SQLite: reads on their own connections, all writes through one thread with group commit."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from sqlalchemy import URL, Connection

from healthdesk.errors import IdempotencyConflict, StoreError, StoreUnavailable
from healthdesk.store.accept import accept_many
from healthdesk.store.batching import Batcher, tell
from healthdesk.store.faults import is_unavailable, translated, unavailable
from healthdesk.store.migrate import migrate
from healthdesk.store.rows import AcceptedRecord, Failed, NewRecord
from healthdesk.store.scope import Scope, Snapshot, driver
from healthdesk.store.sqlite_engines import make_private, reading_engine, writing_engine

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 10.0
"""How long closing waits for the writer and for readers: a disk that hangs must not keep the daemon from ending."""


@dataclass(slots=True)
class Item:
    """One thing to write: a record, or a function to run in the transaction; and whom to tell, on the loop."""

    done: Callable[[Any], object]
    record: NewRecord | None = None
    run: Callable[[Connection], Any] | None = None


Outcome = Any | Failed
"""What an item's function returned, or why it was not written."""


def _fulfil(future: asyncio.Future[Any], outcome: Outcome) -> None:
    """Tell one who waits, unless they gave up."""
    if future.done():
        return
    if isinstance(outcome, Failed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome)


class SqliteBackend:
    """One SQLite file."""

    dialect = "sqlite"

    def __init__(self, path: Path, scope: Scope, *, busy_timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writing_engine(path, busy_timeout_s, scope)
        self._readers = reading_engine(path, scope, busy_timeout_s)
        self._queue: SimpleQueue[list[Item] | None] = SimpleQueue()
        self._batches: Batcher[Item] = Batcher(self._loop, self._queue.put)
        self._conn: Connection | None = None
        self._closed = False
        self._ended = asyncio.Event()
        self._down = False
        self._thread = threading.Thread(target=self._main, name="healthdesk-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(
        cls, url: URL, scope: Scope, *, migrating: bool, busy_timeout_s: float = 5.0
    ) -> SqliteBackend:
        """Open the file, make it where it is missing (readable by its owner only), migrate it."""
        if not url.database or url.database == ":memory:":
            raise StoreError(
                "SQLite needs a file: several connections share it",
                fix="sqlite:////var/lib/healthdesk/desk.db",
            )
        path = Path(url.database)
        with translated():
            await asyncio.to_thread(make_private, path)
        backend = cls(path, scope, busy_timeout_s=busy_timeout_s)
        try:
            await backend.write(lambda conn: migrate(conn, allowed=migrating))
        except BaseException:
            await backend.close()
            raise
        return backend

    async def close(self) -> None:
        """Commit what was handed in, then end the thread and the connections, all within CLOSE_TIMEOUT_S.

        What is not committed by then was not answered either: SQLite keeps a commit whole or not at all, whenever the
        process ends, and the thread does not keep it from ending.
        """
        self._closed = True
        until = self._loop.time() + CLOSE_TIMEOUT_S
        try:
            async with asyncio.timeout_at(until):
                await self._batches.drained()
        except TimeoutError:
            log.error(
                "the writer did not commit within %g s what was handed in: none of it was answered, so who sent it "
                "sends it again, and interrupted work is taken up at the next start; does the disk hang?",
                CLOSE_TIMEOUT_S,
            )
        self._queue.put(None)
        try:
            async with asyncio.timeout_at(until):
                await self._ended.wait()
                await self._readers.dispose()
        except TimeoutError:
            log.warning(
                "the database file was not closed within %g s and is left as it is: what was answered is in it, and "
                "the next start reads it as after a kill",
                CLOSE_TIMEOUT_S,
            )

    async def read(self, query: Callable[[Connection], Any]) -> Any:
        """Run `query` in a read transaction."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        with translated():
            async with self._readers.connect() as conn:
                return await conn.run_sync(query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Open one read transaction for many queries; writes go on meanwhile."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        with translated():
            async with self._readers.connect() as conn:
                yield conn.run_sync

    async def write(self, query: Callable[[Connection], Any]) -> Any:
        """Run `query` in the next batch and return once that is committed."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._submit(Item(partial(_fulfil, future), run=query))
        return await future

    def accept(self, record: NewRecord, done: Callable[[AcceptedRecord | Failed], object]) -> None:
        """Store a record with the others that arrive now."""
        self._submit(Item(done, record))

    def _submit(self, item: Item) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        self._batches.add(item)

    def _settle(self, batch: list[Item], outcomes: Sequence[Outcome]) -> None:
        """Answer those who wait, on the loop, once a batch."""
        self._batches.finished()
        for item, outcome in zip(batch, outcomes, strict=True):
            tell(item.done, outcome)

    # Everything below runs in the writer thread.

    def _main(self) -> None:
        try:
            while (batch := self._queue.get()) is not None:
                self._loop.call_soon_threadsafe(self._settle, batch, self._commit(batch))
            self._drop_connection()
            self._writer.dispose()
            self._loop.call_soon_threadsafe(self._ended.set)
        except RuntimeError:
            if not self._loop.is_closed():  # where closing did not wait any longer, nobody is left to be told
                raise

    def _commit(self, batch: list[Item]) -> Sequence[Outcome]:
        """Commit a batch; where that fails for another reason than the database, each item alone."""
        try:
            if self._conn is None:
                self._conn = self._writer.connect()
            transaction = self._conn.begin()
            try:
                outcomes = self._run(self._conn, batch)
                if not driver(self._conn).in_transaction:  # committing nothing would not even fail
                    raise StoreError("the transaction was ended by one of its writes; nothing of it is kept")
                transaction.commit()
            except BaseException:
                self._undo()
                raise
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            if is_unavailable(error):
                fault = unavailable(error)
                self._tell_of_outage(fault)
                return [Failed(StoreUnavailable(fault.what, fix=fault.fix)) for _ in batch]
            if len(batch) == 1:
                return [Failed(error)]
            return [self._commit([item])[0] for item in batch]
        if self._down:
            self._down = False
            log.warning("the database can be written again")
        return outcomes

    def _tell_of_outage(self, fault: StoreUnavailable) -> None:
        """Log an outage once, not once a batch."""
        if not self._down:
            self._down = True
            log.error("nothing can be written until this is repaired: %s", fault)

    def _run(self, conn: Connection, batch: list[Item]) -> Sequence[Outcome]:
        if len(batch) == 1:  # its failure undoes the transaction, so no savepoint is needed
            item = batch[0]
            return [item.run(conn)] if item.run is not None else accept_all(conn, batch)
        # No savepoint for records: it costs a copy of every page, and a record that fails is tried alone.
        accepted = iter(accept_all(conn, [item for item in batch if item.record is not None]))
        return [next(accepted) if item.run is None else self._guarded(conn, item.run) for item in batch]

    @staticmethod
    def _guarded(conn: Connection, run: Callable[[Connection], Any]) -> Outcome:
        """Run in a savepoint, so that a failure leaves the neighbours alone."""
        savepoint = conn.begin_nested()
        try:
            value = run(conn)
            savepoint.commit()
        except Exception as error:
            if is_unavailable(error):
                raise
            savepoint.rollback()
            return Failed(error)
        return value

    def _undo(self) -> None:
        """Leave no transaction open; after an error that prevents even that, use another connection."""
        assert self._conn is not None
        try:
            self._conn.rollback()
            if driver(self._conn).in_transaction:
                self._drop_connection()
        except Exception:
            log.exception("the write connection is replaced")
            self._drop_connection()

    def _drop_connection(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(Exception):  # it is of no use any more; nothing is lost with it
                conn.invalidate()
            with suppress(Exception):  # as above
                conn.close()


def accept_all(conn: Connection, items: Sequence[Item]) -> list[Outcome]:
    """Store the records of these items."""
    answers = accept_many(conn, [item.record for item in items if item.record is not None])
    return [Failed(answer) if isinstance(answer, IdempotencyConflict) else answer for answer in answers]
