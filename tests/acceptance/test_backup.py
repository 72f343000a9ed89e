"""A desk at work is backed up and goes on from the backup elsewhere: from SQLite to PostgreSQL, and back again."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import aiohttp
import pytest

from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import RecordState
from healthdesk.host.lock import DaemonLock
from healthdesk.testing import FakeEndpoint
from tests.harness.cli import Ran, Shell
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.postgres import running_postgres
from tests.harness.serving import served_desk, until

RECORD = {
    "source": "heart-health",
    "level": "low",
    "completed_at": "2026-11-23T10:00:00Z",
    "data": {"score": 7},
}


async def run(desk: Desk, words: str) -> Ran:
    return await asyncio.to_thread(Shell(desk), words)


async def restored(patch: pytest.MonkeyPatch, desk: Desk, file: Path) -> Ran:
    """Restore as on the host of a desk."""
    with patch.context() as host:
        for name, value in desk.environ().items():
            if name.startswith("HEALTHDESK_"):
                host.setenv(name, value)
        return await run(desk, f"restore {file} --json")


async def post(delivery, number: int) -> None:
    async with aiohttp.ClientSession(headers=delivery.headers) as http:
        for _ in range(number):
            async with http.post(delivery.url, json=RECORD) as answer:
                assert answer.status == 202


async def counted(client, state: RecordState, number: int) -> bool:
    return (await client.records_count(RecordFilter(states=[state]))).total == number


async def test_a_desk_goes_on_from_its_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, later = tmp_path / "desk.backup.gz", tmp_path / "later.backup.gz"
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder)) as url:
        async with FakeEndpoint() as endpoint:
            async with served_desk(tmp_path / "one") as first:
                delivery = await set_up_delivery(first, endpoint.url)
                await post(delivery, 3)
                async with first.client() as client:
                    await until(lambda: counted(client, RecordState.DELIVERED, 3))
                    endpoint.answer(422)
                    await post(delivery, 2)
                    await until(lambda: counted(client, RecordState.FAILED, 2))
                done = await run(first, f"backup {file} --json")
                assert done.json["records"] == 5, done.err
                assert file.stat().st_mode & 0o077 == 0
                again = await run(first, f"backup {file}")
                assert (again.code, "--overwrite" in again.err) == (2, True)

            second, third = Desk(tmp_path / "two", url), Desk(tmp_path / "three")
            for desk in (second, third):
                desk.prepare()
                shutil.copy(first.folder / "key", desk.folder / "key")
            moved = await restored(monkeypatch, second, file)
            assert (moved.json["records"], moved.json["balanced"], moved.json["key_opens"]) == (5, True, True)
            endpoint.answer(200)
            async with served_desk(second.folder, url) as going_on, going_on.client() as client:
                for record in (await client.records_list(RecordFilter(states=[RecordState.FAILED]))).items:
                    await client.record_resend(record.id, new_webhook_id=False)
                await until(lambda: counted(client, RecordState.DELIVERED, 5))
                assert (await client.ledger()).balanced
                assert (await run(going_on, f"backup {later}")).code == 0

            with DaemonLock(third.folder / "data"):
                running = await restored(monkeypatch, third, later)
            assert (running.code, "another daemon" in running.err) == (1, True)
            back = await restored(monkeypatch, third, later)
            assert (back.json["records"], back.json["balanced"]) == (5, True)
            over = await restored(monkeypatch, third, later)
            assert (over.code, "in use" in over.err) == (1, True)
