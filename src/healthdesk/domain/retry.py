"""When a delivery is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

DEFAULT_SCHEDULE_S: tuple[float, ...] = (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
"""Seconds before each attempt of a round: the first at once, then after each failure."""


def next_attempt_at(
    now: datetime,
    tries: int,
    schedule: Sequence[float],
    jitter_unit: float,
    retry_after_s: float | None,
    jitter: float = 0.2,
) -> datetime | None:
    """Return when to try again after `tries` attempts of this round, or None when the schedule is exhausted.

    `jitter_unit` in [0, 1) spreads the delay over ±`jitter`. A Retry-After is honoured: the delay is at
    least that long, but no longer than the next two steps of the schedule together or an hour, whichever is more.
    """
    raise NotImplementedError
