"""Checks that the desk itself could not make: failures of ours, because a light that stays green would be a lie."""

from __future__ import annotations

import logging

from healthdesk.connectors.heartbeat import CheckOutcome
from healthdesk.domain.addresses import redact_url
from healthdesk.domain.exchange import Exchange, Failure, Sent, TransportError
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.engine.context import Context
from healthdesk.errors import ConnectorError, VaultError
from healthdesk.store.rows import ConnectionRow

log = logging.getLogger(__name__)


def unreadable(ctx: Context, row: ConnectionRow, error: VaultError) -> CheckOutcome:
    """Return the check of a connection whose credentials no key opens."""
    log.warning("%s was not checked: %s", row.name, error)
    return _unchecked(ctx, row, "its credentials cannot be read", error.what, error.fix)


def unusable(ctx: Context, row: ConnectionRow, error: ConnectorError) -> CheckOutcome:
    """Return the check of a connection whose connector is gone, or does not fit what is stored."""
    log.warning("%s was not checked: %s", row.name, error)
    fix = error.fix
    if row.app not in ctx.apps:
        # A folder or a package is gone: another app of a name alike would be no help.
        fix = (
            "Put its connector back where it was (`healthdesk doctor` says which are refused) and restart the daemon, "
            "or disconnect it"
        )
    return _unchecked(ctx, row, "its connector cannot be used", error.what, fix)


def _unchecked(ctx: Context, row: ConnectionRow, why: str, what: str, fix: str) -> CheckOutcome:
    safe = f"The desk could not check it: {why}"
    failure = Failure(
        kind=ErrorKind.INTERNAL,
        blame=Blame.US,
        permanent=False,
        sentence=f"{safe} ({what})",
        safe_sentence=safe,
        next_action=fix or "Look into the daemon's log",
        sent=Sent.NO,
    )
    unsent = Exchange(
        method=row.heartbeat.method if row.heartbeat else "GET",
        url=redact_url(row.base_url),
        request_headers={},
        started_at=ctx.clock.now(),
        duration_ms=0.0,
        error=TransportError(failure.kind, Sent.NO, failure.sentence),
    )
    return CheckOutcome(unsent, failure)
