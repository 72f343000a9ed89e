"""Connections as something to talk through: an app's connector with the credentials and settings of one of them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.build import build_authorizer, method_of
from healthdesk.connectors.auth.tokens import MemoryTokens, Tokens, TokenStore
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector
from healthdesk.connectors.outgoing import Authorizer
from healthdesk.engine.tokens import StoredTokens, as_in_use
from healthdesk.errors import ConnectorError
from healthdesk.store import tokens as queries
from healthdesk.store.rows import ConnectionSecretRow

if TYPE_CHECKING:
    from healthdesk.engine.context import Context

log = logging.getLogger(__name__)

MOST_KEPT = 4096
"""Connections whose tokens are kept in memory; those of others are read from the database again."""


class Authorized(Protocol):
    """What of a connection its authorizer needs; the store's row fits it, and `ConnectionFacts`."""

    @property
    def id(self) -> str:
        """The connection's id."""
        ...

    @property
    def name(self) -> str:
        """What people call it, for the log."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What its app asks for beside credentials."""
        ...

    @property
    def settings_version(self) -> int:
        """Counts changes: what was made for another version is out of date."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """A connection whose credentials are open already."""

    id: str
    name: str
    settings: Mapping[str, str]
    settings_version: int


class Authorizers:
    """What authorizes the requests of connections, kept for as long as their settings stay, tokens and all."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Authorizer]] = OrderedDict()
        self._renewals: set[asyncio.Task[Tokens]] = set()

    def get(
        self,
        ctx: Context,
        row: Authorized,
        app: App,
        credentials: StoredCredentials,
    ) -> Authorizer:
        """Return the authorizer of a connection with its credentials; raises ConnectorError."""
        kept = self._kept.get(row.id)
        if kept is not None and kept[0] == row.settings_version:
            self._kept.move_to_end(row.id)
            return kept[1]
        # What needs no token is made as quickly as it is looked up.
        has_tokens = method_of(app, credentials.auth).type not in ("none", "static")
        tokens: TokenStore = MemoryTokens()
        if has_tokens:
            tokens = StoredTokens(
                ctx.store, ctx.vault, ctx.clock, row.id, credentials, name=row.name, running=self._renewals
            )
        authorizer = build_authorizer(
            app,
            credentials.auth,
            credentials.values,
            row.settings,
            session=ctx.session,
            clock=ctx.clock,
            tokens=tokens,
        )
        if has_tokens:
            self._kept[row.id] = (row.settings_version, authorizer)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return authorizer

    async def finish(self, grace_s: float) -> bool:
        """Let renewals under way be committed; return False when some are still not after `grace_s`."""
        if not self._renewals:
            return True
        _, late = await asyncio.wait(self._renewals, timeout=grace_s)
        return not late


def credentials_of(ctx: Context, row: ConnectionSecretRow) -> StoredCredentials:
    """Return a connection's credentials in clear; raises VaultError and ConnectorError."""
    if not row.credentials_enc:
        return StoredCredentials(row.auth)
    return StoredCredentials.from_json(ctx.vault.decrypt(row.credentials_enc))


async def credentials_in_use(ctx: Context, row: ConnectionSecretRow) -> StoredCredentials:
    """Return a connection's credentials with the tokens as they are now, to be put aside or tried again.

    Tokens are renewed in a row of their own: those in the connection's credentials are the first ones.
    """
    kept = await ctx.store.read(queries.get, row.id)
    return as_in_use(ctx.vault, credentials_of(ctx, row), kept)


async def connector_of(
    ctx: Context, row: ConnectionSecretRow, credentials: StoredCredentials | None = None
) -> Connector:
    """Return the connector of a saved connection; `credentials` are its own where they are open already.

    Raises ConnectorError when its app or its method is no longer there, VaultError when the key does not open its
    credentials.
    """
    app = ctx.apps.get(row.app)
    authorizer = ctx.authorizers.get(ctx, row, app, credentials or credentials_of(ctx, row))
    return _connector(ctx, app, authorizer, row.auth, row.settings, row.base_url)


async def trial(
    ctx: Context,
    app_id: str,
    auth_id: str,
    values: Mapping[str, str],
    settings: Mapping[str, str],
    base_url: str,
    *,
    tokens: TokenStore | None = None,
) -> Connector:
    """Return the connector of credentials that are not saved; raises ConnectorError.

    `tokens` holds what an authorization granted and, after requests, what has to be saved: an app may have taken the
    first ones back when it gave others.
    """
    app = ctx.apps.get(app_id)
    authorizer = build_authorizer(
        app,
        auth_id,
        values,
        settings,
        session=ctx.session,
        clock=ctx.clock,
        tokens=tokens or MemoryTokens(),
    )
    return _connector(ctx, app, authorizer, auth_id, settings, base_url)


def _connector(
    ctx: Context, app: App, authorizer: Authorizer, auth_id: str, settings: Mapping[str, str], base_url: str
) -> Connector:
    client = AppClient(
        app,
        session=ctx.session,
        authorizer=authorizer,
        auth_id=auth_id,
        base_url=base_url,
        settings=settings,
        clock=ctx.clock,
        timeout_s=ctx.config.delivery.timeout_s,
    )
    try:
        return app.connector(client)
    except Exception as error:
        log.exception("the connector of %s cannot be made", app.name)
        raise ConnectorError(
            f"the code of the connector {app.name} failed: {type(error).__name__}",
            fix="Look into the daemon's log, and have the connector corrected",
        ) from error
