"""When a healthy connection is checked next: daily, in a slot of its own, so that many are never a burst."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

_WORTH_A_CHECK = 0.01
"""A slot nearer than this part of the interval counts as the one that is just being used."""


def slot_of(connection_id: str) -> float:
    """Return where in the interval a connection has its slot, in [0, 1): always the same, and evenly spread."""
    return int.from_bytes(blake2b(connection_id.encode(), digest_size=6).digest(), "big") / 2**48


def next_in_slot(now: datetime, every_s: float, slot: float, jitter: float, *, settled: bool) -> datetime:
    """Return when to check again.

    A connection that just began to work (not `settled`) goes to its next slot, within one interval. One that works
    keeps the interval and moves towards its slot by up to ±`jitter` of it: after an outage or a round of checks by
    hand the checks drift apart again.
    """
    to_slot_s = (slot * every_s - now.timestamp()) % every_s
    if settled:
        drift_s = to_slot_s if to_slot_s <= every_s / 2 else to_slot_s - every_s
        most_s = jitter * every_s
        return now + timedelta(seconds=every_s + min(most_s, max(-most_s, drift_s)))
    if to_slot_s < every_s * _WORTH_A_CHECK:
        to_slot_s += every_s
    return now + timedelta(seconds=to_slot_s)
