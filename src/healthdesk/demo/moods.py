"""The living demo's weather: faults come and go by themselves, and a repair buys a calm spell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

CALM_S = 180.0
"""How long everything behaves after it was repaired."""


async def live(break_again: Callable[[], None], repaired: asyncio.Event) -> None:
    """Call `break_again` some time after each repair."""
    while True:
        await repaired.wait()
        repaired.clear()
        await asyncio.sleep(CALM_S)
        if not repaired.is_set():
            break_again()
