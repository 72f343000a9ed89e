"""The whole daemon under a service manager: told when it accepts, that it lives, and when it stops."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from tests.harness.serving import served_desk, until

from healthdesk.daemon.sdnotify import ServiceManager


async def hears(it: bool) -> bool:
    return it


async def test_systemd_hears_ready_once_both_listeners_accept_then_life_then_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
        channel.bind(str(tmp_path / "notify"))
        loop.add_reader(channel, lambda: heard.append(channel.recv(100).decode()))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        folder = tmp_path / "desk"
        folder.mkdir()
        async with served_desk(folder, HEALTHDESK_ALERTS__ENABLED="false") as desk:
            await until(lambda: hears("READY=1" in heard))
            async with aiohttp.ClientSession() as http, http.get(f"{desk.url}/readyz") as answer:
                assert answer.status == 200
            async with desk.client() as client:
                assert (await client.status()).writable
            lived = len(heard)
            await until(lambda: hears(len(heard) > lived + 3))
        await until(lambda: hears("STOPPING=1" in heard))
        loop.remove_reader(channel)
    assert [state for state in heard if state != "WATCHDOG=1"] == ["READY=1", "STOPPING=1"]


def test_a_service_manager_that_reads_nothing_is_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthdesk.daemon.sdnotify.PATIENCE_S", 0.01)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        while not caplog.messages:
            manager.tell("WATCHDOG=1")
        manager.tell("STOPPING=1")
    assert "WATCHDOG=1" in caplog.messages[0]
    assert "STOPPING=1" in caplog.messages[1]
