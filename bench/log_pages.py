"""A page of the log at 10 thousand and at 1 million records: first and deepest, filtered and not.

The baseline of each figure is the same page at 10 thousand records, with the same share of rows in the filter.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Figure
from bench.log_fill import COMPLETED_BEFORE, FAILED_EVERY, databases, filled
from healthdesk.domain.ids import id_time
from healthdesk.domain.states import Environment, RecordState
from healthdesk.store import log_query, records
from healthdesk.store.columns import to_micros
from healthdesk.store.database import Store
from healthdesk.store.log_plan import order_of
from healthdesk.store.rows import RecordQuery

SMALL, LARGE = 10_000, 1_000_000
PAGE = 50
REPEATS = 120

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


async def _page_ms(store: Store, query: RecordQuery, after: str | None, rows: int) -> float:
    began = time.perf_counter()
    page = await store.read(records.page, query, after=after, limit=rows)
    took = (time.perf_counter() - began) * 1000
    assert page.items or page.next or query.levels
    return took


async def _matches(store: Store, query: RecordQuery) -> int:
    """Return how many rows match, counting no further than one past a page."""
    rows, after = 0, None
    while rows <= PAGE:
        page = await store.read(records.page, query, after=after, limit=PAGE + 1 - rows)
        rows, after = rows + len(page.items), page.next
        if after is None:
            break
    return rows


async def _deep(store: Store, query: RecordQuery, ids: list[str], rows: int) -> str:
    """Return the cursor behind which the filter matches so many rows and no more."""
    found: list[str] = []
    after = None
    while len(found) <= rows:
        page = await store.read(log_query.search, query, after=after, limit=rows + 1, newest_first=False)
        found, after = [*found, *page.ids], page.next
        if after is None:
            break
    # Where nothing more matches, a place so far from the end as such a page would reach.
    at = found[rows] if len(found) > rows else ids[PAGE * FAILED_EVERY]
    match order_of(query):
        case "arrived":
            return at
        case "completed":
            return f"{to_micros(id_time(at) - COMPLETED_BEFORE)}.{at}"
    return f"{to_micros(id_time(at))}.{at}"


async def _alternate(
    filled: list[tuple[Store, list[str]]], query: RecordQuery, *, deep: bool
) -> tuple[list[float], int]:
    """Return the milliseconds of a page in each store, read in turn so that noise meets both alike, and its rows: no more
    than the filter matches in the smallest, so that a page of 50 is not compared with one of 16.

    The median of each: a page on SQLite is fast where the thread that reads it is awake and slow where it has to be woken, so
    that the fastest of many is a matter of luck.
    """
    matches = min([await _matches(store, query) for store, _ in filled])
    rows = min(PAGE, max(0, matches - 1) if deep else matches)
    cursors = [await _deep(store, query, ids, rows) if deep else None for store, ids in filled]
    times: list[list[float]] = [[] for _ in filled]
    for _ in range(REPEATS):
        for (store, _), after, took in zip(filled, cursors, times, strict=True):
            took.append(await _page_ms(store, query, after, rows or PAGE))
    return [median(took) for took in times], rows


async def log_pages(database: str = "sqlite", large_count: int = LARGE) -> list[Figure]:
    """Measure every page on both."""
    figures = []
    note = (
        f"baseline: the same page at {SMALL:,} records instead of {large_count:,} of {database}, read in turn"
    )
    counts = (SMALL, large_count)
    with databases(database, len(counts)) as urls:
        stores = [await filled(url, count) for url, count in zip(urls, counts, strict=True)]
        try:
            for name, query in (QUERIES | dated(datetime.now(UTC))).items():
                for deep in (False, True):
                    (small, large), rows = await _alternate(stores, query, deep=deep)
                    label = f"log page {'deepest' if deep else 'first'}, {name}, {rows} rows"
                    figures.append(
                        Figure(label, large, small, "ms", "ratio ≤ 1.5", large <= 1.5 * small, note)
                    )
                    note = ""
        finally:
            for store, _ in stores:
                await store.close()
    return figures
