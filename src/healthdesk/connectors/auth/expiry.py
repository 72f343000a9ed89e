"""When a stored token or certificate ends, where it says so itself: a JSON Web Token in its claim `exp`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import jwt
from cryptography import x509
from jwt.exceptions import PyJWTError

_MOST_CHARS = 16_384
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def expiry_of_tokens(values: Mapping[str, str]) -> datetime | None:
    """Return the earliest end that one of these secrets tells of itself, or None.

    The claim is `exp` of RFC 7519, section 4.1.4. The signature is the app's affair: nothing is trusted but the date.
    """
    ends = [end for value in values.values() if (end := _expiry(value)) is not None]
    return min(ends) if ends else None


def _expiry(value: str) -> datetime | None:
    text = value.strip()
    if text.startswith(_CERTIFICATE):
        return _end_of_certificate(text)
    if text.count(".") != 2 or len(text) > _MOST_CHARS:
        return None
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
        end = claims.get("exp")
        if isinstance(end, bool) or not isinstance(end, int | float):
            return None
        return datetime.fromtimestamp(end, UTC)
    except (PyJWTError, ValueError, OverflowError, OSError):
        return None


def _end_of_certificate(pem: str) -> datetime | None:
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0].not_valid_after_utc
    except ValueError:
        return None
