"""Where records go: endpoints with their headers, secrets and limits, read once and kept until a change."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from healthdesk.connectors.auth import StoredCredentials, auth_headers, secret_headers, secrets_of
from healthdesk.connectors.echoes import NO_SECRETS, Secrets
from healthdesk.connectors.urls import join_url
from healthdesk.domain.circuit import CLOSED, CircuitFacts
from healthdesk.domain.delivery import PLAIN, DeliveryMethod, Order, method_from
from healthdesk.domain.exchange import Failure
from healthdesk.domain.lookup_values import SECRET_NAME
from healthdesk.domain.ordering import order_key
from healthdesk.domain.problems import ProblemKey, key_for_delivery
from healthdesk.domain.states import ConnectionState, Environment, HoldReason, IntegrationState, OnUnknown
from healthdesk.engine.app_delivery import with_operation
from healthdesk.engine.context import Context
from healthdesk.engine.desk_secrets import desk_secret
from healthdesk.engine.proving import NO_PROOF, Proof, proof_of
from healthdesk.engine.share import Share
from healthdesk.engine.ways import DIRECT, Way, way_of
from healthdesk.errors import ConnectorError, StoreUnavailable, VaultError
from healthdesk.store.circuits import facts_of
from healthdesk.store.rows import TargetRow
from healthdesk.store.targets import delivery_targets

log = logging.getLogger(__name__)

Key = tuple[str, Environment]


@dataclass(frozen=True, slots=True)
class Target:
    """One environment of a delivery integration, ready to send to.

    `headers` hold the credentials in clear; `secret_headers` are the names to leave out of what is stored, `secrets`
    what to take out of the answers.
    `hold` says why this daemon sends nothing, `held` what holds the records whichever daemon looks.
    `probing` says that health is judged by deliveries and in doubt: one record at a time.
    `probe_since` is set while a failing connection is given exactly one record as a probe: since when.
    `doubtful` says that a successful delivery would be news: health is judged by deliveries and not connected.
    """

    integration_id: str
    environment: Environment
    connection_id: str
    connection_name: str
    owner: str
    url: str
    method: str
    headers: Mapping[str, str]
    secret_headers: frozenset[str]
    secrets: Secrets
    signing_secrets: tuple[str, ...]
    timeout_s: float
    concurrency: int
    rate_per_s: float | None
    on_unknown: OnUnknown
    judged_by_deliveries: bool
    hold: HoldReason | None
    held: HoldReason | None
    probing: bool
    probe_since: datetime | None
    doubtful: bool
    version: int = 0
    """Of the connection's settings: what was found with those of another version is out of date."""
    delivery: DeliveryMethod = PLAIN
    """Beyond a plain request: mapping, body, batches, lookup, receipts, ordering, circuit."""
    way: Way = DIRECT
    """What has to be worked out for each record."""
    proof: Proof = NO_PROOF
    """What proves who sends beside `headers`: a client certificate, tokens that are renewed."""
    circuit: CircuitFacts = CLOSED
    base_url: str = ""
    """Of the connection; `url` has the path of deliveries on it already."""

    @property
    def order(self) -> str:
        """Return what becomes of later records of a key after a failure, empty where records go in any order."""
        return "" if self.delivery.order is None else self.delivery.order.after_failed

    @property
    def per_request(self) -> int:
        """Return how many records go in one request; concurrency and rate count requests."""
        return 1 if self.delivery.batch is None else self.delivery.batch.size

    @property
    def probe(self) -> tuple[datetime, int] | None:
        """Return what tells one probe from the next, or None: new credentials are given one of their own."""
        return None if self.probe_since is None else (self.probe_since, self.version)

    def problem_of(self, failure: Failure) -> ProblemKey:
        """Return the problem that a failed delivery is in."""
        return key_for_delivery(
            failure,
            integration_id=self.integration_id,
            environment=self.environment,
            connection_id=self.connection_id,
            connection_name=self.connection_name,
            owner=self.owner,
        )


def hold_reason(row: TargetRow) -> HoldReason | None:
    """Decide why records of this environment wait: paused first, then a failing connection."""
    if row.state is IntegrationState.PAUSED:
        return HoldReason.PAUSED
    if row.connection_state is ConnectionState.FAILING or row.connection_deleted:
        return HoldReason.CONNECTION
    return None


class Targets:
    """The current targets by (integration, environment)."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._targets: dict[Key, Target] = {}
        self.share = Share()
        """What of each target's limits is this daemon's."""
        self.joined_at = self.shared_at = float("-inf")
        """Monotonic times. From when on what is this daemon's of a rate is left to it by the others, which take the change of
        a share in with their next beat: all of it after a start or a return, what it has more of than before.
        """
        self.readable = True
        """Whether the key opens the secrets of every target."""
        self._secret: bytes | None = None

    async def refresh(self) -> None:
        """Read every delivery environment again."""
        rows = await self._ctx.store.read(delivery_targets, self._ctx.clock.now())
        self.readable = True
        found = {(row.integration_id, row.environment): self._build(row) for row in rows}
        if self._secret is None and any(each.delivery.order is not None for each in found.values()):
            await self._read_secret()
        self._targets = found

    async def _read_secret(self) -> None:
        try:
            self._secret = await desk_secret(self._ctx, SECRET_NAME)
        except VaultError as error:
            self.readable = False
            log.warning("records that go in order are refused: %s. %s", error, error.fix)

    def _build(self, row: TargetRow) -> Target:
        vault = self._ctx.vault
        hold = held = hold_reason(row)
        headers: dict[str, str] = dict(row.headers)
        secret: frozenset[str] = frozenset()
        hidden = NO_SECRETS
        signing: tuple[str, ...] = ()
        proof = NO_PROOF
        try:
            if row.credentials_enc:
                credentials = StoredCredentials.from_json(vault.decrypt(row.credentials_enc))
                headers |= auth_headers(credentials)
                secret, hidden = secret_headers(credentials), secrets_of(credentials)
                proof = proof_of(self._ctx, row, credentials)
            signing = tuple(vault.decrypt(token) for token in row.signing_secrets_enc)
        except (VaultError, ConnectorError) as error:
            self.readable = False
            hold = hold or HoldReason.CONNECTION
            if self.share.of == 1:
                held = hold
            wait = "its records are held" if self.share.of == 1 else "its records are left to other daemons"
            log.warning("%s: %s; %s. %s", row.connection_name, error, wait, error.fix)
        judged = not row.has_heartbeat
        probing = judged and row.connection_state is ConnectionState.SUSPECT
        method, circuit = method_from(row.delivery), facts_of(row)
        if proof.app is not None:
            method = with_operation(method, proof.app.operation)
        # A connection in doubt is given one record at a time by itself; what becomes of it tells the circuit, too.
        if hold is None and method.circuit.enabled and circuit.holds and not probing:
            hold = held = HoldReason.CIRCUIT
        return Target(
            integration_id=row.integration_id,
            environment=row.environment,
            connection_id=row.connection_id,
            connection_name=row.connection_name,
            owner=row.owner,
            url=join_url(row.base_url, row.path),
            method=row.method,
            headers=headers,
            secret_headers=secret,
            secrets=hidden,
            signing_secrets=signing,
            timeout_s=row.timeout_s or self._ctx.config.delivery.timeout_s,
            concurrency=row.concurrency or self._ctx.config.delivery.concurrency,
            rate_per_s=row.rate_per_s,
            on_unknown=row.on_unknown,
            judged_by_deliveries=judged,
            hold=hold,
            held=held,
            probing=probing,
            probe_since=row.connection_state_since if probing and not row.connection_suspect_checks else None,
            doubtful=judged and row.connection_state is not ConnectionState.CONNECTED,
            version=row.settings_version,
            proof=proof,
            way=way_of(
                base_url=row.base_url,
                path=row.path,
                method=row.method,
                headers=row.headers,
                delivery=method_from(row.delivery),
            ),
            delivery=method,
            circuit=circuit,
            base_url=row.base_url,
        )

    def get(self, integration_id: str, environment: Environment) -> Target | None:
        """Return the target, or None when the environment is not set up."""
        return self._targets.get((integration_id, environment))

    def all(self) -> list[Target]:
        """Return every target."""
        return list(self._targets.values())

    def order_key(
        self, integration_id: str, environment: Environment, order: Order, data: object
    ) -> str | None:
        """Return the order key of a record, None for one that waits for none; StoreUnavailable without the desk's secret."""
        if self._secret is None:
            raise StoreUnavailable("the secret that order keys are made with cannot be read")
        return order_key(self._secret, integration_id, environment, order.key, data)

    def hold_state(self, integration_id: str, environment: Environment) -> HoldReason | None:
        """Return why a record of this environment waits, or None."""
        target = self._targets.get((integration_id, environment))
        return target.held if target else None
