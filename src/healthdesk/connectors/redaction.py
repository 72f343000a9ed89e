"""What is kept of a request and its answer: the domain's redaction, remembered by name because it is on the hot path."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from healthdesk.domain.masking import redact_headers, redact_url

# Of an answer's headers no more than this is kept.
HEADER_ROOM = 16_384
_PROBE = "a value nobody would send"
_NOBODY: frozenset[str] = frozenset()

redacted_url = lru_cache(maxsize=1024)(redact_url)


def redacted(headers: Iterable[tuple[str, str]], secret_names: frozenset[str] = _NOBODY) -> dict[str, str]:
    """Return headers as they may be kept: plain text, capped, secrets hidden. `secret_names` are in lower case."""
    kept: dict[str, str] = {}
    room = HEADER_ROOM
    for given, value in headers:
        name, lower, secret = _facts(given)
        if not value.isascii():
            value = readable(value)
        if secret or lower in secret_names:
            value = _hidden(lower, value)
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def readable(text: str) -> str:
    """Return header text with what is not UTF-8 replaced: bytes of others, and halves of surrogate pairs.

    What is kept must be encodable, whatever it was.
    """
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace")


@lru_cache(maxsize=1024)
def _facts(given: str) -> tuple[str, str, bool]:
    """Return a header's name as a plain string, in lower case, and whether it is always secret.

    The domain alone knows which are secret, so it is asked, once a name.
    """
    name = readable("".join(given))
    return name, name.lower(), redact_headers({name: _PROBE})[name] != _PROBE


@lru_cache(maxsize=256)
def _hidden(lower: str, value: str) -> str:
    return redact_headers({lower: value}, (lower,))[lower]
