"""The living demo's weather: faults come and go by themselves, and a repair buys a calm spell."""

from __future__ import annotations

import asyncio

from healthdesk.demo.faults import Misbehaviour

CALM_S = 180.0
"""How long the CRM behaves after it was repaired."""


async def live(mood: Misbehaviour, repaired: asyncio.Event) -> None:
    """Break the CRM again, some time after each repair."""
    while True:
        await repaired.wait()
        repaired.clear()
        await asyncio.sleep(CALM_S)
        if not repaired.is_set():
            mood.break_again()
