"""The demo's own desk: a folder made by `init`, with delays short enough to watch, and a daemon that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from healthdesk.client.client import Client
from healthdesk.config import Config, load_config
from healthdesk.demo.children import DemoFailed, child, daemon_command, keep, tail
from healthdesk.errors import ClientError
from healthdesk.host.init import InitChoices, init_desk
from healthdesk.paths import paths_under

START_S = 60.0
PREFIX = "healthdesk-demo-"
DRAWS = 100
CHANCE = random.SystemRandom()
SHORT_DELAYS = """
# The demo's delays are short enough to watch; leave these out of a real desk.
[delivery]
schedule = ["0s", "1s", "2s", "3s", "4s"]
timeout = "2s"

[alerts]
schedule = ["0s", "1s", "2s", "4s", "8s"]

[heartbeat]
every = "15s"
"""


@contextlib.contextmanager
def demo_folder(directory: Path | None) -> Iterator[Path]:
    """Yield `directory`, or a temporary one that goes at the end of the block."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.absolute()
    else:
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
            yield Path(made)


def prepare(folder: Path) -> Config:
    """Make the desk in `folder`, or take the one that an earlier demo left there; return its configuration."""
    environ = clean_environment()
    file = paths_under(folder).config
    if not file.exists():
        choices = InitChoices(
            directory=folder,
            listen=f"127.0.0.1:{free_port()}",
            allow_private_networks=("127.0.0.0/8",),
        )
        init_desk(choices, environ)
        with file.open("a", encoding="utf-8") as config:
            config.write(SHORT_DELAYS)
    return load_config(file, environ)


@contextlib.asynccontextmanager
async def running_daemon(folder: Path, config: Config) -> AsyncIterator[None]:
    """Run the desk's daemon for the length of the block; one that dies after it answered is started again."""
    log = folder / "daemon.log"
    command = daemon_command(paths_under(folder).config)
    async with child("healthdesk.demo.keeper", *command, log=log, environ=clean_environment()) as process:
        try:
            async with asyncio.timeout(START_S):
                await _answers(config.operator.socket, process)
        except TimeoutError:
            raise DemoFailed(f"the daemon does not answer: {tail(log)}") from None
        if process.returncode is not None:
            raise DemoFailed(f"the daemon did not start: {tail(log)}")
        await keep(process)
        yield


async def _answers(socket_path: Path, process: asyncio.subprocess.Process) -> None:
    """Wait until the daemon answers on its socket, or ended."""
    async with Client(socket_path) as client:
        while process.returncode is None:
            try:
                await client.status()
            except ClientError:
                await asyncio.sleep(0.1)
            else:
                return


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of another desk."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HEALTHDESK_")}


def free_port(chance: random.Random = CHANCE) -> int:
    """Return a loopback port that is free now and that the kernel gives to no outgoing connection meanwhile.

    The kernel gives those from 32768 on. DemoFailed when one draw after the other is taken.
    """
    for _ in range(DRAWS):
        port = chance.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoFailed("no free port was found between 20000 and 32000; is something else using them all?")
