"""How far the clocks of a host and of its database are apart, and how that is said."""

from __future__ import annotations

from datetime import datetime

SKEW_S = 10.0
"""Clocks further apart are told of: what one daemon plans comes early or late at another."""

SKEW_FIX = "keep the clocks of all hosts right with NTP"


def skew_s(before: datetime, theirs: datetime, after: datetime) -> float:
    """Return how many seconds a clock read twice is ahead of one read in between (negative: behind).

    0 while the two may agree: how long the reading took must not look like a difference.
    """
    if theirs < before:
        return (before - theirs).total_seconds()
    return min(0.0, (after - theirs).total_seconds())


def skew_sentence(ahead_s: float) -> str:
    """Say how the clocks differ."""
    how = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"the clock of this host is {abs(ahead_s):.0f} s {how} the database's: retries may come early or late"
    )
