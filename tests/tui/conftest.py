"""What the tests of the screen share."""

from __future__ import annotations

import asyncio

import pytest


async def nothing_left_to_do(*_seconds: float) -> None:
    """Return once nothing is left that the event loop could run now: no message, no worker, no wake-up.

    Nothing here waits for a network or a disk, so what is not ready waits for the test or for a timer.
    """
    ready = asyncio.get_running_loop()._ready
    while ready:  # noqa: ASYNC110 - what is ready is anything, no event tells of it
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _idle_is_seen_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own measure of idle is 20 ms of little CPU, once or twice a key: slow, and a guess on a busy machine."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", nothing_left_to_do)
