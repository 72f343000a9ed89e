"""Delivering with intent and result committed, against a bare aiohttp client loop to the same sink."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from tests.harness.desk import Desk, set_up_delivery

from bench.accept import record_requests
from bench.figures import Figure
from bench.processes import output_of, pause
from bench.wire import closed_loop, sink

COUNT = 12_000
ROUNDS = 3


async def _deliver_once(port_seen: tuple[int, list[float]]) -> float:
    """Accept COUNT records on hold, resume, and return records per second as the sink saw them."""
    port, seen = port_seen
    with tempfile.TemporaryDirectory(prefix="healthdesk-bench-") as folder:
        async with Desk(Path(folder)) as desk:
            delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}", concurrency=64)
            await pause(desk, delivery)
            messages = record_requests(
                f"/v1/records/{delivery.integration_id}", delivery.source, delivery.headers, COUNT
            )

            statuses = await closed_loop(desk.port, messages, 64, 600.0)
            assert statuses == {202: COUNT}, statuses
            # The first tenth is left out below: releasing what was held is over by then.
            async with desk.client() as client:
                await client.integration_resume(delivery.integration_id)
                while len(seen) < COUNT:
                    await asyncio.sleep(0.05)
                while (await client.ledger()).rows[0].states.get("delivered", 0) < COUNT:
                    await asyncio.sleep(0.05)
    steady = sorted(seen)[COUNT // 10 :]
    return (len(steady) - 1) / (steady[-1] - steady[0])


async def deliver() -> list[Figure]:
    """Alternate rounds of both and compare the medians."""
    ours: list[float] = []
    bare: list[float] = []
    seen: list[float] = []
    async with sink(lambda now, _: seen.append(now)) as port:
        for _ in range(ROUNDS):
            bare.append(await output_of("loop", str(port), str(COUNT)))
            seen.clear()
            ours.append(await _deliver_once((port, seen)))
            seen.clear()
    value, base = statistics.median(ours), statistics.median(bare)
    note = f"{ROUNDS} rounds of {COUNT:,}, {min(ours):,.0f}–{max(ours):,.0f} against {min(bare):,.0f}–{max(bare):,.0f}"
    return [Figure("deliver", value, base, "records/s", "ratio ≥ 0.5", value >= 0.5 * base, note)]
