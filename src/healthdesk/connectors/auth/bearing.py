"""Authorizes requests with tokens that are got first, renewed before they end, and once where the app refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from healthdesk.clock import Clock
from healthdesk.connectors.auth.static import decorate
from healthdesk.connectors.auth.tokens import Tokens, TokenStore
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.errors import StoreUnavailable

AHEAD_S = 60.0
"""A token is renewed so long before it ends, or in the last tenth of its life where that is less."""
NOT_AGAIN_S = 10.0
"""A token that was got for one that was refused so long ago, and is refused too, would be so whatever is done."""


class Grant(Protocol):
    """A way of getting tokens."""

    def renewable(self, tokens: Tokens) -> bool:
        """Tell whether there is a way to get others."""
        ...

    async def fetch(self, before: Tokens | None) -> Tokens:
        """Ask the token endpoint once; raises NotAuthorized."""
        ...


class Bearing:
    """The tokens of one connection as its requests need them."""

    def __init__(self, grant: Grant, store: TokenStore, clock: Clock) -> None:
        self._grant = grant
        self._store = store
        self._clock = clock
        self._handed_out: Tokens | None = None
        self._refused = ""
        self._refused_at: datetime | None = None

    async def tokens(self) -> Tokens:
        """Return tokens that should be accepted, new ones where they are needed.

        Raises NotAuthorized, and StoreUnavailable where they are kept in a database.

        When they cannot be renewed now, for a reason that will pass, those that still count are used to their end.
        """
        tokens = await self._store.current()
        if tokens is None or not self._is_fresh(tokens):
            try:
                tokens = await self._store.renew(tokens, self._grant.fetch)
                if not self._is_fresh(tokens):
                    # Somebody else renewed it, so long ago that it has ended since.
                    tokens = await self._store.renew(tokens, self._grant.fetch)
            except (NotAuthorized, StoreUnavailable) as error:
                refused = isinstance(error, NotAuthorized) and error.failure.permanent
                if tokens is None or refused or not self._counts(tokens):
                    raise
        self._handed_out = tokens
        return tokens

    async def refused(self, sent: Outgoing) -> bool:
        """Take note that the app refused a request; tell whether it is worth sending with another token."""
        tokens = self._handed_out
        if tokens is None or not self._grant.renewable(tokens):
            return False
        if tokens.access_token == self._refused or not _carries(sent, tokens.access_token):
            # Another is being got for it, or was.
            return True
        now = self._clock.now()
        if self._refused_at is not None and now - self._refused_at < timedelta(seconds=NOT_AGAIN_S):
            return False
        self._refused, self._refused_at = tokens.access_token, now
        return True

    def _is_fresh(self, tokens: Tokens) -> bool:
        if tokens.access_token == self._refused:
            return False
        if tokens.expires_at is None or not self._grant.renewable(tokens):
            return True
        life_s = (tokens.expires_at - tokens.obtained_at).total_seconds()
        ahead = timedelta(seconds=min(AHEAD_S, life_s / 10))
        return tokens.expires_at - ahead > self._clock.now()

    def _counts(self, tokens: Tokens) -> bool:
        if tokens.access_token == self._refused:
            return False
        return tokens.expires_at is None or tokens.expires_at > self._clock.now()


def _carries(sent: Outgoing, token: str) -> bool:
    """Tell whether a token was in a request, in one of its headers or in its query."""
    return any(token in value for value in sent.headers.values()) or quote(token, safe="") in sent.url


class TokenAuthorizer:
    """Puts a token into each request, as the method's headers and parameters say; as a bearer where they say nothing."""

    def __init__(
        self, method: AuthManifest, values: Mapping[str, str], settings: Mapping[str, str], bearing: Bearing
    ) -> None:
        if not (method.headers or method.query):
            method = method.model_copy(update={"headers": {"Authorization": "Bearer {access_token}"}})
        self._method = method
        self._fields = {**{field.key: field.default for field in method.fields}, **values}
        self._settings = settings
        self._secret_keys = frozenset(field.key for field in method.fields if field.secret)
        self._bearing = bearing

    async def values(self) -> Mapping[str, str]:
        """Return what the token answer said, and the fields that are not secret; raises NotAuthorized."""
        tokens = await self._bearing.tokens()
        fields = {key: value for key, value in self._fields.items() if key not in self._secret_keys}
        return {**tokens.values, **fields}

    async def authorize(self, request: Outgoing) -> Outgoing:
        """Return the request with the token; raises NotAuthorized."""
        tokens = await self._bearing.tokens()
        known = {
            **tokens.values,
            **self._fields,
            **self._settings,
            "access_token": tokens.access_token,
        }
        hidden = [self._fields[key] for key in self._secret_keys]
        return decorate(self._method, request, known, [tokens.access_token, tokens.refresh_token, *hidden])

    async def refused(self, sent: Outgoing) -> bool:
        """Tell whether another token can be got for one more try."""
        return await self._bearing.refused(sent)
