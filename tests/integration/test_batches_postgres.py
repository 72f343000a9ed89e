"""Batches of three daemons that share one PostgreSQL: each record taken once, settled by itself, and named with its batch."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from tests.harness.desk import set_up_delivery
from tests.harness.postgres import new_database, postgres_server
from tests.integration.engine_desk import counted, post_many
from tests.integration.test_delivery_batches import KEYED, computed
from tests.integration.test_engine_postgres import daemons, url_at

from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.testing import Behaviour, FakeEndpoint, reply
from healthdesk.testing.faults import SeenRequest

pytestmark = pytest.mark.xdist_group("postgres-engine")

SIZE = 5
EACH = 30


@pytest.fixture(scope="module")
def server():
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with TemporaryDirectory(prefix="healthdesk-batches-") as folder, postgres_server(Path(folder)) as running:
        yield running


@pytest.fixture
def database(server) -> str:
    return new_database(server.get_uri(), server.psql)


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


async def test_three_daemons_take_each_record_once_and_settle_it_by_itself(tmp_path, database, endpoint):
    asked: Counter[str] = Counter()
    taken: Counter[str] = Counter()

    def answer(request: SeenRequest) -> Behaviour:
        told = []
        for item in json.loads(request.body):
            asked[item["key"]] += 1
            status = 400 if item["number"] % 10 == 0 else 503 if item["number"] % 10 < 3 else 200
            if status == 503 and asked[item["key"]] > 1:
                status = 200
            taken[item["key"]] += status == 200
            told.append({"id": item["key"], "status": status})
        return reply(200, json={"results": told})

    endpoint.behave(computed(answer))
    async with daemons(tmp_path, database, 3) as desks:
        delivery = await set_up_delivery(desks[0], endpoint.url, concurrency=6)
        batch = {
            "size": SIZE, "wait_s": 0.05, "results": "results", "result_id": "id", "result_status": "status",
        }  # fmt: skip
        method = EnvironmentEdit.model_validate({"delivery": {"mapping": KEYED, "batch": batch}})
        async with desks[0].client() as client:
            await client.integration_edit(delivery.integration_id, IntegrationEdit(production=method))
            await client.integration_pause(delivery.integration_id)
        posted = await asyncio.gather(
            *(post_many(delivery, EACH, url_at(desk, delivery), 100 * n) for n, desk in enumerate(desks))
        )
        ids = [each for some in posted for each in some]
        async with desks[1].client() as client:
            await client.integration_resume(delivery.integration_id)
        await counted(desks[2], delivered=len(ids) * 9 // 10, failed=len(ids) // 10)

    assert set(asked) == set(ids)
    assert max(taken.values()) == 1, "none was taken twice"
    assert Counter(asked.values()) == {1: len(ids) * 8 // 10, 2: len(ids) * 2 // 10}, "what failed, alone"
    sent = {
        request.headers["webhook-id"]: {item["key"] for item in json.loads(request.body)}
        for request in endpoint.requests
    }
    assert max(map(len, sent.values())) == SIZE
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT batch_id, record_id, outcome, error_kind, error FROM attempts")
    finally:
        await connection.close()
    kept: dict[str, set[str]] = {}
    for row in rows:
        if (row["outcome"], row["error_kind"]) == ("interrupted", "interrupted"):
            # A claim that was given back as the daemons' shares changed: it is in no request.
            assert row["batch_id"] is None
            assert row["error"].startswith("Not sent:")
            continue
        kept.setdefault(row["batch_id"], set()).add(row["record_id"])
    assert kept == sent, "each attempt names the request it went in"
