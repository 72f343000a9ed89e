"""The check of a connection by its manifest: the heartbeat, what else tells who we are, and faults of our own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from healthdesk.connectors.client import CHECK_BYTES, AppClient
from healthdesk.connectors.heartbeat import CheckOutcome
from healthdesk.connectors.identities import plain, read_identity
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError, HealthdeskError

if TYPE_CHECKING:
    from healthdesk.connectors.connector import Connector

log = logging.getLogger(__name__)

MOST_S = 300.0
"""For so long a check goes on whatever the code of its app waits for: longer than its requests and a renewal together."""
_LEAST_S = 1.0
"""What a required request is given where the ones before it took the whole time."""


async def heartbeat(client: AppClient) -> CheckOutcome:
    """Send the requests of the heartbeat, all within the client's `timeout_s`; raises ConnectorError for our own mistakes."""
    manifest = client.app.manifest
    beat = manifest.heartbeat_for(client.auth_id)
    if beat is None:
        raise ConnectorError(f"{manifest.name} has no heartbeat", fix="it is judged by its deliveries")
    started = client.clock.monotonic()
    reply = await client.call(beat.request, on="heartbeat", success=beat.success, most_bytes=CHECK_BYTES)
    if not reply.ok:
        return CheckOutcome(reply.exchange, reply.failure)
    identity = read_identity(beat.identity, reply.document, reply.headers)
    if not identity.account_id:
        return CheckOutcome(reply.exchange, client.missing(reply, "without an account"))
    for also in beat.also:
        left_s = client.timeout_s - (client.clock.monotonic() - started)
        if (also.auth and client.auth_id not in also.auth) or (left_s <= 0 and not also.required):
            continue
        try:
            further = await client.call(
                also.request,
                _told(identity),
                on="heartbeat",
                most_bytes=CHECK_BYTES,
                timeout_s=max(left_s, _LEAST_S),
            )
        except ConnectorError:
            if also.required:
                raise
            continue
        if further.ok:
            identity = read_identity(also, further.document, further.headers, identity)
        elif also.required:
            return CheckOutcome(further.exchange, further.failure)
    return CheckOutcome(reply.exchange, None, identity)


async def checked(connector: Connector) -> CheckOutcome:
    """Check a connection, whatever the code of its app does: an error in it is a failure that says so, and ours to mend."""
    try:
        async with asyncio.timeout(MOST_S):
            outcome: object = await connector.check()
        if isinstance(outcome, CheckOutcome) and isinstance(outcome.exchange, Exchange):
            identity = outcome.identity
            return outcome if identity is None else replace(outcome, identity=plain(identity))
        failure = broken(connector, f"returned {type(outcome).__name__} for a check")
    except ConnectorError as error:
        failure = misconfigured(error)
    except HealthdeskError:
        # the desk's own: the database that tokens are kept in is away
        raise
    except (Exception, SystemExit, GeneratorExit, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        log.exception("the connector of %s failed", connector.manifest.name)
        failure = broken(connector, f"failed: {type(error).__name__}")
    return CheckOutcome(connector.client.unsent(failure), failure)


def broken(connector: Connector, what: str) -> Failure:
    """Return the failure of a connector whose code is at fault; `what` it did."""
    sentence = f"The code of the connector {connector.manifest.name} {what}"
    return Failure(
        kind=ErrorKind.INTERNAL,
        blame=Blame.US,
        permanent=False,
        sentence=sentence,
        safe_sentence=sentence,
        next_action="Look into the daemon's log, and have the connector corrected",
        sent=Sent.MAYBE,
    )


def _told(identity: Identity) -> dict[str, object]:
    """Return what further requests of a heartbeat may name of the account."""
    told = {"account_id": identity.account_id, "account": identity.account, "site": identity.site}
    return {name: value for name, value in told.items() if value}


def misconfigured(error: ConnectorError) -> Failure:
    """Return the failure of a request that could not be made from the settings."""
    sentence = f"{error.what[:1].upper()}{error.what[1:]}"
    return Failure(
        kind=ErrorKind.CONFIGURATION,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=sentence,
        safe_sentence=sentence,
        next_action=error.fix or "Correct the settings of the connection",
        sent=Sent.NO,
        field=error.field,
    )
