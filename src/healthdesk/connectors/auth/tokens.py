"""Tokens that were got with credentials, and where they are kept between requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token endpoint gave. `expires_at` is None where it did not say.

    `values` is what else it said (`instance_url`, `scope`), for templates; `hidden` what of it is secret.
    """

    access_token: str
    obtained_at: datetime
    refresh_token: str = ""
    expires_at: datetime | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show no token: a traceback or a log line must not hold a secret."""
        return f"Tokens(obtained_at={self.obtained_at.isoformat()})"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; secret."""
        return {
            "access_token": self.access_token,
            "obtained_at": self.obtained_at.isoformat(),
            "refresh_token": self.refresh_token,
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
            "values": dict(self.values),
            "hidden": dict(self.hidden),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        expires_at = kept.get("expires_at")
        return cls(
            access_token=kept["access_token"],
            obtained_at=datetime.fromisoformat(kept["obtained_at"]),
            refresh_token=kept.get("refresh_token", ""),
            expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
            values=dict(kept.get("values", {})),
            hidden=dict(kept.get("hidden", {})),
        )


Fetch = Callable[[Tokens | None], Awaitable[Tokens]]
"""Asks the token endpoint, with the tokens there are; raises NotAuthorized."""


class TokenStore(Protocol):
    """Where the tokens of one connection are, and who may get new ones."""

    async def current(self) -> Tokens | None:
        """Return the tokens as they were last known, or None before there were any."""
        ...

    async def renew(self, stale: Tokens | None, fetch: Fetch) -> Tokens:
        """Return tokens other than `stale`: those that somebody else got meanwhile, or what `fetch` gives.

        One fetch at a time; what it gave is kept before it is returned. Raises NotAuthorized.
        """
        ...


class MemoryTokens:
    """Tokens that are kept nowhere else: of credentials that are tried before they are saved."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.latest = tokens
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> Tokens | None:
        """Return the tokens."""
        return self.latest

    async def renew(self, stale: Tokens | None, fetch: Fetch) -> Tokens:
        """Return newer tokens than `stale`; raises NotAuthorized."""
        async with self._one_at_a_time:
            if self.latest is None or self.latest is stale:
                self.latest = await fetch(self.latest)
            return self.latest
