"""Lists of tasks and proof syncs, their totals, and what is due, at a thousand and at 100 thousand instances.

The baseline of each figure is the same at a thousand, with the same share of rows in the filter; a page of the log at
100 thousand records stands beside them.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import Figure
from bench.log_fill import filled
from bench.log_pages import PAGE, REPEATS
from healthdesk.clock import SystemClock
from healthdesk.domain.ids import IdFactory
from healthdesk.domain.instance_states import InstanceKind, InstanceState
from healthdesk.domain.states import IntegrationKind, RecordState
from healthdesk.store import app_integrations, instance_leases, instances, records
from healthdesk.store.database import Store
from healthdesk.store.rows import RecordQuery
from healthdesk.store.rows_instances import InstanceQuery

SMALL, LARGE = 1_000, 100_000
FAILED_EVERY = 8
"""So many of a thousand that a page in the middle is full there, too."""
CHUNK = 10_000
CLAIMED = 16

Read = Callable[["Crowd"], Awaitable[object]]


class Crowd:
    """A store with so many tasks of one integration; each connection has a hundredth of them, 16 are due."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids: list[str] = []
        self.integration_id = ""
        self.now = datetime.now(UTC)

    async def fill(self, ids: IdFactory, count: int) -> None:
        """Store the instances, oldest first."""
        self.integration_id = ids.new("int", self.now)
        await self.store.write(
            app_integrations.insert,
            integration_id=self.integration_id,
            name="Tasks",
            kind=IntegrationKind.TASKS,
            app="jira_cloud",
            connection_id=None,
            settings={},
            now=self.now,
            by="bench",
        )
        step = timedelta(days=7) / count
        self.ids = [ids.new("tsk", self.now - timedelta(days=7) + number * step) for number in range(count)]
        for start in range(0, count, CHUNK):
            rows = [self._row(number) for number in range(start, min(start + CHUNK, count))]
            await self.store.write(lambda conn, rows=rows: conn.execute(instances.instances.insert(), rows))

    def _row(self, number: int) -> dict[str, object]:
        failed = number % FAILED_EVERY == 0
        due = number % (len(self.ids) // CLAIMED) == 0
        return {
            "id": self.ids[number],
            "kind": InstanceKind.TASK,
            "integration_id": self.integration_id,
            "connection_id": f"con_{number % 100:03d}",
            "app": "jira_cloud",
            "owner": f"user{number % 100}",
            "name": f"Review access of team {number}",
            "state": InstanceState.SYNC_FAILED if failed else InstanceState.SUCCEEDED,
            "error": "The workflow asks for a resolution" if failed else "",
            "every_s": 3600.0,
            "next_at": self.now if due else self.now + timedelta(hours=1),
            "created_at": self.now,
            "created_by": "bench",
        }

    async def give_back(self) -> None:
        """Let what was claimed be due again."""
        table = instances.instances
        await self.store.write(
            lambda conn: conn.execute(
                table.update().where(table.c.lease_owner != "").values(lease_owner="", next_at=self.now)
            )
        )


def _page(query: InstanceQuery, *, deep: bool = False) -> Read:
    async def read(crowd: Crowd) -> object:
        after = crowd.ids[len(crowd.ids) // 2] if deep else None
        return (await crowd.store.read(instances.page, query, after=after, limit=PAGE)).items

    return read


async def _one(crowd: Crowd) -> object:
    return await crowd.store.read(instances.get, crowd.ids[len(crowd.ids) // 2])


async def _due(crowd: Crowd) -> object:
    return await crowd.store.write(instance_leases.claim_due, crowd.now, CLAIMED)


async def _totals(crowd: Crowd) -> object:
    return await crowd.store.read(instances.totals, InstanceQuery(connection_ids=("con_001",)))


async def _totals_by(crowd: Crowd) -> object:
    return await crowd.store.read(instances.totals_by)


PAGES: dict[str, Read] = {
    "list, first page": _page(InstanceQuery()),
    "list, page in the middle": _page(InstanceQuery(), deep=True),
    "list of failed or blocked": _page(InstanceQuery(failing=True)),
    "list of failed or blocked, page in the middle": _page(InstanceQuery(failing=True), deep=True),
    "list of an integration, failed or blocked": _page(InstanceQuery(kind=InstanceKind.TASK, failing=True)),
    "one opened": _one,
}


async def _taken_ms(crowd: Crowd, read: Read) -> float:
    began = time.perf_counter()
    assert await read(crowd)
    return (time.perf_counter() - began) * 1000


async def _alternate(crowds: list[Crowd], read: Read) -> list[float]:
    """Return the median milliseconds in each store, read in turn so that noise meets both alike."""
    times: list[list[float]] = [[] for _ in crowds]
    for _ in range(REPEATS):
        for crowd, took in zip(crowds, times, strict=True):
            took.append(await _taken_ms(crowd, read))
            if read is _due:
                await crowd.give_back()
    return [statistics.median(took) for took in times]


async def _log_ms(store: Store) -> float:
    times = []
    query = RecordQuery(states=(RecordState.FAILED,))
    for _ in range(REPEATS):
        began = time.perf_counter()
        assert (await store.read(records.page, query, limit=PAGE)).items
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def instances_bench() -> list[Figure]:
    """Measure every list, the totals and a claim on both."""
    clock, ids = SystemClock(), IdFactory(os.urandom)
    figures = []
    with tempfile.TemporaryDirectory(prefix="healthdesk-bench-") as folder:
        crowds = []
        log, _ = await filled(f"sqlite:///{Path(folder) / 'log.db'}", LARGE)
        for count in (SMALL, LARGE):
            url = f"sqlite:///{Path(folder) / f'instances-{count}.db'}"
            store = await Store.open(url, daemon_id=ids.new("dmn", clock.now()), clock=clock, ids=ids)
            crowds.append(Crowd(store))
            await crowds[-1].fill(ids, count)
        try:
            page_ms = await _log_ms(log)
            note = f"baseline: the same at {SMALL:,} instances instead of {LARGE:,}, read in turn"
            for name, read in PAGES.items():
                small, large = await _alternate(crowds, read)
                figures.append(
                    Figure(
                        f"instances, {name}", large, small, "ms", "ratio ≤ 1.5", large <= 1.5 * small, note
                    )
                )
                note = ""
                figures.append(
                    Figure(
                        f"instances, {name}, beside the log",
                        large,
                        page_ms,
                        "ms",
                        "ratio ≤ 1.5",
                        large <= 1.5 * page_ms,
                        ""
                        if len(figures) > 1
                        else f"baseline: a page of failed records of a log of {LARGE:,}",
                    )
                )
            small, large = await _alternate(crowds, _due)
            figures.append(
                Figure(
                    "instances, 16 due ones claimed", large, small, "ms", "ratio ≤ 1.5", large <= 1.5 * small
                )
            )
            small, large = await _alternate(crowds, _totals)
            figures.append(
                Figure(
                    "instances, totals of a connection",
                    large,
                    small,
                    "ms",
                    "< 50",
                    large < 50,
                    "it has 100 times as many",
                )
            )
            small, large = await _alternate(crowds, _totals_by)
            figures.append(
                Figure(
                    "instances, totals of every connection",
                    large,
                    small,
                    "ms",
                    "",
                    None,
                    "counted, 100 times as many",
                )
            )
        finally:
            for store in (log, *(crowd.store for crowd in crowds)):
                await store.close()
    return figures
