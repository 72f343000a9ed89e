"""Whose a credential is: the account, its site, what it may do, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Identity:
    """What an app said of a credential. `scopes` is None where the app does not tell; `expires_at` likewise."""

    account_id: str
    account: str = ""
    site: str = ""
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None

    @property
    def label(self) -> str:
        """Return the account as a row shows it: `acme · ops@acme.io`, with the site where the app tells one."""
        account = self.account or self.account_id
        site = urlsplit(self.site).netloc or self.site
        return account if not site or site == account else f"{site} · {account}"

    def completed(self, by: Identity | None) -> Identity:
        """Return this with what the app left out taken from another answer about the same account."""
        if by is None or by.account_id != self.account_id:
            return self
        return Identity(
            account_id=self.account_id,
            account=self.account or by.account,
            site=self.site or by.site,
            scopes=by.scopes if self.scopes is None else self.scopes,
            expires_at=self.expires_at or by.expires_at,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "account_id": self.account_id,
            "account": self.account,
            "site": self.site,
            "scopes": None if self.scopes is None else list(self.scopes),
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        scopes, expires_at = kept.get("scopes"), kept.get("expires_at")
        return cls(
            account_id=kept["account_id"],
            account=kept.get("account", ""),
            site=kept.get("site", ""),
            scopes=None if scopes is None else tuple(scopes),
            expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        )
