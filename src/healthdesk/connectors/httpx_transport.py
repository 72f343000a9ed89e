"""httpx for connectors, on the desk's one session: same policy, deadline and caps."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.exchange import TransportError


def httpx_client(
    session: GuardedSession,
    *,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
    max_body_bytes: int = 8 * 1024 * 1024,
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` whose requests leave through `session`; closing it leaves `session` open."""
    raise NotImplementedError


def transport_error(error: httpx.TransportError) -> TransportError | None:
    """Return the typed cause of an error that the client of `httpx_client` raised."""
    raise NotImplementedError
