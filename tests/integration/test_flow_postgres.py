"""Circuits and ordering where three daemons share one PostgreSQL: one probe, one order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.harness.desk import set_up_delivery
from tests.harness.postgres import new_database, postgres_server
from tests.integration.engine_desk import counted, post_many
from tests.integration.test_circuits import SLOW, by_hand, held_for, in_circuit, with_circuit
from tests.integration.test_engine_postgres import daemons, url_at
from tests.integration.test_ordering import firsts, in_order, post

from healthdesk.domain.states import CircuitState, HoldReason
from healthdesk.testing import FakeEndpoint, hold, reply

pytestmark = pytest.mark.xdist_group("postgres-engine")


@pytest.fixture(scope="module")
def server():
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with TemporaryDirectory(prefix="healthdesk-flow-") as folder, postgres_server(Path(folder)) as running:
        yield running


@pytest.fixture
def database(server) -> str:
    return new_database(server.get_uri(), server.psql)


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


async def test_three_daemons_send_one_probe_and_all_ramp_back(tmp_path, database, endpoint):
    endpoint.answer(503)
    async with daemons(tmp_path, database, 3, **SLOW) as desks:
        delivery = await set_up_delivery(desks[0], endpoint.url, concurrency=6)
        await with_circuit(desks[0], delivery, least=2)
        await asyncio.gather(*(post_many(delivery, 6, url_at(desk, delivery)) for desk in desks))
        await in_circuit(desks[1], delivery, CircuitState.OPEN)
        await held_for(desks[2], HoldReason.CIRCUIT, 18)
        count = len(endpoint.requests)
        endpoint.behave(hold())
        await by_hand(desks[2], delivery, "probe")
        await endpoint.wait_for(count + 1)
        for desk in desks:
            await in_circuit(desk, delivery, CircuitState.PROBING)
            await post_many(delivery, 2, url_at(desk, delivery))
        await held_for(desks[0], HoldReason.CIRCUIT, 23)
        assert len(endpoint.requests) == count + 1
        endpoint.behave(reply(200))
        endpoint.release()
        await counted(desks[0], delivered=24)
        await in_circuit(desks[1], delivery, CircuitState.CLOSED)


async def test_three_daemons_keep_the_order_of_each_key(tmp_path, database, endpoint):
    schedule = {"HEALTHDESK_DELIVERY__SCHEDULE": "0s" + ",0.05s" * 20}
    async with daemons(tmp_path, database, 3, **schedule) as desks:
        delivery = await set_up_delivery(desks[0], endpoint.url, concurrency=6)
        await in_order(desks[0], delivery)
        endpoint.script(*[503, 200, 200] * 4)
        for number in range(6):
            for key in "ab":
                await post(delivery, key, number)
        await counted(desks[1], delivered=12)
    for key in "ab":
        assert firsts(endpoint, key) == list(range(6))
