"""A desk at work is backed up, dies, and goes on from the backup on another host, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import RecordState
from healthdesk.testing import FakeEndpoint
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.postgres import running_postgres
from tests.harness.serving import until

RECORD = {
    "source": "heart-health",
    "level": "low",
    "completed_at": "2026-11-23T10:00:00Z",
    "data": {"score": 7},
}


@contextlib.contextmanager
def databases(kind: str):
    """Two databases that nobody else uses."""
    if kind == "sqlite":
        yield "", ""
        return
    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder)) as url:
        base, _, query = url.partition("?")
        yield url, f"{base.rpartition('/')[0]}/postgres?{query}"


async def run(desk: Desk, *words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "healthdesk", *words],
        env=desk.environ(),
        capture_output=True,
        text=True,
        check=False,
    )


@contextlib.asynccontextmanager
async def ended(*desks: Desk) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for desk in desks:
            desk.end()


async def post(delivery, number: int) -> None:
    async with aiohttp.ClientSession(headers=delivery.headers) as http:
        for _ in range(number):
            async with http.post(delivery.url, json=RECORD) as answer:
                assert answer.status == 202


async def totals(desk: Desk) -> dict[str, int]:
    async with desk.client() as client:
        ledger = await client.ledger()
    assert ledger.balanced
    return ledger.rows[0].states | {"accepted": ledger.rows[0].accepted}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_desk_goes_on_from_its_backup(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "desk.backup.gz"
    with databases(kind) as (url, other_url):
        first, second = Desk(tmp_path / "one", url), Desk(tmp_path / "two", other_url)
        async with FakeEndpoint() as endpoint, ended(first, second):
            await first.start()
            delivery = await set_up_delivery(first, endpoint.url)
            await post(delivery, 3)
            async with first.client() as client:
                await until(lambda: delivered(client, 3))
                endpoint.answer(422)
                await post(delivery, 2)
                await until(lambda: client_states(client, RecordState.FAILED, 2))
            done = await run(first, "backup", str(file), "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["records"] == 5
            again = await run(first, "backup", str(file))
            assert again.returncode == 2
            assert "--overwrite" in again.stderr
            first.kill()

            second.prepare()
            (second.folder / "key").write_bytes((first.folder / "key").read_bytes())
            restored = await run(second, "restore", str(file), "--json")
            assert restored.returncode == 0, restored.stderr
            said = json.loads(restored.stdout)
            assert (said["records"], said["balanced"], said["key_opens"]) == (5, True, True)
            endpoint.answer(200)
            await second.start()
            async with second.client() as client:
                for record in (await client.records_list(RecordFilter(states=[RecordState.FAILED]))).items:
                    await client.record_resend(record.id, new_webhook_id=False)
                await until(lambda: delivered(client, 5))
            assert await totals(second) == {
                **dict.fromkeys((state.value for state in RecordState), 0),
                "delivered": 5,
                "accepted": 5,
            }
            twice = await run(second, "restore", str(file))
            assert twice.returncode == 1
            assert "daemon" in twice.stderr
            second.kill()
            over = await run(second, "restore", str(file))
            assert over.returncode == 1
            assert "in use" in over.stderr


async def delivered(client, number: int) -> bool:
    return await client_states(client, RecordState.DELIVERED, number)


async def client_states(client, state: RecordState, number: int) -> bool:
    return (await client.records_count(RecordFilter(states=[state]))).total == number
