"""What the public side must know of each request's key, source and connection, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from healthdesk.connectors.spec import CallbackManifest
from healthdesk.domain.states import Environment
from healthdesk.engine.bus import BusEvent
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotFound
from healthdesk.http.fresh import FreshCache
from healthdesk.operations.accepting import KnownSource, known_source
from healthdesk.operations.handshakes import callback_url
from healthdesk.store import callback_secrets
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store import sources as source_queries
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


class Lookup:
    """Caches of one daemon. A change made here clears them at once, one made elsewhere within two seconds."""

    def __init__(self, engine: Engine) -> None:
        self._ctx = engine.ctx
        clock = engine.ctx.clock
        self.keys: FreshCache[bytes, KnownKey] = FreshCache(self._load_key, clock)
        self.sources: FreshCache[str, KnownSource] = FreshCache(self._load_source, clock)
        self.connections: FreshCache[str, KnownConnection] = FreshCache(self._load_connection, clock)
        engine.ctx.bus.on_event(self._on_event)

    def _on_event(self, event: BusEvent) -> None:
        if event.kind in _SETUP:
            self.keys.clear()
            self.sources.clear()
            self.connections.clear()

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
