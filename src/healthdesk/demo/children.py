"""The demo's processes: the world and the daemon, both ended by the end of a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

START_S = 30.0
END_S = 15.0


class DemoFailed(Exception):
    """The demo cannot go on; the sentence says why."""


@contextlib.asynccontextmanager
async def child(
    module: str, *arguments: str, log: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a module of healthdesk in a session of its own; at the end of the block its pipe ends, and so does it."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=dict(os.environ if environ is None else environ),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def first_line(process: asyncio.subprocess.Process, what: str, log: Path) -> dict[str, Any]:
    """Return the JSON object a child prints first, or raise DemoFailed with the end of its log."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        answer: dict[str, Any] = json.loads(line)
    except (TimeoutError, ValueError):
        raise DemoFailed(f"{what} did not start: {tail(log)}") from None
    return answer


def tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log file."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(text.strip().splitlines()[-lines:]) or "it said nothing"


async def order(process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
    """Send a child one JSON line."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    await process.stdin.drain()


async def keep(keeper: asyncio.subprocess.Process) -> None:
    """Tell a keeper that what it runs came up, and is to be started again when it dies."""
    assert keeper.stdin is not None
    keeper.stdin.write(b"\n")
    await keeper.stdin.drain()


def daemon_command(config: Path) -> Sequence[str]:
    """Return the command that runs the demo's daemon."""
    return (sys.executable, "-m", "healthdesk", "daemon", "--config", str(config))
