"""Baseline processes, started and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.harness.desk import Delivery, Desk


@contextlib.asynccontextmanager
async def baseline(*args: str) -> AsyncIterator[tuple[int, int]]:
    """Run `python -m bench.bare …` and yield the port it printed and its process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", *args, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline()), process.pid
    finally:
        process.kill()
        await process.wait()


async def output_of(*args: str) -> float:
    """Run `python -m bench.bare …` to its end and return the number it printed first."""
    return (await outputs_of(*args))[0]


async def outputs_of(*args: str) -> list[float]:
    """Run `python -m bench.bare …` to its end and return the numbers it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", *args, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return [float(each) for each in out.split()]


def resident_mib(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def cpu_s(pid: int) -> float:
    """Return the processor time that a process took so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def pause(desk: Desk, delivery: Delivery) -> None:
    """Hold what is accepted, so that only accepting is measured."""
    async with desk.client() as client:
        await client.integration_pause(delivery.integration_id)
