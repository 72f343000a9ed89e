"""Time from acceptance to first attempt at a fixed load, against a forwarder that keeps nothing."""

from __future__ import annotations

import asyncio
import time

import aiohttp
from tests.harness.desk import set_up_delivery, temporary_desk

from bench.figures import Figure
from bench.processes import baseline
from bench.wire import sink

RATE = 200
SECONDS = 15.0


def percentile(values: list[float], part: float) -> float:
    """Return the value that `part` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def _measure(url: str, headers: dict[str, str], source: str, arrivals: dict[str, float]) -> list[float]:
    """Post RATE records a second on schedule; return milliseconds from the 202 to the first attempt."""
    accepted: dict[str, float] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(number: int) -> None:
            name = f"marker-{number:08d}"
            body = (
                f'{{"source": "{source}", "level": "low", "completed_at": "2026-11-22T14:02:00Z", '
                f'"data": {{"marker": "{name}", "notes": "{"x" * 900}"}}}}'
            )
            async with session.post(url, data=body.encode(), headers=headers) as answer:
                assert answer.status == 202, await answer.text()
                await answer.read()
            accepted[name] = time.perf_counter()

        began = time.perf_counter()
        tasks = []
        for number in range(int(RATE * SECONDS)):
            delay = began + number / RATE - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            tasks.append(asyncio.create_task(post(number)))
        await asyncio.gather(*tasks)
        while len(arrivals) < len(accepted):
            await asyncio.sleep(0.05)
    # An attempt that arrives before the client has read its 202 took no time from acceptance.
    return [max(0.0, (arrivals[name] - at) * 1000) for name, at in accepted.items()]


async def latency() -> list[Figure]:
    """Measure the desk and the forwarder one after the other."""
    arrivals: dict[str, float] = {}

    def seen(now: float, message: bytes) -> None:
        at = message.find(b"marker-")
        arrivals.setdefault(message[at : at + 15].decode(), now)

    async with sink(seen) as port:
        async with baseline("forwarder", str(port)) as (bare_port, _):
            bare = await _measure(f"http://127.0.0.1:{bare_port}/v1/records/x", {}, "heart-health", arrivals)
        arrivals.clear()
        async with temporary_desk() as desk:
            delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}")
            ours = await _measure(delivery.url, delivery.headers, delivery.source, arrivals)
    p99 = percentile(ours, 0.99)
    return [
        Figure(
            "first attempt p50",
            percentile(ours, 0.5),
            percentile(bare, 0.5),
            "ms",
            note=f"{RATE} records/s for {SECONDS:.0f} s, from the 202 at the client to the first byte at the sink",
        ),
        Figure("first attempt p99", p99, percentile(bare, 0.99), "ms", "< 50 ms", p99 < 50),
    ]
