"""What the public side must know of each request's key, source and connection, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.connectors.spec import CallbackManifest
from healthdesk.domain.delivery import method_from
from healthdesk.domain.states import Environment
from healthdesk.engine.bus import BusEvent
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotFound
from healthdesk.http.fresh import FreshCache
from healthdesk.operations.accepting import KnownSource, known_source
from healthdesk.operations.desk import Conn
from healthdesk.operations.handshakes import callback_url
from healthdesk.store import callback_secrets
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store import sources as source_queries
from healthdesk.store.keyring import receipt_secrets
from healthdesk.store.rows import VerificationSettings

_SETUP = frozenset({"connection.changed", "integration.changed", "source.changed"})


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What a bearer key stands for."""

    id: str
    integration_id: str
    environment: Environment
    expires_at: datetime | None
    limit_per_minute: int | None


@dataclass(frozen=True, slots=True)
class KnownConnection:
    """What a callback is verified with. `secrets` are in clear and stay in memory."""

    id: str
    verification: VerificationSettings
    secrets: tuple[str, ...]
    limit_per_minute: int | None
    app: CallbackManifest | None = None
    """What the connector says of callbacks, where it says anything."""
    url: str = ""
    """The address that the app was given."""

    def __repr__(self) -> str:
        """Show no secret."""
        return f"KnownConnection({self.id!r})"


@dataclass(frozen=True, slots=True)
class Receiver:
    """What a receipt of one environment is verified with. `secrets` are in clear and stay in memory."""

    environment: Environment
    verification: VerificationSettings
    secrets: tuple[str, ...]
    limit_per_minute: int | None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Receiver({self.environment.value!r})"


class Lookup:
    """Caches of one daemon. A change made here clears them at once, one made elsewhere within two seconds."""

    def __init__(self, engine: Engine) -> None:
        self._ctx = engine.ctx
        clock = engine.ctx.clock
        self.keys: FreshCache[bytes, KnownKey] = FreshCache(self._load_key, clock)
        self.sources: FreshCache[str, KnownSource] = FreshCache(self._load_source, clock)
        self.connections: FreshCache[str, KnownConnection] = FreshCache(self._load_connection, clock)
        self.receivers: FreshCache[str, tuple[Receiver, ...]] = FreshCache(self._load_receivers, clock)
        engine.ctx.bus.on_event(self._on_event)

    def _on_event(self, event: BusEvent) -> None:
        if event.kind in _SETUP:
            self.keys.clear()
            self.sources.clear()
            self.connections.clear()
            self.receivers.clear()

    async def _load_key(self, key_hash: bytes) -> KnownKey | None:
        store = self._ctx.store
        row = await store.read(integration_queries.find_key, key_hash, self._ctx.clock.now())
        if row is None:
            return None
        integration = await store.read(integration_queries.get, row.integration_id)
        limit = next(
            (
                each.accept_limit_per_minute
                for each in integration.environments
                if each.environment is row.environment
            ),
            None,
        )
        return KnownKey(row.id, row.integration_id, row.environment, row.expires_at, limit)

    async def _load_source(self, key: str) -> KnownSource | None:
        try:
            row = await self._ctx.store.read(source_queries.get, key)
        except NotFound:
            return None
        if row.key != key:
            # The query also takes ids, which records do not name.
            return None
        return await known_source(self._ctx, row)

    async def _load_connection(self, connection_id: str) -> KnownConnection | None:
        try:
            row = await self._ctx.store.read(connection_queries.get_secret, connection_id)
        except NotFound:
            return None
        further = await self._ctx.store.read(callback_secrets.valid, connection_id, self._ctx.clock.now())
        kept = [row.callback_secret_enc, *further] if row.callback_secret_enc else further
        return KnownConnection(
            row.id,
            row.verification,
            tuple(self._ctx.vault.decrypt(token) for token in kept),
            row.callback_limit_per_minute,
            app=self._ctx.apps.callbacks_of(row.app),
            url=callback_url(self._ctx.config.server.public_url, row.id),
        )

    async def _load_receivers(self, integration_id: str) -> tuple[Receiver, ...] | None:
        """Return the environments of an integration that await receipts, production first; None where there is none."""
        return await self._ctx.store.read(self._receivers, integration_id) or None

    def _receivers(self, conn: Conn, integration_id: str) -> tuple[Receiver, ...]:
        try:
            row = integration_queries.get(conn, integration_id)
        except NotFound:
            return ()
        secrets = receipt_secrets(conn, integration_id, self._ctx.clock.now())
        found: list[Receiver] = []
        for each in sorted(row.environments, key=lambda each: each.environment):
            receipt = method_from(each.delivery).receipt
            if receipt is None:
                continue
            found.append(
                Receiver(
                    each.environment,
                    VerificationSettings(scheme=receipt.scheme, **receipt.signature),
                    tuple(
                        self._ctx.vault.decrypt(secret.secret_enc)
                        for secret in secrets
                        if secret.environment is each.environment
                    ),
                    connection_queries.get_secret(conn, each.connection_id).callback_limit_per_minute,
                )
            )
        return tuple(found)
