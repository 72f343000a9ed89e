"""Daemons that share one PostgreSQL: nothing twice while nobody dies, nothing lost when one does."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import asyncpg
import pytest
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.postgres import new_database, postgres_server
from tests.harness.serving import served_desk, until
from tests.integration.engine_desk import QUICK, body_of, counted, ids_seen, post_many

from healthdesk.domain.states import AlertState, RecordState
from healthdesk.engine import engine as engine_module
from healthdesk.engine import holds, janitor
from healthdesk.engine.deliver import Deliverer
from healthdesk.engine.engine import Engine
from healthdesk.errors import StoreUnavailable
from healthdesk.store.database import Store
from healthdesk.testing import FakeEndpoint, hold, reply
from healthdesk.vault import create_key_file

pytestmark = pytest.mark.xdist_group("postgres-engine")

PATIENT_S = 60.0


@pytest.fixture(scope="module")
def server():
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with TemporaryDirectory(prefix="healthdesk-engine-") as folder, postgres_server(Path(folder)) as running:
        yield running


@pytest.fixture
def database(server) -> str:
    return new_database(server.get_uri(), server.psql)


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as running:
        yield running


@dataclass
class Beats:
    """How often the janitor of each daemon in this process looked round, by daemon id."""

    done: Counter[str] = field(default_factory=Counter)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def whole_round(self, of_daemons: int) -> None:
        """Wait until so many daemons have begun and ended a beat since this was called."""
        before = self.done.copy()
        async with asyncio.timeout(PATIENT_S):
            # The first to end may have begun before.
            while sum(self.done[each] - before[each] >= 2 for each in self.done) < of_daemons:
                self.heard.clear()
                await self.heard.wait()


@pytest.fixture
def beats(monkeypatch):
    """Leases are looked at often, and each look is counted."""
    counted_here, beat = Beats(), janitor.Janitor._beat

    async def counting(self, stop):
        await beat(self, stop)
        counted_here.done[self._ctx.daemon_id] += 1
        counted_here.heard.set()

    monkeypatch.setattr(janitor, "BEAT_S", 0.1)
    monkeypatch.setattr(janitor.Janitor, "_beat", counting)
    return counted_here


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


async def test_daemons_share_what_an_integration_allows_and_take_over_what_is_left(
    tmp_path, database, endpoint, beats
):
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(daemons(tmp_path, database, 1))
        endpoint.behave(hold())
        delivery = await set_up_delivery(first[0], endpoint.url, concurrency=3)
        second = await stack.enter_async_context(served_desk(beside(tmp_path, "b"), database, **QUICK))
        await beats.whole_round(2)
        ids = await post_many(delivery, 20, url_at(second, delivery))
        await endpoint.wait_for(3)
        await beats.whole_round(2)  # each has looked for due work since, and found no slot
        assert len(endpoint.requests) == 3
        endpoint.release()
        await counted(second, delivered=20)
    assert sorted(ids_seen(endpoint)) == sorted(ids)


async def test_daemons_with_another_key_or_a_broken_loop_leave_the_work_to_the_one_that_can(
    tmp_path, database, endpoint, beats, monkeypatch
):
    """With one slot in all, a daemon that cannot use it must not own it, nor hold what others may send."""
    monkeypatch.setattr(engine_module, "TURNS_WITHIN_S", 1.5)
    turn, broken = Deliverer._turn, set()

    async def turning(self):
        if self._ctx.daemon_id in broken:
            raise RuntimeError("a fault of ours")
        await turn(self)

    monkeypatch.setattr(Deliverer, "_turn", turning)
    async with contextlib.AsyncExitStack() as stack:
        (able,) = await stack.enter_async_context(daemons(tmp_path, database, 1))
        delivery = await set_up_delivery(able, endpoint.url, token="a-token-1234567890", concurrency=1)
        await beats.whole_round(1)
        (able_id,) = beats.done
        (tmp_path / "other").mkdir()
        create_key_file(tmp_path / "other" / "key")
        other = await stack.enter_async_context(served_desk(tmp_path / "other", database, **QUICK))
        await stack.enter_async_context(served_desk(beside(tmp_path, "c"), database, **QUICK))
        await beats.whole_round(3)
        broken.update(set(beats.done) - {able_id})
        ids = []
        for n in range(4):
            ids += await post_many(delivery, 3, url_at(other, delivery), 10 * n)
            await counted(able, delivered=3 * (n + 1), held=0)
            await beats.whole_round(3)
    assert sorted(ids_seen(endpoint)) == sorted(ids)


async def test_three_daemons_deliver_each_record_once_and_tell_of_one_problem_once(
    tmp_path, database, endpoint, beats
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

        async def told(count):
            """The kinds of messages so far, once so many arrived and the outbox has nothing left to send."""

            async def so_many():
                alerts = (await client.alerts_list()).items
                return len(alerts) >= count and all(alert.state is AlertState.SENT for alert in alerts)

            async with desks[1].client() as client:
                await until(so_many)
                assert [alert.tries for alert in (await client.alerts_list()).items] == [1] * count
            return [request.json()["type"] for request in endpoint.requests if request.path == "/alerts"]

        assert await told(1) == ["failure"]
        async with desks[1].client() as client:
            problems = (await client.problems_list()).items
            assert [problem.count for problem in problems] == [60]
            endpoint.answer(200)
            failed = [record.id for record in (await client.records_list(limit=100)).items if record.tries][
                :60
            ]
            await client.records_resend(failed)
        await counted(desks[0], delivered=240, failed=0)

        assert await told(2) == ["failure", "success"], (
            "one opening, one recovery, whoever of the three sent them"
        )

        endpoint.answer(422, json={"message": "birth_date is required"})
        await post_many(delivery, 1, url_at(desks[2], delivery), 2000)
        await counted(desks[0], failed=1)
        await beats.whole_round(3)
        assert await told(3) == ["failure", "success", "failure"], "nor did any of them tell it later"


async def test_change_on_one_daemon_is_told_to_the_other_which_need_not_look_for_it(
    tmp_path, database, endpoint, monkeypatch
):
    monkeypatch.setattr(
        holds, "PASS_S", 86400.0
    )  # looking for changes by itself comes too late for this test
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
        posted = 1
        async with other.client() as client:

            async def held():
                nonlocal posted
                (record_id,) = await post_many(delivery, 1, url_at(other, delivery))
                posted += 1
                return (await client.record(record_id)).state is RecordState.HELD  # from the start, if at all

            await until(held)
            await client.integration_resume(delivery.integration_id)
        await counted(one, delivered=posted, held=0)
        assert len(ids_seen(endpoint)) == len(set(ids_seen(endpoint))) == posted


async def asked(database: str, query: str):
    """Return the one value a query gives, asked beside the daemons."""
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


LAST_TO_START = "(SELECT id FROM daemons ORDER BY started_at DESC LIMIT 1)"
ITS_LEASE = f"SELECT lease_until FROM daemons WHERE id = {LAST_TO_START}"
ITS_ATTEMPTS = f"SELECT count(*) FROM attempts WHERE daemon_id = {LAST_TO_START}"


async def test_daemon_that_stops_keeps_its_lease_while_attempts_are_under_way(
    tmp_path, database, endpoint, beats, monkeypatch
):
    stopping, stop = asyncio.Event(), Engine.stop

    async def stop_is_seen(self, grace_s):
        stopping.set()
        await stop(self, grace_s)

    async with served_desk(beside(tmp_path, "a"), database, **QUICK) as one:
        delivery = await set_up_delivery(one, endpoint.url)
        endpoint.behave(hold())
        ids: list[str] = []

        async def second() -> None:
            async with served_desk(beside(tmp_path, "b"), database, **QUICK) as leaving:
                while not await asked(database, ITS_ATTEMPTS):  # the other may be quicker
                    ids.extend(await post_many(delivery, 1, url_at(leaving, delivery)))
                    await endpoint.wait_for(len(ids))
                monkeypatch.setattr(Engine, "stop", stop_is_seen)

        task = asyncio.create_task(second())
        await stopping.wait()
        lease = await asked(database, ITS_LEASE)
        await beats.whole_round(2)
        assert len(endpoint.requests) == len(ids), "nobody takes over what is still under way"
        assert await asked(database, ITS_LEASE) > lease, "it renews its lease while it stops"
        endpoint.release()
        await task
        await counted(one, delivered=len(ids))
        assert ids_seen(endpoint) == ids


async def test_what_a_killed_daemon_was_sending_is_sent_by_the_other_once_the_lease_ran_out(
    tmp_path, database, endpoint, server, beats
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
            await endpoint.wait_for(16)  # both daemons have what they may have of the concurrency

            async def its_attempts():
                return await asked(database, ITS_ATTEMPTS)

            await until(its_attempts)
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
    tmp_path, database, endpoint, server, monkeypatch
):
    settle_and_claim, refused = Store.settle_and_claim, asyncio.Queue()

    async def refusals_are_seen(self, settlements, wants, *, now):
        try:
            return await settle_and_claim(self, settlements, wants, now=now)
        except StoreUnavailable:
            if settlements:
                refused.put_nowait(len(settlements))
            raise

    monkeypatch.setattr(Store, "settle_and_claim", refusals_are_seen)
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
        async with asyncio.timeout(PATIENT_S):
            while await refused.get() < 10:  # all ten results were offered to the database, and not taken
                pass
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
        async with desk.client() as client:
            rows = (await client.records_list(limit=50)).items
        told = sorted(row.error for row in rows if row.state is RecordState.FAILED)
        assert told == [
            "The endpoint refused the record (422 Unprocessable Entity)",
            "a b : required",
            "half a pair here",
            "nul inside",
            "x",
        ]
