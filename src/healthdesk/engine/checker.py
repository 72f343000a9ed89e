"""One check of one connection: the request, the guard of our own network, the decision, and what is kept of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.expiry import expiry_of_tokens
from healthdesk.connectors.checking import checked
from healthdesk.connectors.heartbeat import CheckOutcome, check
from healthdesk.domain.daily import slot_of
from healthdesk.domain.exchange import Failure
from healthdesk.domain.health import (
    HealthChange,
    HealthFacts,
    after_check,
    after_delivery_evidence,
    may_be_our_network,
)
from healthdesk.domain.identity import Identity
from healthdesk.domain.problems import key_for_connection
from healthdesk.domain.retry import spread
from healthdesk.domain.states import ConnectionState, ErrorKind, Trigger
from healthdesk.engine.apps import connector_of, credentials_of
from healthdesk.engine.context import Context
from healthdesk.engine.keeper import Keeper
from healthdesk.engine.sentinels import Sentinels
from healthdesk.engine.unchecked import unreadable, unusable
from healthdesk.errors import Conflict, ConnectorError, VaultError
from healthdesk.store import checks
from healthdesk.store import connections as queries
from healthdesk.store.rounds import Finding
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow, HeartbeatRow

log = logging.getLogger(__name__)

HTTP_ENDPOINT = "http-endpoint"
"""The one app whose heartbeat is its owner's request; any other has one in its manifest."""

_PUT_BACK = (
    "Put the connector back where it was (`healthdesk doctor` says which are refused), restart the daemon"
)
OFFLINE_RECHECK_S = 60.0
OFFLINE_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a good check tells of the credential: whose it is, and when it ends."""

    identity: Identity | None
    expires_at: datetime | None

    @classmethod
    def of(cls, outcome: CheckOutcome, credentials: StoredCredentials) -> Learnt | None:
        """Return what the app said, or else what the stored token says of its own end; None of a bad check."""
        if not outcome.ok:
            return None
        told = outcome.identity.expires_at if outcome.identity else None
        return cls(outcome.identity, told or expiry_of_tokens(credentials.values))


class Checker:
    """Checks connections and keeps what came of it."""

    def __init__(self, ctx: Context, sentinels: Sentinels) -> None:
        self._ctx = ctx
        self._sentinels = sentinels
        self._keeper = Keeper(ctx)
        self.put_off: set[str] = set()
        """Connections whose check was put off since the desk went offline."""
        self.on_change: Callable[[], None] = lambda: None
        self.on_alerts: Callable[[], None] = lambda: None

    async def check(
        self, connection_id: str, trigger: Trigger, row: ConnectionSecretRow | None = None
    ) -> bool:
        """Check, twice where the first asks for it; return whether what was found is of the settings as they are.

        `row` is the connection where it was just read. Raises NotFound, Conflict when it cannot be called, and
        StoreUnavailable.
        """
        if row is None:
            row = await self._ctx.store.read(queries.get_secret, connection_id)
        if row.pinged:
            raise Conflict(
                f"{row.name} cannot be called: its pings decide its health",
                fix="`healthdesk pings list` says when the next one is late",
            )
        if row.heartbeat is None:
            return await self._probe_by_delivery(row)
        kept, change = await self._check_once(row, trigger)
        if kept and change is not None and change.recheck_now:
            row = await self._ctx.store.read(queries.get_secret, connection_id)
            if row.heartbeat is not None:
                kept, _ = await self._check_once(row, trigger)
        return kept

    async def weigh(self, row: ConnectionRow, failure: Failure | None) -> None:
        """Put what a delivery said of a connection without a heartbeat through the decision."""
        if failure is not None and await self._is_ours(row.base_url, failure):
            return
        change = after_delivery_evidence(facts(row), failure, self._ctx.clock.now())
        # A refusal of the record itself proves that the connection works: nothing is wrong with it.
        works = change.state is ConnectionState.CONNECTED
        await self._keep(row, change, None if works else failure)

    async def _check_once(
        self, row: ConnectionSecretRow, trigger: Trigger
    ) -> tuple[bool, HealthChange | None]:
        """Check once; no change where the check was put off."""
        outcome, credentials = await self._ask(row)
        if outcome.exchange.status is not None:
            self._sentinels.answered(outcome.exchange.url)
        self._ctx.metrics.checks.labels(result="ok" if outcome.ok else "failed").inc()
        if outcome.failure is not None and await self._is_ours(outcome.exchange.url, outcome.failure):
            await self._put_off(row, trigger, outcome, outcome.failure)
            return True, None
        change = decided(self._ctx, row, outcome.failure, asked_for=trigger is not Trigger.SCHEDULE)
        beat = beat_of(self._ctx, row, trigger, outcome, change.state)
        learnt = Learnt.of(outcome, credentials)
        return await self._keep(row, change, outcome.failure, beat, learnt), change

    async def _ask(self, row: ConnectionSecretRow) -> tuple[CheckOutcome, StoredCredentials]:
        """Send the heartbeat; what keeps the desk itself from sending it is a failure of ours."""
        none = StoredCredentials(row.auth)
        try:
            return await self._send(row)
        except VaultError as error:
            # The key may have been replaced since the row was read.
            again = await self._ctx.store.read(queries.get_secret, row.id)
            if again.settings_version != row.settings_version or again.credentials_enc == row.credentials_enc:
                return unreadable(self._ctx, row, error), none
            try:
                return await self._send(again)
            except VaultError as still:
                return unreadable(self._ctx, row, still), none
        except ConnectorError as error:
            return unusable(self._ctx, row, error), none

    async def _send(self, row: ConnectionSecretRow) -> tuple[CheckOutcome, StoredCredentials]:
        """Send the owner's request to an HTTP endpoint, that of its manifest to any other app."""
        credentials = credentials_of(self._ctx, row)
        if row.app != HTTP_ENDPOINT:
            connector = await connector_of(self._ctx, row, credentials)
            return await checked(connector), credentials
        assert row.heartbeat is not None
        outcome = await check(
            self._ctx.session,
            row.base_url,
            row.heartbeat,
            self._ctx.authorizers.get(self._ctx, row, self._ctx.apps.get(row.app), credentials),
            clock=self._ctx.clock,
            timeout_s=self._ctx.config.delivery.timeout_s,
        )
        return outcome, credentials

    async def _is_ours(self, url: str, failure: Failure) -> bool:
        """Tell whether a failure is that of our own network, so that it says nothing of who was asked."""
        return may_be_our_network(failure) and await self._sentinels.offline(url)

    async def _put_off(
        self, row: ConnectionRow, trigger: Trigger, outcome: CheckOutcome, failure: Failure
    ) -> None:
        """Keep that the check was tried and not judged, once an outage, and try again later."""
        wait_s = spread(OFFLINE_RECHECK_S, self._ctx.jitter_unit(), OFFLINE_SPREAD)
        until = self._ctx.clock.now() + timedelta(seconds=wait_s)
        if row.id in self.put_off:
            await self._ctx.store.write(checks.give_back, [row.id], until)
            return
        beat = replace(
            beat_of(self._ctx, row, trigger, outcome, row.state),
            kind=ErrorKind.OFFLINE.value,
            sentence=f"Not judged: the desk itself was offline. {failure.sentence}",
        )
        await self._ctx.store.write(checks.put_off, row.id, until, beat)
        self.put_off.add(row.id)
        self._ctx.bus.publish("connection.changed", row.id, {"state": row.state.value})

    async def _probe_by_delivery(self, row: ConnectionRow) -> bool:
        """Judged by deliveries: while failing, let one record through as the probe."""
        if row.state is not ConnectionState.FAILING:
            return True
        probe = after_delivery_evidence(facts(row), None, self._ctx.clock.now(), probe=True)
        return await self._keep(row, probe, row.failure)

    async def _keep(
        self,
        row: ConnectionRow,
        change: HealthChange,
        failure: Failure | None,
        beat: HeartbeatRow | None = None,
        learnt: Learnt | None = None,
    ) -> bool:
        """Commit the new health, the check, and the connection's problems in one transaction.

        Returns False when the connection's settings are others than those of `row`: its health is left as it is.
        """
        key = key_for_connection(failure, row.id, row.name, row.owner) if failure is not None else None
        found = Finding(
            connection_id=row.id,
            change=change,
            failure=failure,
            key=key,
            heartbeat=beat,
            now=self._ctx.clock.now(),
            version=row.settings_version,
            identity=learnt.identity if learnt else None,
            expires_at=learnt.expires_at if learnt else None,
        )
        kept = await self._keeper.keep(found)
        if kept is None:
            log.info("%s was changed while it was checked: what was found is out of date", row.name)
            return False
        if beat is not None or change.state is not row.state:
            self._ctx.bus.publish("connection.changed", row.id, {"state": change.state.value})
        if change.state is not row.state:
            log.info("%s: %s → %s", row.name, row.state.value, change.state.value)
            self.on_change()
        for problem_id in kept.problems_changed:
            self._ctx.bus.publish("problem.changed", problem_id)
        if kept.alerts_queued:
            self.on_alerts()
        return True


def decided(
    ctx: Context, row: ConnectionRow, failure: Failure | None, *, asked_for: bool = False
) -> HealthChange:
    """Return what a check of a connection decides now: `failure` is what it found, None when all was well.

    `asked_for`: somebody wanted it now, so that it may come before its time.
    """
    heartbeat, now = ctx.config.heartbeat, ctx.clock.now()
    early = asked_for and row.next_check is not None and row.next_check > now
    return after_check(
        facts(row),
        failure,
        now,
        every_s=heartbeat.every_s,
        jitter_unit=ctx.jitter_unit(),
        jitter=heartbeat.jitter,
        slot=slot_of(row.id),
        early_for=row.next_check if early else None,
    )


def beat_of(
    ctx: Context,
    row: ConnectionRow,
    trigger: Trigger,
    outcome: CheckOutcome,
    state_after: ConnectionState,
) -> HeartbeatRow:
    """Return a check as it is kept."""
    exchange, failure, identity = outcome.exchange, outcome.failure, outcome.identity
    return HeartbeatRow(
        id=ctx.new_id("hbt"),
        connection_id=row.id,
        at=ctx.clock.now(),
        trigger=trigger,
        ok=outcome.ok,
        status=exchange.status,
        duration_ms=exchange.duration_ms,
        kind=failure.kind.value if failure else "",
        sentence=failure.sentence if failure else "",
        state_after=state_after,
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        response_cut=exchange.response_cut,
        method=exchange.method,
        url=exchange.url,
        identity=identity.to_json() if identity else None,
    )


def facts(row: ConnectionRow) -> HealthFacts:
    """Return what the health decision needs of a connection's row."""
    return HealthFacts(
        state=row.state,
        suspect_checks=row.suspect_checks,
        state_since=row.state_since,
        last_failure_kind=ErrorKind(row.last_error_kind) if row.last_error_kind else None,
    )
