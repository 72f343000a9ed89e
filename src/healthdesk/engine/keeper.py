"""Commits what checks found. On SQLite those that end together are one transaction, as it has one writer."""

from __future__ import annotations

import asyncio

from healthdesk.engine.context import Context
from healthdesk.store import rounds
from healthdesk.store.rounds import Finding
from healthdesk.store.rows import ProblemChanges

AT_ONCE = 32


class Keeper:
    """Keeps what checks found; on PostgreSQL each is a transaction of its own, for its rows are locked."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: list[tuple[Finding, asyncio.Future[ProblemChanges | None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, found: Finding) -> ProblemChanges | None:
        """Commit what a check found and return what that did; raises NotFound and StoreUnavailable.

        None: the connection's settings are others by now, and only the check itself is kept.
        """
        if self._ctx.store.dialect != "sqlite":
            return await self._ctx.store.write(rounds.keep_one, found)
        done: asyncio.Future[ProblemChanges | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((found, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="healthdesk:checks")
        return await done

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._commit(batch)
        finally:
            self._writing = None

    async def _commit(self, batch: list[tuple[Finding, asyncio.Future[ProblemChanges | None]]]) -> None:
        """Commit a batch; one that fails is tried finding by finding, so that a bad one fails alone."""
        results: list[ProblemChanges | Exception | None] = []
        try:
            results += await self._ctx.store.write(rounds.keep_all, [found for found, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits is told of it
            if len(batch) > 1:
                for each in batch:
                    await self._commit([each])
                return
            results = [error]
        for (_, done), result in zip(batch, results, strict=True):
            if done.done():
                continue
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)
