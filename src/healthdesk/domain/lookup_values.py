"""Values of lookup fields as keyed hashes: a record is found by an exact value, and no index holds the value itself."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable

SECRET_BYTES = 32
SECRET_NAME = "lookup"  # noqa: S105 - a name, no secret


def canonical(value: object) -> str | None:
    """Return a value as the text that is looked for, or None for one that is not looked up.

    Text is itself, so that a number is found whether it was posted as a number or as text. Objects, arrays, null and
    empty text are not looked up.
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def value_hash(secret: bytes, source_id: str, field: str, text: str) -> bytes:
    """Return the HMAC-SHA256 of source, field and canonical text, parted by NUL: 32 bytes."""
    return keyed_hash(secret, source_id, field, text)


def keyed_hash(secret: bytes, *parts: str) -> bytes:
    """Return the HMAC-SHA256 of parts with NUL between them. JSON can hold half of a surrogate pair, which counts as it is."""
    return hmac.digest(secret, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256)


def hashes_of(secret: bytes, source_id: str, fields: Iterable[str], data: object) -> tuple[bytes, ...]:
    """Return the hashes of a record's lookup fields; of those it has no value for, none."""
    if not isinstance(data, dict):
        return ()
    found = ((field, canonical(data.get(field))) for field in fields)
    return tuple(value_hash(secret, source_id, field, text) for field, text in found if text is not None)
