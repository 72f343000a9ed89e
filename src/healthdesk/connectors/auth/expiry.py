"""When a stored token ends, where it says so itself: a JSON Web Token carries its end in the claim `exp`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import jwt
from jwt.exceptions import PyJWTError

_MOST_CHARS = 16_384


def expiry_of_tokens(values: Mapping[str, str]) -> datetime | None:
    """Return the earliest end that one of these secrets tells of itself, or None.

    The claim is `exp` of RFC 7519, section 4.1.4. The signature is the app's affair: nothing is trusted but the date.
    """
    ends = [end for value in values.values() if (end := _expiry(value)) is not None]
    return min(ends) if ends else None


def _expiry(value: str) -> datetime | None:
    text = value.strip()
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
