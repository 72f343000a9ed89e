"""Time-ordered ids with a prefix, such as `rec_01JD…`: 48 bits of milliseconds, then 80 random bits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from healthdesk.errors import Malformed

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_DIGITS = {char: value for value, char in enumerate(_ALPHABET)}
_LENGTH = 26
_RANDOM_BITS = 80
_MAX_MS = (1 << 48) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHAPE = re.compile(r"([a-z]{3})_([0-7][0-9A-HJKMNP-TV-Z]{25})", re.ASCII)


class IdFactory:
    """Makes ids that only ever grow, across prefixes, and also when the clock goes backwards. Thread-safe."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        """Take `randomness(n)`, which gives n unpredictable bytes."""
        self._randomness = randomness
        self._last = -1
        self._lock = Lock()

    def new(self, prefix: str, now: datetime) -> str:
        """Return an id greater than every one before, of the time `now` (or later, if the clock went back)."""
        first = _milliseconds(now) << _RANDOM_BITS
        with self._lock:
            if first > self._last:
                # the top random bit stays 0, so that the ids of one millisecond cannot run into the next one
                self._last = first | int.from_bytes(self._randomness(10), "big") >> 1
            else:
                self._last += 1
            value = self._last
        return f"{prefix}_{_encode(value)}"


def id_time(text: str) -> datetime:
    """Return when the id was made, to the millisecond. Raises Malformed if it is no id."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise Malformed(
            "This is not an id.", fix="Ids look like rec_01JDZ6…: copy one from a list.", field="id"
        )
    value = 0
    for char in match[2]:
        value = value << 5 | _DIGITS[char]
    try:
        return _EPOCH + (value >> _RANDOM_BITS) * _MILLISECOND
    except OverflowError:
        raise Malformed("This is not an id: its time is out of range.", field="id") from None


def first_id_at(prefix: str, at: datetime) -> str:
    """Return the lowest id of the millisecond of `at`: ids made at or after it are >= this."""
    return f"{prefix}_{_encode(_milliseconds(at) << _RANDOM_BITS)}"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` is an id with this prefix."""
    match = _SHAPE.fullmatch(text)
    return match is not None and match[1] == prefix


def _milliseconds(at: datetime) -> int:
    return min(max((at - _EPOCH) // _MILLISECOND, 0), _MAX_MS)


def _encode(value: int) -> str:
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 1023] for shift in range(120, -1, -10)])
