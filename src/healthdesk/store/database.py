"""The one door to the database: reads, writes, and the three hot statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from healthdesk.clock import Clock
from healthdesk.domain.ids import IdFactory
from healthdesk.store.rows import (
    AcceptedRecord,
    EnvWant,
    NewCallback,
    NewRecord,
    Settlement,
    SettleResult,
    StoredCallback,
)

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """A SQLite file or a PostgreSQL database. `dialect` is `sqlite` or `postgresql`."""

    dialect: str
    daemon_id: str

    @classmethod
    async def open(
        cls, url: str, *, daemon_id: str, clock: Clock, ids: IdFactory, migrate: bool = True, **options: Any
    ) -> Store:
        """Connect, migrate the schema (or raise SchemaMismatch), and start the writer."""
        raise NotImplementedError

    async def close(self) -> None:
        """Finish what was handed in, then close every connection."""

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run a query function in a read transaction."""
        raise NotImplementedError

    async def write(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run a query function in a transaction and return once it is committed."""
        raise NotImplementedError

    async def accept(self, record: NewRecord) -> AcceptedRecord:
        """Store a record and return once it is on disk; raise IdempotencyConflict."""
        raise NotImplementedError

    async def accept_callback(self, callback: NewCallback) -> StoredCallback:
        """Store a callback and return once it is on disk."""
        raise NotImplementedError

    async def settle_and_claim(
        self, settlements: Sequence[Settlement], wants: Sequence[EnvWant], *, now: datetime
    ) -> SettleResult:
        """Store results of attempts and claim the next records, in one transaction."""
        raise NotImplementedError

    async def check_writable(self) -> None:
        """Write and commit a row, or raise StoreUnavailable."""
        raise NotImplementedError

    def notifications(self) -> AsyncIterator[tuple[str, str]]:
        """Yield (topic, payload) that other daemons sent; on SQLite there are none."""
        raise NotImplementedError

    async def notify(self, topic: str, payload: str) -> None:
        """Tell the other daemons."""
        raise NotImplementedError
