"""Sending a request with what authorizes it."""

from __future__ import annotations

from healthdesk.connectors.outgoing import Outgoing
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.domain.addresses import redact_url
from healthdesk.domain.exchange import Exchange


async def send_authorized(
    session: GuardedSession, outgoing: Outgoing, *, timeout_s: float, stored_body_bytes: int
) -> Exchange:
    """Send a request once. Its secrets are in nothing of what is kept of it and of its answer."""
    exchange = await session.send(
        Request(
            method=outgoing.method,
            url=outgoing.url,
            headers=outgoing.headers,
            body=outgoing.body,
            timeout_s=timeout_s,
            stored_body_bytes=stored_body_bytes,
            secret_headers=outgoing.secret_headers,
            secrets=outgoing.secrets,
            certificate=outgoing.certificate,
        )
    )
    if outgoing.secret_parameters:
        exchange.url = redact_url(exchange.url, outgoing.secret_parameters)
    if outgoing.secrets:
        # The session knows secrets by the names of headers and parameters; these are known by their values.
        exchange.url = outgoing.secrets.out_of_text(exchange.url)
        exchange.request_headers = outgoing.secrets.out_of_headers(dict(exchange.request_headers))
    return exchange
