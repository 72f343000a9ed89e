"""The cheap authenticated request that decides a connection's health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from healthdesk.clock import Clock
from healthdesk.connectors.authorized import send_authorized
from healthdesk.connectors.outgoing import Authorizer, NotAuthorized, Outgoing
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.urls import join_url
from healthdesk.domain.addresses import redact_url
from healthdesk.domain.exchange import Exchange, Failure, Sent, TransportError
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
    authorizer: Authorizer,
    *,
    clock: Clock,
    timeout_s: float = 15.0,
) -> CheckOutcome:
    """Send the heartbeat request and judge its answer; once more where a token was refused that could be renewed."""
    outgoing = Outgoing(heartbeat.method, join_url(base_url, heartbeat.path))

    async def once(authorized: Outgoing) -> Exchange:
        return await send_authorized(
            session, authorized, timeout_s=timeout_s, stored_body_bytes=STORED_BODY_BYTES
        )

    try:
        sent = await authorizer.authorize(outgoing)
        exchange = await once(sent)
        if exchange.status == 401 and await authorizer.refused(sent):
            exchange = await once(await authorizer.authorize(outgoing))
    except NotAuthorized as error:
        unsent = Exchange(
            method=outgoing.method,
            url=redact_url(outgoing.url),
            request_headers={},
            started_at=clock.now(),
            duration_ms=0.0,
            error=TransportError(error.failure.kind, Sent.NO, error.failure.sentence),
        )
        return CheckOutcome(error.exchange or unsent, error.failure)
    return CheckOutcome(exchange, judge_check(exchange, heartbeat.expected_status))
