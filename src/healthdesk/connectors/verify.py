"""Verification of callbacks: who sent them, which delivery they are, which event they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from healthdesk.domain.signing import verify_hmac, verify_standard_webhook
from healthdesk.errors import Malformed, Unauthenticated


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
    """A callback whose sender is known. `delivery_id` deduplicates it unless it is empty; `event` may be empty."""

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

    The delivery id is empty where the callback names none: it cannot be told from another with the same body then,
    and losing a genuine one would be worse than processing one twice.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id_header = verification.id_header.lower()
    if verification.scheme == "standard_webhooks":
        reason = _verify_standard(secrets, given, body, now)
        # Only the signed id counts: anybody could change another header of a genuine callback.
        id_header = "webhook-id" if "webhook-id" in given else "svix-id"
    elif verification.scheme == "hmac":
        reason = _verify_hmac(verification, secrets, given.get(verification.header.lower()), body)
    elif verification.scheme == "none":
        reason = None
    else:
        reason = f"The verification scheme {verification.scheme!r} is not known."
    if reason is not None:
        raise Unauthenticated(reason)
    return Verified(_delivery_id(given.get(id_header, "").strip()), _event(verification, given, body))


def _verify_standard(
    secrets: Sequence[str], given: Mapping[str, str], body: bytes, now: datetime
) -> str | None:
    try:
        return verify_standard_webhook(secrets, given, body, now)
    except Malformed:
        return "The callback secret of the connection is not a Standard Webhooks secret (whsec_…)."


def _verify_hmac(
    verification: VerificationSpec, secrets: Sequence[str], header_value: str | None, body: bytes
) -> str | None:
    """Return the first secret's reason, or None when any secret fits: two are valid while one is being rotated."""
    reasons: list[str] = []
    for secret in secrets or ("",):
        reason = verify_hmac(
            secret,
            header=verification.header,
            header_value=header_value,
            algorithm=verification.algorithm,
            encoding=verification.encoding,
            prefix=verification.prefix,
            body=body,
        )
        if reason is None:
            return None
        reasons.append(reason)
    return reasons[0]


def _delivery_id(text: str) -> str:
    """Return the id as it is kept. Cutting a long one could fold two deliveries into one; a digest cannot."""
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _event(verification: VerificationSpec, given: Mapping[str, str], body: bytes) -> str:
    """Return the event's name: from its header, or from the `type` of a Standard Webhooks body."""
    if verification.event_header:
        return _plain(given.get(verification.event_header.lower(), ""))
    if verification.scheme != "standard_webhooks":
        return ""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    return _plain(kind) if isinstance(kind, str) else ""


def _plain(text: str) -> str:
    """Return a name from outside without what cannot be printed, and not too long."""
    return "".join(each for each in text.strip() if each.isprintable())[:_LONGEST_EVENT]


_LONGEST_ID = 200
_LONGEST_EVENT = 100
