"""A page of the log at 10 thousand and at 1 million records: first and deepest, filtered and not.

The baseline of each figure is the same page at 10 thousand records, with the same share of rows in the filter.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from bench.figures import Figure
from healthdesk.clock import SystemClock
from healthdesk.domain.ids import IdFactory, id_time
from healthdesk.domain.states import Environment, IntegrationKind, RecordState
from healthdesk.store import integrations, records, schema, sources
from healthdesk.store.columns import to_micros
from healthdesk.store.database import Store
from healthdesk.store.log_query import order_of
from healthdesk.store.rows import RecordQuery

SMALL, LARGE = 10_000, 1_000_000
FAILED_EVERY = 50
SAMPLE_EVERY = 100
SOURCES = 4
LEVELS = ("low", "moderate", "high")
DAYS = 7
PAGE = 50
REPEATS = 60
CHUNK = 20_000


def _insert(conn, rows) -> None:  # noqa: ANN001 - a connection and plain rows
    conn.execute(schema.records.insert(), rows)


async def filled(folder: str, count: int) -> tuple[Store, list[str]]:
    """Return a store with `count` records and their ids, oldest first."""
    clock, ids = SystemClock(), IdFactory(os.urandom)
    now = datetime.now(UTC)
    url = f"sqlite:///{Path(folder) / f'{count}.db'}"
    store = await Store.open(url, daemon_id=ids.new("dmn", now), clock=clock, ids=ids)
    integration = ids.new("int", now)
    await store.write(
        integrations.insert,
        integration_id=integration,
        name="CRM",
        kind=IntegrationKind.DELIVERY,
        now=now,
        by="bench",
    )
    source_ids = [ids.new("src", now) for _ in range(SOURCES)]
    for number, source_id in enumerate(source_ids):
        await store.write(
            sources.insert,
            source_id=source_id,
            key=f"source-{number}",
            name=f"Source {number}",
            levels=[],
            fields=[],
            now=now,
            by="bench",
        )
    record_ids = []
    start = now - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / count

    def rows():  # noqa: ANN202 - an iterator of rows
        for number in range(count):
            at = start + number * step
            record_id = ids.new("rec", at)
            record_ids.append(record_id)
            failed = number % FAILED_EVERY == 0
            yield {
                "id": record_id,
                "webhook_id": record_id,
                "integration_id": integration,
                "environment": Environment.PRODUCTION,
                "source_id": source_ids[(number // FAILED_EVERY) % SOURCES],
                "level": LEVELS[number % len(LEVELS)],
                "completed_at": at - timedelta(seconds=1),
                "state": RecordState.FAILED if failed else RecordState.DELIVERED,
                "sample": number % SAMPLE_EVERY == 1,
                "tries": 1,
                "attempts": 2 if failed else 1,
                "first_attempt_at": at,
                "last_attempt_at": at + timedelta(seconds=5) if failed else at,
                "last_status": 422 if failed else 200,
                "error_kind": "missing_field" if failed else "",
                "error": "risk_level is required" if failed else "",
                "body_hash": hashlib.sha256(record_id.encode()).digest(),
            }

    pending = rows()
    while chunk := list(islice(pending, CHUNK)):
        await store.write(_insert, chunk)
    return store, record_ids


QUERIES = {
    "unfiltered": RecordQuery(),
    "failed": RecordQuery(states=(RecordState.FAILED,)),
    "failed of one source": RecordQuery(states=(RecordState.FAILED,), source="source-1"),
    "failed or held, production": RecordQuery(
        states=(RecordState.FAILED, RecordState.HELD), environment=Environment.PRODUCTION
    ),
    "422 of one source, level high": RecordQuery(statuses=(422,), source="source-1", levels=("high",)),
    "missing fields by text": RecordQuery(error_kinds=("missing_field",), text="Risk_level"),
    "delivered samples": RecordQuery(states=(RecordState.DELIVERED,), sample=True),
    "a level that none has": RecordQuery(source="source-1", levels=("critical",)),
}


def dated(now: datetime) -> dict[str, RecordQuery]:
    """Return the filters by a date other than arrival: a day, four days ago."""
    start, end = now - timedelta(days=4), now - timedelta(days=3)
    return {
        "completed that day": RecordQuery(completed_from=start, completed_to=end),
        "first tried that day, failed": RecordQuery(
            first_attempt_from=start, first_attempt_to=end, states=(RecordState.FAILED,)
        ),
        "last tried that day, level high of one source": RecordQuery(
            last_attempt_from=start, last_attempt_to=end, levels=("high",), source="source-1"
        ),
    }


async def _page_ms(store: Store, query: RecordQuery, after: str | None) -> float:
    began = time.perf_counter()
    page = await store.read(records.page, query, after=after, limit=PAGE)
    took = (time.perf_counter() - began) * 1000
    assert page.items or page.next or query.levels
    return took


def _deep(query: RecordQuery, ids: list[str]) -> str:
    """Return a cursor near the end of what the filter matches."""
    if order_of(query) == "arrived":
        return ids[PAGE * FAILED_EVERY]
    at = ids[len(ids) * 3 // DAYS + PAGE * FAILED_EVERY]
    return f"{to_micros(id_time(at))}.{at}"


async def _alternate(filled: list[tuple[Store, list[str]]], query: RecordQuery, *, deep: bool) -> list[float]:
    """Return the median milliseconds of a page in each store, read in turn so that noise meets both alike."""
    times: list[list[float]] = [[] for _ in filled]
    for _ in range(REPEATS):
        for (store, ids), took in zip(filled, times, strict=True):
            took.append(await _page_ms(store, query, _deep(query, ids) if deep else None))
    return [statistics.median(took) for took in times]


async def log_pages() -> list[Figure]:
    """Measure every page on both."""
    figures = []
    note = f"baseline: the same page at {SMALL:,} records instead of {LARGE:,}, read in turn"
    with tempfile.TemporaryDirectory(prefix="healthdesk-bench-") as folder:
        stores = [await filled(folder, count) for count in (SMALL, LARGE)]
        try:
            for name, query in (QUERIES | dated(datetime.now(UTC))).items():
                for deep in (False, True):
                    small, large = await _alternate(stores, query, deep=deep)
                    label = f"log page {'deepest' if deep else 'first'}, {name}"
                    figures.append(
                        Figure(label, large, small, "ms", "ratio ≤ 1.5", large <= 1.5 * small, note)
                    )
                    note = ""
        finally:
            for store, _ in stores:
                await store.close()
    return figures
