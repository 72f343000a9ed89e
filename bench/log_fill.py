"""A log of any length, on either database, for the figures of its pages."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from tests.harness.postgres import new_database, postgres_server

from healthdesk.clock import SystemClock
from healthdesk.domain.ids import IdFactory
from healthdesk.domain.states import Environment, IntegrationKind, RecordState
from healthdesk.store import integrations, schema, sources
from healthdesk.store.database import Store

FAILED_EVERY = 50
SAMPLE_EVERY = 100
SOURCES = 4
LEVELS = ("low", "moderate", "high")
DAYS = 7
CHUNK = 20_000
COMPLETED_BEFORE = timedelta(seconds=1)
"""So long before it arrived a record was completed."""


@contextmanager
def databases(kind: str, count: int) -> Iterator[list[str]]:
    """Yield the URLs of so many empty databases, of files or of one PostgreSQL server."""
    with TemporaryDirectory(prefix="healthdesk-bench-") as folder:
        if kind == "sqlite":
            yield [f"sqlite:///{Path(folder) / f'{number}.db'}" for number in range(count)]
        else:
            with postgres_server(Path(folder)) as server:
                yield [new_database(server.get_uri(), server.psql) for _ in range(count)]


async def _vacuumed(url: str) -> None:
    """Do what a server does by itself soon after so many rows came."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("VACUUM ANALYZE")
    finally:
        await conn.close()


def _insert(conn, rows) -> None:  # noqa: ANN001 - a connection and plain rows
    conn.execute(schema.records.insert(), rows)


async def filled(url: str, count: int) -> tuple[Store, list[str]]:
    """Return a store with `count` records and their ids, oldest first."""
    clock, ids = SystemClock(), IdFactory(os.urandom)
    now = datetime.now(UTC)
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
                "completed_at": at - COMPLETED_BEFORE,
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
    if store.dialect != "sqlite":
        await _vacuumed(url)
    return store, record_ids
