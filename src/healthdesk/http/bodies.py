"""Reading a public request's body within its limits."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from healthdesk.errors import Malformed, TooLarge

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 30.0


class HungUp(ConnectionError):
    """The caller is gone before its body was whole: nobody is left to answer, and nothing failed here."""


def unread() -> web.Response:
    """Return what a handler returns where nobody is left to read it; aiohttp drops it."""
    return web.Response(status=400)


async def read_body(request: web.Request, most_bytes: int) -> bytes:
    """Return the whole body.

    Raises TooLarge by what was announced or by what came, before it is kept, Malformed for broken framing and a
    body that takes too long, and HungUp.
    """
    announced = request.content_length
    if announced is not None and announced > most_bytes:
        raise too_large(most_bytes)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(most_bytes) from None
    except web.RequestPayloadError:
        raise Malformed("the body is not well-formed HTTP", fix="send the whole body") from None
    except ConnectionError:
        log.debug("%s hung up before its body was whole", request.remote)
        raise HungUp from None
    except TimeoutError:
        raise Malformed(
            f"the body did not arrive within {READ_TIMEOUT_S:.0f} s", fix="send it again"
        ) from None


def too_large(most_bytes: int) -> TooLarge:
    """Return the error for a body over the limit."""
    return TooLarge(
        f"the body is larger than {most_bytes} bytes",
        fix="send less, or ask for a higher `max_body_bytes` in [security] of the desk's config.toml",
    )
