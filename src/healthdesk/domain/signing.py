"""Signatures: Standard Webhooks, ours and theirs, and configurable HMACs of callbacks."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from healthdesk.errors import Malformed

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
TOLERANCE_S = 300
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_BRANDED = ("svix-id", "svix-timestamp", "svix-signature")
_MIN_SECRET_BYTES = 24


def new_secret(random: bytes) -> str:
    """Return a signing secret `whsec_…` of at least 24 random bytes."""
    if len(random) < _MIN_SECRET_BYTES:
        raise ValueError(f"a signing secret needs {_MIN_SECRET_BYTES} random bytes")
    return SECRET_PREFIX + base64.b64encode(random).decode()


def secret_key(secret: str) -> bytes:
    """Return the key of a `whsec_…` secret (the prefix may be missing). Raises Malformed when it is none."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise Malformed(
            "This is not a Standard Webhooks secret.",
            fix="It is whsec_ and base64: copy it whole from the app.",
            field="callback_secret",
        )
    return key


def sign(secrets: Sequence[str], msg_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the `webhook-signature` header: one `v1,<base64>` a secret, separated by spaces."""
    content = f"{msg_id}.{timestamp_s}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(secret_key(secret), content, "sha256")).decode()
        for secret in secrets
    )


def verify_standard_webhook(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> str | None:
    """Return why the callback is not authentic, or None when it is.

    Header names are taken in any case, and under the branded names (`svix-id` …) some senders use.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    names = _HEADERS if _HEADERS[0] in lowered else _BRANDED if _BRANDED[0] in lowered else _HEADERS
    missing = [name for name in names if not lowered.get(name)]
    if missing:
        return f"The header {missing[0]} is missing."
    msg_id, timestamp, signatures = (lowered[name] for name in names)
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return f"The header {names[1]} is not a number of seconds."
    age_s = now.timestamp() - int(timestamp)
    if abs(age_s) > TOLERANCE_S:
        when = "ago" if age_s > 0 else "in the future"
        return f"It was signed more than 5 minutes {when} (by the clock here)."
    if not secrets:
        return "No secret is configured to verify it with."
    # Signed are the bytes that came; a header that is not UTF-8 has them as surrogates.
    content = f"{msg_id}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    good = False
    expected = [hmac.digest(secret_key(secret), content, "sha256") for secret in secrets]
    for signature in signatures.split():
        version, _, encoded = signature.partition(",")
        given = decoded(encoded, "base64") if version == "v1" else None
        for digest in expected:
            good |= given is not None and hmac.compare_digest(given, digest)
    return None if good else "The signature does not match."


def decoded(text: str, encoding: str) -> bytes | None:
    """Return the bytes of a signature in hex or base64, or None when it is neither."""
    try:
        if encoding == "hex":
            return binascii.unhexlify(text)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
