"""Reading a public request's body within its limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from healthdesk.errors import Malformed, Overloaded, TooLarge

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 30.0

MOST_UNDER_WAY = 64 * 1_048_576
"""Bytes of bodies that a route keeps at once, from their coming to their answer."""

FEWEST_LARGEST = 4
"""The largest bodies that fit in any case."""


class Share:
    """The bytes of one request's body."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self.held = 0

    def take(self, count: int) -> None:
        """Hold more bytes, or raise Overloaded."""
        self._budget.take(count)
        self.held += count


class BodyBudget:
    """How much of bodies a route keeps at once. What counts is what came, not what was announced."""

    def __init__(self, largest_bytes: int) -> None:
        self._left = max(MOST_UNDER_WAY, FEWEST_LARGEST * largest_bytes)

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Yield the share of a request, which is free again once that is answered."""
        share = Share(self)
        try:
            yield share
        finally:
            self._left += share.held

    def take(self, count: int) -> None:
        """Count bytes, or raise Overloaded."""
        if count > self._left:
            raise Overloaded(
                "too many bodies are under way at once",
                fix="Send it again after the time that Retry-After names.",
            )
        self._left -= count


class HungUp(ConnectionError):
    """The caller is gone before its body was whole: nobody is left to answer, and nothing failed here."""


def unread() -> web.Response:
    """Return what a handler returns where nobody is left to read it; aiohttp drops it."""
    return web.Response(status=400)


async def read_body(request: web.Request, most_bytes: int, share: Share | None = None) -> bytes:
    """Return the whole body.

    Raises TooLarge by what was announced or by what came, before it is kept, Malformed for broken framing and a
    body that takes too long, HungUp, and Overloaded where `share` has no room.
    """
    announced = request.content_length
    if announced is not None and announced > most_bytes:
        raise too_large(most_bytes)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await _whole(request, most_bytes, share)
    except web.RequestPayloadError:
        raise Malformed("the body is not well-formed HTTP", fix="send the whole body") from None
    except ConnectionError:
        log.debug("%s hung up before its body was whole", request.remote)
        raise HungUp from None
    except TimeoutError:
        raise Malformed(
            f"the body did not arrive within {READ_TIMEOUT_S:.0f} s", fix="send it again"
        ) from None


async def _whole(request: web.Request, most_bytes: int, share: Share | None) -> bytes:
    body = bytearray()
    while chunk := await request.content.readany():
        if len(body) + len(chunk) > most_bytes:
            raise too_large(most_bytes)
        if share is not None:
            share.take(len(chunk))
        body += chunk
    return bytes(body)


def too_large(most_bytes: int) -> TooLarge:
    """Return the error for a body over the limit."""
    return TooLarge(
        f"the body is larger than {most_bytes} bytes",
        fix="send less, or ask for a higher `max_body_bytes` in [security] of the desk's config.toml",
    )
