"""How much each environment may take on: free slots and the rate, decided without I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A token bucket of `rate_per_s` with room for one second's worth (at least one)."""

    rate_per_s: float
    tokens: float = 1.0
    at: float = 0.0

    def available(self, now: float) -> int:
        """Return how many sends the rate allows at monotonic `now`."""
        room = max(1.0, self.rate_per_s)
        self.tokens = min(room, self.tokens + (now - self.at) * self.rate_per_s)
        self.at = now
        return math.floor(self.tokens + 1e-9)

    def take(self, count: int) -> None:
        """Spend `count` tokens."""
        self.tokens -= count

    def wait_s(self) -> float:
        """Return how long until one token is there, as of the last `available`."""
        return max(0.0, (1.0 - self.tokens) / self.rate_per_s)


@dataclass(slots=True)
class Lane:
    """What one environment has under way in this daemon.

    `claimed` counts attempts whose intent is committed and whose result is not; up to twice the concurrency
    are claimed ahead, so that a slot never waits for the next commit. `dirty` says that work may be due.
    """

    concurrency: int
    claimed: int = 0
    dirty: bool = True
    bucket: Bucket | None = None
    waking: bool = False
    """Whether a timer is set for when its rate allows the next attempt."""

    def wants(self, now: float, *, ahead: bool, settling: int = 0) -> int:
        """Return how many records to claim now; 0 when nothing is due or no slot is free.

        `settling` results are committed in the transaction that claims: their slots are free by then.
        """
        if not self.dirty:
            return 0
        room = self.concurrency * (2 if ahead and self.bucket is None else 1) - self.claimed + settling
        if self.bucket is not None:
            room = min(room, self.bucket.available(now))
        return max(0, room)

    def asking(self) -> None:
        """Note that a claim is on its way; a wake-up that comes before its answer is not lost."""
        self.dirty = False

    def took(self, wanted: int, got: int) -> None:
        """Note a claim: as many as wanted means that there may be more; fewer, nothing until woken."""
        self.claimed += got
        if self.bucket is not None:
            self.bucket.take(got)
        if got >= wanted:
            self.dirty = True

    def done(self) -> None:
        """Note that a result is committed."""
        self.claimed -= 1
