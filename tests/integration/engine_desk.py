"""What tests of the engine share: posting many records, waiting for totals, an engine on a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from tests.harness.desk import Delivery, Desk
from tests.harness.serving import until

from healthdesk.clock import Clock
from healthdesk.config import load_config
from healthdesk.daemon.build import built_engine
from healthdesk.domain.states import RecordState
from healthdesk.engine.engine import Engine

QUICK = {
    "HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s",
    "HEALTHDESK_DELIVERY__TIMEOUT": "60s",
    "HEALTHDESK_ALERTS__ENABLED": "false",
}


def body_of(delivery: Delivery, data: object) -> bytes:
    """Return a record as an upstream system posts it."""
    return json.dumps(
        {"source": delivery.source, "level": "low", "completed_at": "2026-11-22T14:02:00Z", "data": data}
    ).encode()


async def post_many(delivery: Delivery, count: int, url: str = "", start: int = 0) -> list[str]:
    """Post records, 50 at a time, and return their ids."""
    free = asyncio.Semaphore(50)
    async with aiohttp.ClientSession() as http:

        async def one(number: int) -> str:
            async with (
                free,
                http.post(
                    url or delivery.url,
                    headers=delivery.headers,
                    data=body_of(delivery, {"number": number}),
                ) as answer,
            ):
                assert answer.status == 202, await answer.text()
                return (await answer.json())["id"]

        return await asyncio.gather(*(one(number) for number in range(start, start + count)))


async def counted(desk: Desk, timeout_s: float = 60.0, **states: int) -> None:
    """Wait until the ledger counts so many records in each of these states; it balances."""
    async with desk.client() as client:
        seen: dict[str, int] = {}

        async def there():
            rows = (await client.ledger()).rows
            seen.clear()
            for row in rows:
                for state, number in row.states.items():
                    seen[str(getattr(state, "value", state))] = seen.get(state, 0) + number
            return all(seen.get(state, 0) == number for state, number in states.items())

        try:
            await until(there, timeout_s=timeout_s)
        except TimeoutError:
            raise AssertionError(f"wanted {states}, the ledger says {seen}") from None
        assert (await client.ledger()).balanced


def ids_seen(*endpoints) -> list[str]:
    """Return the webhook-id of every request these endpoints saw."""
    return [request.headers["webhook-id"] for endpoint in endpoints for request in endpoint.requests]


@contextlib.asynccontextmanager
async def engine_on(folder: Path, clock: Clock, **settings: str) -> AsyncIterator[Engine]:
    """Build the engine of a desk over `clock`, not started, without listeners."""
    desk = Desk(folder, settings={**QUICK, **settings})
    desk.prepare()
    async with built_engine(load_config(None, desk.environ()), clock) as engine:
        yield engine


__all__ = ["QUICK", "RecordState", "body_of", "counted", "engine_on", "ids_seen", "post_many"]
