"""Commits what checks found. On SQLite those that end together are one transaction, as it has one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from healthdesk.engine.context import Context
from healthdesk.errors import NotFound
from healthdesk.store.rows import ProblemChanges

Step = Callable[[Any], ProblemChanges | None]
"""One check's change, given the store's connection."""

AT_ONCE = 32


class Keeper:
    """Carries out the changes of checks; a change of PostgreSQL is a transaction of its own, for its rows are locked."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._waiting: list[tuple[Step, asyncio.Future[ProblemChanges | None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, step: Step) -> ProblemChanges | None:
        """Commit a change and return what it did; raises NotFound and StoreUnavailable."""
        if self._ctx.store.dialect != "sqlite":
            return await self._ctx.store.write(step)
        done: asyncio.Future[ProblemChanges | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, done))
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

    async def _commit(self, batch: list[tuple[Step, asyncio.Future[ProblemChanges | None]]]) -> None:
        """Commit a batch; one that fails is tried change by change, so that a bad one fails alone."""
        try:
            results = await self._ctx.store.write(_all, [step for step, _ in batch])
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


def _all(conn: Any, steps: list[Step]) -> list[ProblemChanges | Exception | None]:
    results: list[ProblemChanges | Exception | None] = []
    for step in steps:
        try:
            results.append(step(conn))
        except NotFound as error:  # it looks for its row first, and has changed nothing
            results.append(error)
    return results
