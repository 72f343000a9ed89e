"""Verification of callbacks: who sent them, which delivery they are, which event they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from healthdesk.domain.signing import verify_hmac, verify_standard_webhook
from healthdesk.errors import Unauthenticated


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
    given = {name.lower(): value for name, value in headers.items()}
    if verification.scheme == "standard_webhooks":
        reason = verify_standard_webhook(secrets, given, body, now) if secrets else _NOTHING_TO_VERIFY_WITH
        id_header = verification.id_header or "webhook-id"
    elif verification.scheme == "hmac":
        reason = _verify_hmac(verification, secrets, given.get(verification.header.lower()), body)
        id_header = verification.id_header
    elif verification.scheme == "none":
        reason = None
        id_header = verification.id_header
    else:
        reason = f"the verification scheme {verification.scheme!r} is not known"
        id_header = ""
    if reason is not None:
        raise Unauthenticated(reason, field=verification.header if verification.scheme == "hmac" else "")
    delivery_id = given.get(id_header.lower(), "").strip() if id_header else ""
    if not delivery_id:
        delivery_id = "sha256:" + hashlib.sha256(body).hexdigest()
    elif len(delivery_id) > _LONGEST_ID:
        # Cutting would fold two deliveries into one; a digest keeps them apart.
        delivery_id = "sha256:" + hashlib.sha256(delivery_id.encode("utf-8", "replace")).hexdigest()
    return Verified(delivery_id, _event(verification, given, body))


def _verify_hmac(
    verification: VerificationSpec, secrets: Sequence[str], header_value: str | None, body: bytes
) -> str | None:
    """Return the first secret's reason, or None when any secret fits: two are valid while one is being rotated."""
    first = None if secrets else _NOTHING_TO_VERIFY_WITH
    for secret in secrets:
        reason = verify_hmac(
            secret,
            header_value=header_value,
            algorithm=verification.algorithm,
            encoding=verification.encoding,
            prefix=verification.prefix,
            body=body,
        )
        if reason is None:
            return None
        first = first or reason
    return first


def _event(verification: VerificationSpec, given: Mapping[str, str], body: bytes) -> str:
    """Return the event's name: from its header, or from the `type` of a Standard Webhooks body."""
    if verification.event_header:
        return given.get(verification.event_header.lower(), "").strip()[:_LONGEST_EVENT]
    if verification.scheme != "standard_webhooks":
        return ""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    kind = parsed.get("type") if isinstance(parsed, dict) else None
    return kind[:_LONGEST_EVENT] if isinstance(kind, str) and kind.isprintable() else ""


_NOTHING_TO_VERIFY_WITH = "the connection has no callback secret to verify with"
_LONGEST_ID = 200
_LONGEST_EVENT = 100
