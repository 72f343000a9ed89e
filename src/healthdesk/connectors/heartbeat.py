"""The cheap authenticated request that decides a connection's health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from healthdesk.connectors.auth import StoredCredentials, auth_headers, secret_headers, secrets_of
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.urls import join_url
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.identity import Identity
from healthdesk.domain.outcome import judge_check

STORED_BODY_BYTES = 16_384


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
    """What one check found: the exchange, why it failed or None, and whose the credential is where the app tells."""

    exchange: Exchange
    failure: Failure | None
    identity: Identity | None = None

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
    exchange = await session.send(
        Request(
            method=heartbeat.method,
            url=join_url(base_url, heartbeat.path),
            headers=auth_headers(credentials),
            timeout_s=timeout_s,
            stored_body_bytes=STORED_BODY_BYTES,
            secret_headers=secret_headers(credentials),
            secrets=secrets_of(credentials),
        )
    )
    return CheckOutcome(exchange, judge_check(exchange, heartbeat.expected_status))
