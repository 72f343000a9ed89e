"""The whole daemon under a service manager: told when it accepts, that it lives, and when it stops."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from tests.harness.serving import served_desk


async def test_systemd_hears_ready_once_both_listeners_accept_then_life_then_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
        channel.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")

        async def told() -> str:
            async with asyncio.timeout(30):
                return (await loop.sock_recv(channel, 100)).decode()

        folder = tmp_path / "desk"
        folder.mkdir()
        async with served_desk(folder, HEALTHDESK_ALERTS__ENABLED="false") as desk:
            heard = [await told()]
            while heard[-1] != "READY=1":
                heard.append(await told())
            assert set(heard[:-1]) <= {"WATCHDOG=1"}
            async with aiohttp.ClientSession() as http, http.get(f"{desk.url}/readyz") as answer:
                assert answer.status == 200
            async with desk.client() as client:
                assert (await client.status()).writable
            assert [await told() for _ in range(3)] == ["WATCHDOG=1"] * 3
        rest = []
        while rest[-1:] != ["STOPPING=1"]:
            rest.append(await told())
        assert set(rest[:-1]) <= {"WATCHDOG=1"}
