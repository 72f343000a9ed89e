"""Time-ordered ids with a prefix, such as `rec_01JD…`: 48 bits of milliseconds, then 80 that make it unique."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count

from healthdesk.errors import Malformed

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_DIGITS = {char: value for value, char in enumerate(_ALPHABET)}
_NUMBER_BITS = 40
_NOISE_BITS = 40
_RANDOM_BITS = _NUMBER_BITS + _NOISE_BITS
_MAX_MS = (1 << 48) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHAPE = re.compile(r"([a-z]{3})_([0-7][0-9A-HJKMNP-TV-Z]{25})", re.ASCII)


class IdFactory:
    """Makes ids that only ever grow, across prefixes, and also when the clock goes backwards.

    After the milliseconds come a number that counts from a random start, then random bits. Taking the next number
    is one step that no other thread can come between, so two threads never make the same id.
    """

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        """Take `randomness(n)`, which gives n unpredictable bytes."""
        self._randomness = randomness
        # the top bit starts as 0: there is room for more numbers than will ever be used
        self._numbers = count(int.from_bytes(randomness(_NUMBER_BITS // 8), "big") >> 1)
        self._last_ms = 0

    def new(self, prefix: str, now: datetime) -> str:
        """Return an id greater than every one before, of the time `now` (or later, if the clock went back)."""
        milliseconds = _milliseconds(now)
        if milliseconds < self._last_ms:
            milliseconds = self._last_ms
        else:
            self._last_ms = milliseconds
        noise = int.from_bytes(self._randomness(_NOISE_BITS // 8), "big")
        number = next(self._numbers)
        pairs = _PAIRS
        # Spelt out, and the digits that seldom change kept: an id is made for every record and attempt.
        return (
            f"{prefix}_{_time_part(milliseconds)}{_slow_part(number >> 10)}{pairs[number & 1023]}"
            f"{pairs[noise >> 30]}{pairs[noise >> 20 & 1023]}{pairs[noise >> 10 & 1023]}{pairs[noise & 1023]}"
        )


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
    return f"{prefix}_{_time_part(_milliseconds(at))}{_PAIRS[0] * (_RANDOM_BITS // 10)}"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` is an id with this prefix."""
    match = _SHAPE.fullmatch(text)
    return match is not None and match[1] == prefix


def _milliseconds(at: datetime) -> int:
    since = at - _EPOCH
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    return milliseconds if 0 <= milliseconds <= _MAX_MS else 0 if milliseconds < 0 else _MAX_MS


@lru_cache(maxsize=64)
def _time_part(milliseconds: int) -> str:
    """Return the first ten digits; ids of one millisecond share them."""
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


@lru_cache(maxsize=64)
def _slow_part(number: int) -> str:
    """Return the next six digits, the counting number without its last two; a thousand ids share them."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in (20, 10, 0)])
