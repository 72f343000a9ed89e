"""Resident memory of the daemon, idle and after 100,000 records, against a bare aiohttp server."""

from __future__ import annotations

import asyncio

from tests.harness.desk import set_up_delivery, temporary_desk

from bench.accept import record_requests
from bench.figures import Figure
from bench.processes import baseline, resident_mib
from bench.wire import closed_loop, sink

COUNT = 100_000


async def memory() -> list[Figure]:
    """Accept and deliver COUNT records and look at the process before and after."""
    async with (
        baseline("handler") as (bare_port, bare_pid),
        sink(lambda *_: None) as port,
        temporary_desk() as desk,
    ):
        delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}", concurrency=64)
        assert desk.process is not None
        pid = desk.process.pid
        await asyncio.sleep(2)
        idle, bare_idle = resident_mib(pid), resident_mib(bare_pid)
        for target in (desk.port, bare_port):
            messages = record_requests(
                f"/v1/records/{delivery.integration_id}", delivery.source, delivery.headers, COUNT
            )

            statuses = await closed_loop(target, messages, 64, 1200.0)
            assert statuses == {202: COUNT}, statuses
        async with desk.client() as client:
            while (await client.ledger()).rows[0].states.get("delivered", 0) < COUNT:
                await asyncio.sleep(0.2)
        after, bare_after = resident_mib(pid), resident_mib(bare_pid)
    return [
        Figure("memory idle", idle, bare_idle, "MiB"),
        Figure("memory after 100,000 records", after, bare_after, "MiB"),
    ]
