"""Verification of callbacks: who sent them, which delivery they are, which event they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class VerificationSpec(Protocol):
    """How callbacks of a connection are verified; the API's CallbackVerification and store rows fit it."""

    @property
    def scheme(self) -> str:
        """One of none, standard_webhooks, hmac."""
        ...

    @property
    def header(self) -> str:
        """The header with the HMAC."""
        ...

    @property
    def algorithm(self) -> str:
        """One of sha1, sha256, sha512."""
        ...

    @property
    def encoding(self) -> str:
        """One of hex, base64."""
        ...

    @property
    def prefix(self) -> str:
        """Text before the HMAC, such as `sha256=`."""
        ...

    @property
    def id_header(self) -> str:
        """The header with the delivery id, or empty."""
        ...

    @property
    def event_header(self) -> str:
        """The header with the event's name, or empty."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A callback whose sender is known. `delivery_id` deduplicates it; `event` may be empty."""

    delivery_id: str
    event: str


def verify_callback(
    verification: VerificationSpec,
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> Verified:
    """Return the delivery id and event of a genuine callback, or raise Unauthenticated with the reason.

    Without an id of its own, a callback's delivery id is the digest of its body.
    """
    raise NotImplementedError
