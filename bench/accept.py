"""Accepting records durably, against a bare aiohttp handler that only reads the body."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from tests.harness.desk import set_up_delivery, temporary_desk

from bench.figures import Figure
from bench.processes import baseline, pause
from bench.wire import closed_loop, request

CONNECTIONS = 64
ROUNDS = 3
SECONDS = 3.0


def record_requests(
    path: str, source: str, headers: dict[str, str], count: int
) -> Callable[[], Iterator[bytes]]:
    """Return what gives each connection its requests, `count` for all of them together."""
    left = count

    def requests() -> Iterator[bytes]:
        nonlocal left
        while left > 0:
            left -= 1
            yield request(path, "bench", record_body(source, left), headers)

    return requests


def record_body(source: str, number: int) -> bytes:
    """Return a record of 1 KiB."""
    head = (
        b'{"source": "%s", "level": "low", "completed_at": "2026-11-22T14:02:00Z", "data": {"participant": "p-%d", "notes": "'
        % (
            source.encode(),
            number,
        )
    )
    tail = b'"}}'
    return head + b"x" * (1024 - len(head) - len(tail)) + tail


async def accept() -> list[Figure]:
    """Alternate rounds of both and compare the medians."""
    ours: list[float] = []
    bare: list[float] = []
    async with temporary_desk() as desk, baseline("handler") as (bare_port, _):
        delivery = await set_up_delivery(desk, "http://127.0.0.1:9")
        await pause(desk, delivery)
        path = f"/v1/records/{delivery.integration_id}"

        def messages() -> Iterator[bytes]:
            message = request(path, "bench", record_body(delivery.source, 1), delivery.headers)
            while True:
                yield message

        for round_number in range(ROUNDS + 1):
            for rates, port in ((ours, desk.port), (bare, bare_port)):
                statuses = await closed_loop(port, messages, CONNECTIONS, SECONDS)
                assert set(statuses) == {202}, statuses
                if round_number:
                    rates.append(statuses[202] / SECONDS)
        async with desk.client() as client:
            ledger = await client.ledger()
        assert ledger.balanced
    value, base = statistics.median(ours), statistics.median(bare)
    spread = f"{ROUNDS} rounds of {SECONDS:.0f} s each, {min(ours):,.0f}–{max(ours):,.0f} against {min(bare):,.0f}–{max(bare):,.0f}"
    return [
        Figure("accept durably", value, base, "records/s", "ratio ≥ 0.75", value >= 0.75 * base, spread),
    ]
