"""Kill -9 while a job resends many records; then account for every single one, and for the pace at which they came.

`python -m tests.acceptance.torture_jobs [--records N] [--kills N] [--rate N] [--lookup] [--database sqlite|postgresql]`
is the long run; HEALTHDESK_TORTURE_JOBS=100000 has the test suite do it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from healthdesk.api.delivery import DeliveryMethod, LookupSettings
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.jobs import Job
from healthdesk.api.records import RecordFilter
from healthdesk.client.client import Client
from healthdesk.domain.job_states import JobItemState, JobState
from healthdesk.domain.states import RecordState
from tests.harness.desk import Delivery, Desk, set_up_delivery
from tests.harness.sinks import serving

POSTERS = 16
# A try for each kill that may interrupt a record, and none that comes by itself meanwhile.
SETTINGS = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s,1h,1h,1h,1h,1h", "HEALTHDESK_DELIVERY__TIMEOUT": "20s"}
LOOKUP = LookupSettings(path="/hra/{webhook_id}")
FAILED = RecordFilter(states=[RecordState.FAILED])
LOOKS_EVERY_S = 0.02
REFUSED_AGAIN = 97
"""One record in so many is refused again."""


@dataclass
class Sink:
    """Refuses everything until `open`; then takes in, and notes when each request came and what it was answered."""

    open: bool = False
    lasts_s: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    """How often each webhook-id was answered 2xx since it is open."""
    began: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, what comes is kept waiting."""
    holds_at: int = 0
    """Once so many records have come since it is open, what comes is kept waiting."""
    asked: int = 0
    late_s: float = 0.0
    """How late this process was at most to see what had come."""
    url: str = ""

    async def look_at_the_clock(self) -> None:
        """Note how late this process is to wake up, until cancelled."""
        while True:
            due = time.monotonic() + LOOKS_EVERY_S
            await asyncio.sleep(LOOKS_EVERY_S)
            self.late_s = max(self.late_s, time.monotonic() - due)

    async def handle(self, request: web.Request) -> web.Response:
        self.arrivals.append(time.monotonic())
        data = json.loads(await request.read())
        if not self.open:
            return web.json_response({"message": "risk_level is required"}, status=422)
        webhook_id = request.headers["webhook-id"]
        self.began[webhook_id] += 1
        self.under_way += 1
        if self.holds_at and len(self.began) >= self.holds_at:
            self.answers.clear()
        try:
            await asyncio.sleep(self.lasts_s)
            await self.answers.wait()
        finally:
            self.under_way -= 1
        if data["number"] % REFUSED_AGAIN == REFUSED_AGAIN - 1:
            return web.json_response({"message": "zip is required"}, status=422)
        self.answered[webhook_id] += 1
        return web.json_response({"ok": True})

    async def holds(self, *, timeout_s: float) -> None:
        """Return when it keeps something waiting."""
        async with asyncio.timeout(timeout_s):
            while self.answers.is_set() or not self.under_way:  # noqa: ASYNC110 - another process decides it
                await asyncio.sleep(0.02)

    def answer(self, *, holds_at: int) -> None:
        """Answer what waits, and what comes until so many records have come; 0 has no end."""
        self.holds_at = holds_at
        self.answers.set()

    async def look_up(self, request: web.Request) -> web.Response:
        """Say whether it took a record in."""
        self.arrivals.append(time.monotonic())
        self.asked += 1
        return web.json_response({}, status=200 if self.answered[request.match_info["webhook_id"]] else 404)

    def most_within(self, window_s: float, since: int = 0) -> int:
        """Return the largest number of requests that came within a window of time, anywhere."""
        most, first = 0, since
        for last in range(since, len(self.arrivals)):
            while self.arrivals[last] - self.arrivals[first] > window_s:
                first += 1
            most = max(most, last - first + 1)
        return most


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """Serve one for the length of the block."""
    made = Sink()
    made.answers.set()
    app = web.Application()
    app.router.add_post("/hra", made.handle)
    app.router.add_get("/hra/{webhook_id}", made.look_up)
    async with serving(app) as port:
        made.url = f"http://127.0.0.1:{port}"
        looking = asyncio.create_task(made.look_at_the_clock())
        try:
            yield made
        finally:
            looking.cancel()


def patience_s(records: int) -> float:
    """Return how long so many records may take on a machine that does much else."""
    return 120 + records / 50


async def post_numbers(delivery: Delivery, wanted: Iterable[int]) -> None:
    """Post a record of each number."""
    numbers = iter(wanted)

    async def post(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = {
                "source": delivery.source,
                "level": "low",
                "completed_at": "2026-03-02T09:00:00Z",
                "data": {"number": number},
            }
            async with http.post(delivery.url, json=body, headers=delivery.headers) as answer:
                assert answer.status == 202, await answer.text()

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for _ in range(POSTERS):
            group.create_task(post(http))


async def post_failing(desk: Desk, delivery: Delivery, records: int) -> None:
    """Post so many records and wait until each was refused."""
    await post_numbers(delivery, range(records))
    async with desk.client() as client, asyncio.timeout(patience_s(records)):
        while (await client.records_count(FAILED, exact=True)).total < records:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def begin(client: Client, *, careful: bool) -> Job:
    plan = await client.job_plan(FAILED)
    return await client.job_create(FAILED, expect=plan.total, careful=careful)


async def finished(client: Client, job_id: str, records: int) -> Job:
    """Return the job of so many records once it has ended."""
    async with asyncio.timeout(patience_s(records)):
        while True:
            job = await client.job(job_id)
            if job.finished_at is not None:
                return job
            assert job.state in {JobState.PREPARING, JobState.RUNNING}, job
            await asyncio.sleep(0.05)


def in_flight(desk: Desk) -> set[str]:
    """Return the webhook-ids of attempts that a killed desk had begun and not settled, and what it did not commit."""
    with contextlib.closing(sqlite3.connect(desk.folder / "data" / "healthdesk.db")) as conn:
        found = conn.execute("SELECT webhook_id FROM attempts WHERE outcome = 'sending'").fetchall()
    return {row[0] for row in found}


async def torture_jobs(
    desk: Desk,
    *,
    records: int,
    kills: int,
    rng: random.Random,
    rate_per_s: float | None = None,
    lookup: bool = False,
) -> dict[str, Any]:
    """Run the whole ordeal on a desk that is not started yet; AssertionError says what went wrong.

    With `lookup` the endpoint is asked for what was under way at a kill: then nothing that it took comes again.
    """
    async with sink() as endpoint:
        await desk.start()
        delivery = await set_up_delivery(desk, endpoint.url)
        posting = time.monotonic()
        await post_failing(desk, delivery, records)
        method = DeliveryMethod(lookup=LOOKUP if lookup else None)
        production = EnvironmentEdit(rate_per_s=rate_per_s, delivery=method)
        async with desk.client() as client:
            await client.integration_edit(delivery.integration_id, IntegrationEdit(production=production))
        posted_s, endpoint.open, endpoint.lasts_s = time.monotonic() - posting, True, 0.005
        since, resending = len(endpoint.arrivals), time.monotonic()
        # Wherever a kill falls, something is under way: what has come and was not answered.
        parts = [records * (kill + 1) // (kills + 1) + rng.randrange(5) for kill in range(kills)]
        endpoint.answer(holds_at=parts[0])
        async with desk.client() as client:
            job = await begin(client, careful=True)
        allowed: Counter[str] = Counter()
        for after in [*parts[1:], 0]:
            await endpoint.holds(timeout_s=patience_s(records))
            desk.kill()
            endpoint.answer(holds_at=after)
            # Only what was under way at a kill may come again: its answer may have been on its way.
            allowed.update(await under_way(desk))
            await desk.start()
        async with desk.client() as client:
            job = await finished(client, job.id, records)
            took_s = time.monotonic() - resending
            report = await account(client, endpoint, job, records, allowed)
            assert (await client.ledger()).balanced
        taken_twice = sum(number > 1 for number in endpoint.answered.values())
        if lookup:
            assert not taken_twice, f"{taken_twice} were sent again although they were answered 2xx"
            report["asked"] = endpoint.asked
        assert await desk.stop() == 0, desk.log[-3000:]
        report |= {
            "taken_twice": taken_twice,
            "kills": kills,
            "posted_s": round(posted_s, 1),
            "took_s": round(took_s, 1),
        }
        if rate_per_s is not None:
            report |= {
                f"most_within_{window_s:g}_s": endpoint.most_within(window_s, since)
                for window_s in (0.2, 1.0)
            }
            report["late_s"] = endpoint.late_s
        return report


async def under_way(desk: Desk) -> set[str]:
    """Return the webhook-ids of attempts whose intent is committed and whose result is not."""
    if not desk.database_url:
        return await asyncio.to_thread(in_flight, desk)
    import asyncpg

    conn = await asyncpg.connect(desk.database_url.replace("postgresql+asyncpg", "postgresql"))
    try:
        rows = await conn.fetch("SELECT webhook_id FROM attempts WHERE outcome = 'sending'")
    finally:
        await conn.close()
    return {row["webhook_id"] for row in rows}


async def account(
    client: Client, endpoint: Sink, job: Job, records: int, allowed: Counter[str]
) -> dict[str, Any]:
    """Hold the counts of the job, what it says of each record and what the endpoint saw to one another."""
    assert job.state is JobState.DONE, job
    assert job.total == records == sum(job.counts.values()), job
    items: dict[str, JobItemState] = {}
    after, rows = None, 0
    while True:
        page = await client.job_records(job.id, after=after, limit=500)
        rows += len(page.items)
        items |= {item.record_id: item.state for item in page.items}
        after = page.next
        if after is None:
            break
    assert rows == len(items) == records, "each record is in the job once"
    counted = Counter(items.values())
    assert {state: number for state, number in job.counts.items() if number} == dict(counted)
    refused = sum(number % REFUSED_AGAIN == REFUSED_AGAIN - 1 for number in range(records))
    assert (
        counted
        == Counter({JobItemState.DELIVERED: records - refused, JobItemState.FAILED: refused}) - Counter()
    ), counted
    log = Counter(
        {
            state: (await client.records_count(RecordFilter(states=[state]), exact=True)).total
            for state in RecordState
        }
    )
    assert +log == +Counter({RecordState.DELIVERED: records - refused, RecordState.FAILED: refused}), log
    assert len(endpoint.answered) == records - refused, "every record that counts as delivered was taken"
    twice = {webhook_id: number for webhook_id, number in endpoint.began.items() if number > 1}
    wrong = {webhook_id: number for webhook_id, number in twice.items() if number > 1 + allowed[webhook_id]}
    assert not wrong, f"{len(wrong)} came again that were not under way at a kill: {list(wrong.items())[:5]}"
    return {
        "records": records,
        "delivered": counted[JobItemState.DELIVERED],
        "failed": counted[JobItemState.FAILED],
        "under_way_at_kills": allowed.total(),
        "came_twice": len(twice),
    }


def main() -> int:
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--lookup", action="store_true", help="the endpoint can be asked what it has")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="healthdesk-torture-") as folder, ExitStack() as stack:
        url = ""
        if options.database == "postgresql":
            from tests.harness.postgres import running_postgres

            (Path(folder) / "pg").mkdir()
            url = stack.enter_context(running_postgres(Path(folder) / "pg"))
        desk = Desk(Path(folder) / "desk", url, dict(SETTINGS))
        stack.callback(desk.end)
        report = asyncio.run(
            torture_jobs(
                desk,
                records=options.records,
                kills=options.kills,
                rng=random.Random(options.seed),
                rate_per_s=options.rate,
                lookup=options.lookup,
            )
        )
        sys.stdout.write(json.dumps({"database": options.database, "seed": options.seed, **report}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
