"""Whether a credential still belongs to whom it belonged: account, site and scopes, compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from healthdesk.domain.identity import Identity

MOST_SCOPES = 12
"""How many scopes are named; some apps grant hundreds."""


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One thing of a credential that is another one now. `loses`: it may do less than before."""

    what: Literal["account", "site", "scopes"]
    before: str
    after: str
    sentence: str
    loses: bool = False


def identity_changes(before: Identity, after: Identity) -> list[IdentityChange]:
    """Return how `after` differs from `before`, account first; empty where it is the same.

    Only what the app told both times is compared: a site or scopes it leaves out say nothing. An account that was
    renamed is the same account.
    """
    changes: list[IdentityChange] = []
    if before.account_id != after.account_id:
        was, is_now = _account(before), _account(after)
        changes.append(
            IdentityChange(
                "account", was, is_now, f"The credential belongs to the account {is_now} now, it was {was}."
            )
        )
    if before.site and after.site and _plain(before.site) != _plain(after.site):
        changes.append(
            IdentityChange(
                "site",
                before.site,
                after.site,
                f"The credential belongs to the site {after.site} now, it was {before.site}.",
            )
        )
    if before.scopes is not None and after.scopes is not None:
        lost = sorted(set(before.scopes) - set(after.scopes))
        gained = sorted(set(after.scopes) - set(before.scopes))
        if lost or gained:
            changes.append(
                IdentityChange(
                    "scopes",
                    scope_words(before.scopes),
                    scope_words(after.scopes),
                    _scope_sentence(lost, gained),
                    loses=bool(lost),
                )
            )
    return changes


def scope_words(scopes: tuple[str, ...] | list[str]) -> str:
    """Return scopes as one line, the same for the same set."""
    named = sorted(set(scopes))
    shown = ", ".join(named[:MOST_SCOPES]) or "none"
    return shown if len(named) <= MOST_SCOPES else f"{shown} and {len(named) - MOST_SCOPES} more"


def _account(identity: Identity) -> str:
    """Return the account as people read it; two that read alike are told apart by their ids."""
    if identity.account and identity.account != identity.account_id:
        return f"{identity.account} ({identity.account_id})"
    return identity.account_id


def _plain(site: str) -> str:
    return site.strip().rstrip("/").casefold()


def _scope_sentence(lost: list[str], gained: list[str]) -> str:
    parts = []
    if lost:
        parts.append(f"lost {scope_words(lost)}")
    if gained:
        parts.append(f"gained {scope_words(gained)}")
    return f"The scopes of the credential changed: it {' and '.join(parts)}."
