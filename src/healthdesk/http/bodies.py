"""Reading a public request's body within its limits."""

from __future__ import annotations

import asyncio

from aiohttp import web

from healthdesk.errors import Malformed, TooLarge

READ_TIMEOUT_S = 30.0


async def read_body(request: web.Request, most_bytes: int) -> bytes:
    """Return the whole body. Raises TooLarge by what was announced or by what came, before it is kept."""
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
