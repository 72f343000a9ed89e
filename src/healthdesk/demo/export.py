"""The nightly export, a job that cannot be called: it pings the desk, until it stops."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from healthdesk.demo.apps import Apps

EVERY_S = 50.0
LOOK_S = 0.5


class Export:
    """Pings now and again while it is not broken."""

    def __init__(self, url: str, apps: Apps) -> None:
        self.pings = 0
        self._url = url
        self._apps = apps
        self._due = 0.0

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Ping until cancelled; what the desk did not take is sent again."""
        while True:
            await self.turn(http)
            await asyncio.sleep(LOOK_S)

    async def turn(self, http: aiohttp.ClientSession) -> None:
        """Ping if it is time; a job that was repaired pings at once."""
        if self._apps.broken("export"):
            self._due = 0.0
        elif time.monotonic() >= self._due and await self._ping(http):
            self._due = time.monotonic() + EVERY_S

    async def _ping(self, http: aiohttp.ClientSession) -> bool:
        try:
            for path, said in (("/start", b""), ("", b"4,312 rows exported")):
                async with http.post(self._url + path, data=said) as answer:
                    if answer.status != 200:
                        return False
        except (aiohttp.ClientError, TimeoutError):
            return False
        self.pings += 1
        return True
