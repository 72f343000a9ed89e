"""The rate of an environment counts requests, and their distance holds, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.harness.serving import until
from tests.integration.test_delivery_batches import computed
from tests.integration.test_engine_clock import in_states, passing, post, quiet, running, seen

from healthdesk.testing import Behaviour, FakeClock, FakeEndpoint, reply
from healthdesk.testing.faults import SeenRequest

RATE = 20
SIZE = 3


@pytest.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as server:
        yield server


async def test_rate_counts_requests_whatever_goes_in_them(tmp_path: Path, endpoint: FakeEndpoint) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        batch = {"batch": {"size": SIZE, "wait_s": 0}}
        delivery = await desk.delivery(rate_per_s=RATE, delivery=batch)
        await desk.ok("PATCH", f"/v1/connections/{delivery.connection_id}", {"base_url": endpoint.url})
        await post(delivery, 10 * SIZE)
        await quiet(desk)
        assert endpoint.requests == []
        for number in range(1, 11):
            clock.advance(1 / RATE)
            await until(lambda number=number: seen(endpoint, number))
            await quiet(desk)
            assert len(endpoint.requests) == number
        await passing(desk, in_states(desk, delivered=10 * SIZE))
        assert [len(json.loads(each.body)) for each in endpoint.requests] == [SIZE] * 10


async def test_records_of_a_batch_that_are_sent_alone_keep_the_distance(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    clock = FakeClock()

    def answer(request: SeenRequest) -> Behaviour:
        return reply(200 if len(json.loads(request.body)) == 1 else 400)

    endpoint.behave(computed(answer))
    async with running(tmp_path, clock) as desk:
        batch = {"batch": {"size": 6, "wait_s": 0}}
        delivery = await desk.delivery(rate_per_s=RATE, concurrency=6, delivery=batch)
        await desk.ok("PATCH", f"/v1/connections/{delivery.connection_id}", {"base_url": endpoint.url})
        await post(delivery, 6)
        await quiet(desk)
        clock.advance(1 / RATE)
        await until(in_states(desk, retrying=6))
        clock.advance(600)  # all six are due at the same moment
        due_at = clock.monotonic()
        async with asyncio.timeout(60):
            while len(endpoint.requests) < 7:
                clock.advance(0.01)
                for _ in range(20):  # what may leave by now has every chance to
                    await asyncio.sleep(0.001)
                alone = len(endpoint.requests) - 1
                assert alone <= 1 + (clock.monotonic() - due_at) * RATE
        await passing(desk, in_states(desk, delivered=6))
        assert len(endpoint.requests) == 7
