"""Time-ordered ids with a prefix, such as `rec_01JD…`: 48 bits of milliseconds, then 80 random bits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class IdFactory:
    """Makes ids that only ever grow, across prefixes, and also when the clock goes backwards. Thread-safe."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        """Take `randomness(n)`, which gives n unpredictable bytes."""
        raise NotImplementedError

    def new(self, prefix: str, now: datetime) -> str:
        """Return an id greater than every one before, of the time `now` (or later, if the clock went back)."""
        raise NotImplementedError


def id_time(text: str) -> datetime:
    """Return when the id was made, to the millisecond. Raises Malformed if it is no id."""
    raise NotImplementedError


def first_id_at(prefix: str, at: datetime) -> str:
    """Return the lowest id of the millisecond of `at`: ids made at or after it are >= this."""
    raise NotImplementedError


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` is an id with this prefix."""
    raise NotImplementedError
