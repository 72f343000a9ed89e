"""Signatures: Standard Webhooks, ours and theirs, and configurable HMACs of callbacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime


def new_secret(random: bytes) -> str:
    """Return a signing secret `whsec_…` of at least 24 random bytes."""
    raise NotImplementedError


def sign(secrets: Sequence[str], msg_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the `webhook-signature` header: one `v1,<base64>` a secret, separated by spaces."""
    raise NotImplementedError


def verify_standard_webhook(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> str | None:
    """Return why the callback is not authentic, or None when it is. Header names in any case."""
    raise NotImplementedError


def verify_hmac(
    secret: str, *, header_value: str | None, algorithm: str, encoding: str, prefix: str, body: bytes
) -> str | None:
    """Return why the HMAC of the raw body is not right, or None when it is."""
    raise NotImplementedError
