"""The cheap authenticated request that decides a connection's health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.exchange import Exchange, Failure


class HeartbeatSpec(Protocol):
    """What an HTTP endpoint's owner configured; the API's HeartbeatRequest and store rows fit it."""

    @property
    def method(self) -> str:
        """GET, HEAD, POST or OPTIONS."""
        ...

    @property
    def path(self) -> str:
        """Path and query under the base URL."""
        ...

    @property
    def expected_status(self) -> int:
        """The status that means healthy."""
        ...


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check found: the exchange, and why it failed or None."""

    exchange: Exchange
    failure: Failure | None

    @property
    def ok(self) -> bool:
        """Whether the connection is healthy."""
        return self.failure is None


async def check(
    session: GuardedSession,
    base_url: str,
    heartbeat: HeartbeatSpec,
    credentials: StoredCredentials,
    *,
    timeout_s: float = 15.0,
) -> CheckOutcome:
    """Send the heartbeat request once and judge its answer."""
    raise NotImplementedError


def join_url(base_url: str, path: str) -> str:
    """Return the URL of `path` (with its query) under `base_url`; never another host, whatever `path` says."""
    raise NotImplementedError


def check_base_url(text: str) -> str:
    """Return the base URL in its plain form; a ConnectorError says what is wrong with it and the fix."""
    raise NotImplementedError
