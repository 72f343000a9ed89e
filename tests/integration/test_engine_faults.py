"""What must not stop a delivery engine: faults of its own, a locked or full database, a stop with a stuck endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
from collections import Counter

import aiohttp
import pytest
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, body_of, counted, ids_seen, post_many

from healthdesk.daemon import main
from healthdesk.errors import StoreUnavailable
from healthdesk.store.database import Store
from healthdesk.testing import FakeEndpoint, hold

PATIENT_S = 60.0


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as server:
        yield server


@pytest.fixture
async def desk(tmp_path):
    async with served_desk(tmp_path / "desk", **QUICK) as running:
        yield running


def breaking(monkeypatch, when, error, *, after: bool):
    """Let the first settle_and_claim for which `when(result, settlements)` is true raise `error`."""
    real = Store.settle_and_claim
    broken = []

    async def settle_and_claim(self, settlements, wants, *, now):
        if not after and not broken and when(None, settlements):
            broken.append(True)
            raise error
        result = await real(self, settlements, wants, now=now)
        if after and not broken and when(result, settlements):
            broken.append(True)
            raise error
        return result

    monkeypatch.setattr(Store, "settle_and_claim", settle_and_claim)
    return broken


async def test_claims_of_a_commit_whose_answer_was_lost_are_taken_up(desk, endpoint, monkeypatch):
    delivery = await set_up_delivery(desk, endpoint.url)
    lost = StoreUnavailable("the connection was lost while committing")
    broken = breaking(monkeypatch, lambda result, _: result.claimed, lost, after=True)
    ids = await post_many(delivery, 20)
    await counted(desk, delivered=20)
    assert broken
    assert Counter(ids_seen(endpoint)) == Counter(ids), "what was claimed and never sent is sent once"


async def test_results_of_a_commit_whose_answer_was_lost_are_not_sent_again(desk, endpoint, monkeypatch):
    delivery = await set_up_delivery(desk, endpoint.url)
    lost = StoreUnavailable("the connection was lost while committing")
    broken = breaking(monkeypatch, lambda _, settlements: settlements, lost, after=True)
    ids = await post_many(delivery, 20)
    await counted(desk, delivered=20)
    assert broken
    assert Counter(ids_seen(endpoint)) == Counter(ids)


async def test_result_that_cannot_be_stored_costs_its_answer_only(desk, endpoint, monkeypatch):
    delivery = await set_up_delivery(desk, endpoint.url)
    real = Store.settle_and_claim

    async def settle_and_claim(self, settlements, wants, *, now):
        if any(s.exchange is not None and b"poison" in s.exchange.response_body for s in settlements):
            raise ValueError("this cannot be stored")
        return await real(self, settlements, wants, now=now)

    monkeypatch.setattr(Store, "settle_and_claim", settle_and_claim)
    endpoint.answer(422, json={"message": "poison"})
    (poisoned,) = await post_many(delivery, 1)
    await counted(desk, failed=1)
    endpoint.answer(200)
    await post_many(delivery, 10, start=1)
    await counted(desk, delivered=10, failed=1)
    async with desk.client() as client:
        (attempt,) = (await client.record(poisoned)).attempts
        assert "could not store the answer" in attempt.error
        assert len((await client.problems_list()).items) == 1


async def test_delivery_loop_that_dies_starts_again_and_leaves_nothing_in_sending(
    desk, endpoint, monkeypatch
):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.script(hold(), hold(), hold())
    ids = await post_many(delivery, 3)
    await endpoint.wait_for(3)
    broken = breaking(monkeypatch, lambda *_: True, RuntimeError("a fault of ours"), after=False)
    ids += await post_many(delivery, 5, start=3)
    await counted(desk, delivered=8, sending=0)
    assert broken
    assert set(ids_seen(endpoint)) == set(ids)
    endpoint.release()


async def test_pause_gives_back_claims_that_wait_for_a_slot(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url, concurrency=2)
    endpoint.behave(hold())
    await post_many(delivery, 8)
    await endpoint.wait_for(2)
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id)
        await counted(desk, sending=2, held=6)
        endpoint.release()
        await counted(desk, delivered=2, held=6)
        assert len(endpoint.requests) == 2
        await client.integration_resume(delivery.integration_id)
    await counted(desk, delivered=8, held=0)
    assert len(endpoint.requests) == 8


async def test_pause_and_resume_with_thousands_held_while_accepting_goes_on(desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url, concurrency=64)
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id)
        ids = await post_many(delivery, 1000)
        await counted(desk, held=1000)
        await client.integration_resume(delivery.integration_id)
        for number in range(4):
            ids += await post_many(delivery, 25, start=10_000 + 100 * number)
            if number % 2 == 0:
                await client.integration_pause(delivery.integration_id)
            else:
                await client.integration_resume(delivery.integration_id)
    await counted(desk, delivered=1100, held=0)
    assert Counter(ids_seen(endpoint)) == Counter(ids)


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a lock for long."""
    monkeypatch.setitem(Store.open.__func__.__kwdefaults__, "busy_timeout_s", 0.2)


async def test_locked_database_keeps_results_waiting_and_recovers(impatient, desk, endpoint):
    delivery = await set_up_delivery(desk, endpoint.url)
    endpoint.behave(hold())
    ids = await post_many(delivery, 10)
    await endpoint.wait_for(10)
    (file,) = (desk.folder / "data").glob("*.db")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        endpoint.release()
        async with aiohttp.ClientSession() as http:

            async def not_ready():
                async with http.get(f"{desk.url}/readyz") as answer:
                    return answer.status == 503

            await until(not_ready)
            async with http.post(
                delivery.url, headers=delivery.headers, data=body_of(delivery, {})
            ) as answer:
                assert answer.status == 503
        other.execute("ROLLBACK")
    await counted(desk, delivered=10)
    assert Counter(ids_seen(endpoint)) == Counter(ids), "nothing was sent again, and nothing half stored"
    await post_many(delivery, 1)
    await counted(desk, delivered=11)


async def test_stop_with_a_stuck_endpoint_ends_within_the_grace_and_loses_nothing(
    tmp_path, endpoint, monkeypatch
):
    monkeypatch.setattr(main, "GRACE_S", 0.3)
    settings = QUICK | {"HEALTHDESK_DELIVERY__TIMEOUT": "1d"}
    folder = tmp_path / "desk"
    # It ends although neither the endpoint nor the attempt's deadline, a day away, lets go.
    async with asyncio.timeout(PATIENT_S), served_desk(folder, **settings) as desk:
        delivery = await set_up_delivery(desk, endpoint.url, concurrency=2)
        endpoint.behave(hold())
        ids = await post_many(delivery, 6)
        await endpoint.wait_for(2)
    endpoint.answer(200)
    async with served_desk(folder, **settings) as desk:
        await counted(desk, delivered=6)
        async with desk.client() as client:
            outcomes = [[a.outcome.value for a in (await client.record(i)).attempts] for i in ids]
    assert sum("interrupted" in each for each in outcomes) >= 2
    assert all(each[-1] == "delivered" for each in outcomes)
    assert max(Counter(ids_seen(endpoint)).values()) <= 2


CAPPED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from healthdesk.daemon.main import run
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
signal.signal(signal.SIGUSR1, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard)))
signal.signal(signal.SIGUSR2, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))
sys.exit(run())
"""


async def test_full_disk_answers_503_stores_nothing_by_halves_and_recovers(tmp_path, endpoint):
    """No byte can be added to any file of the daemon: to SQLite that is a full disk."""
    desk = Desk(tmp_path / "desk", "", QUICK)
    desk.prepare()
    nowhere = subprocess.DEVNULL
    desk.process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        [sys.executable, "-c", CAPPED], env=desk.environ(), stdin=nowhere, stdout=nowhere, stderr=nowhere
    )
    try:
        await desk.ready()
        delivery = await set_up_delivery(desk, endpoint.url)
        ids = await post_many(delivery, 5)
        await counted(desk, delivered=5)
        desk.process.send_signal(signal.SIGUSR1)
        async with aiohttp.ClientSession() as http:
            for number in range(5):
                async with http.post(
                    delivery.url, headers=delivery.headers, data=body_of(delivery, {"n": number})
                ) as answer:
                    assert answer.status == 503, await answer.text()

            async def not_ready():
                async with http.get(f"{desk.url}/readyz") as answer:
                    return answer.status == 503

            await until(not_ready)
        desk.process.send_signal(signal.SIGUSR2)
        ids += await post_many(delivery, 5)
        await counted(desk, delivered=10)
        async with desk.client() as client:
            assert (await client.records_count()).total == 10
        assert Counter(ids_seen(endpoint)) == Counter(ids)
    finally:
        desk.end()
