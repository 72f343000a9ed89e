"""Lists of the API that are needed whole: read page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from healthdesk.api.common import Page

MOST = 500
"""The longest page there is."""


async def whole(read: Callable[..., Awaitable[Page[Any]]]) -> list[Any]:
    """Return everything in a list, in its order."""
    found: list[Any] = []
    after: str | None = None
    while True:
        page = await read(after=after, limit=MOST)
        found += page.items
        after = page.next
        if after is None:
            return found
