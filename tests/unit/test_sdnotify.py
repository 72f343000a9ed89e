"""What systemd is told, on a datagram socket as its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthdesk.daemon.sdnotify import ServiceManager
from healthdesk.testing import FakeClock


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket of the service manager, and how NOTIFY_SOCKET names it."""
    name = str(tmp_path / "n") if request.param == "path" else f"@healthdesk-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        channel.settimeout(10)
        yield name, channel


def test_a_state_is_one_datagram(listener: tuple[str, socket.socket]) -> None:
    name, channel = listener
    manager = ServiceManager({"NOTIFY_SOCKET": name})
    manager.tell("READY=1")
    manager.tell("STOPPING=1")
    assert [channel.recv(100), channel.recv(100)] == [b"READY=1", b"STOPPING=1"]


async def test_the_watchdog_is_told_twice_in_its_period(listener: tuple[str, socket.socket]) -> None:
    name, channel = listener
    clock = FakeClock()
    manager = ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
    assert manager.watchdog_s == 30
    keeping = asyncio.create_task(manager.keep_watchdog(clock))
    await clock.run_for(60)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    channel.setblocking(False)
    told = [channel.recv(100) for _ in range(5)]
    assert told == [b"WATCHDOG=1"] * 5, "at 0, 15, 30, 45 and 60 s"
    with pytest.raises(BlockingIOError):
        channel.recv(100)


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "soon"}])
async def test_without_systemd_nobody_is_told(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    manager = ServiceManager(environ)
    manager.tell("READY=1")
    await manager.keep_watchdog(FakeClock())
    assert caplog.text == ""


def test_a_manager_that_is_gone_is_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")
    assert "could not be told READY=1" in caplog.text
