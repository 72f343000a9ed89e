"""When a delivery is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

DEFAULT_SCHEDULE_S: tuple[float, ...] = (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
"""Seconds before each attempt of a round: the first at once, then after each failure."""

RETRY_AFTER_FLOOR_S = 3600.0
"""A Retry-After up to this is always honoured whole."""


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
    if tries >= len(schedule):
        return None
    delay_s = spread(schedule[tries], jitter_unit, jitter)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, _honoured_s(tries, schedule)))
    return now + timedelta(seconds=delay_s)


def wait_after(tries: int, schedule: Sequence[float], jitter_unit: float, jitter: float = 0.2) -> float:
    """Return the seconds of the wait after `tries` attempts; once the schedule has ended, those of its last one."""
    return spread(schedule[min(tries, len(schedule) - 1)], jitter_unit, jitter)


def longest_wait_s(tries: int, schedule: Sequence[float], jitter: float = 0.2) -> float:
    """Return the longest that a wait after `tries` attempts of a round can be: a later time was not planned so."""
    planned_s = spread(schedule[tries], 1.0, jitter) if tries < len(schedule) else 0.0
    return max(planned_s, _honoured_s(tries, schedule))


def _honoured_s(tries: int, schedule: Sequence[float]) -> float:
    return max(sum(schedule[tries : tries + 2]), RETRY_AFTER_FLOOR_S)


def spread(delay_s: float, jitter_unit: float, jitter: float) -> float:
    """Return the delay moved within ±`jitter` of itself, as `jitter_unit` in [0, 1) says."""
    return max(0.0, delay_s * (1 + jitter * (2 * jitter_unit - 1)))
