"""The guarded way out: one shared HTTP session under the address policy. One attempt is one request."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from healthdesk.clock import Clock
from healthdesk.connectors.policy import Network
from healthdesk.domain.exchange import Exchange


class Cancellable(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None:
        """Call the timer off."""
        ...


CallLater = Callable[[float, Callable[[], object]], Cancellable]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to send, once.

    `timeout_s` covers everything from the name lookup to the last byte read. The answer's body is kept, inflated,
    up to `stored_body_bytes`. `secret_headers` are lower-case names whose values never leave this module.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 30.0
    stored_body_bytes: int = 65_536
    secret_headers: frozenset[str] = frozenset()


class GuardedSession:
    """Sends requests under the address policy. Create it inside the running event loop; close it at the end.

    It resends nothing, follows no redirect, keeps no cookie, and reads proxy variables only with `use_proxy`.
    """

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        clock: Clock,
        use_proxy: bool = False,
        connect_timeout_s: float = 10.0,
        call_later: CallLater | None = None,
        resolver: AbstractResolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        raise NotImplementedError

    async def send(self, request: Request) -> Exchange:
        """Send `request` once and return what came of it; network errors are in the exchange, never raised."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        """Return the session."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the session."""
        await self.close()


__all__ = ["CallLater", "Cancellable", "GuardedSession", "Request", "aiohttp"]
