"""Whether what this daemon claimed is surely its own: until when its lease holds, asked at the moment a request leaves."""

from __future__ import annotations

import math

from healthdesk.clock import Clock


class LeaseOver(Exception):
    """A request did not leave: another daemon may have taken up what it is of."""


class Held:
    """One stretch of time in which the lease is held without a break."""

    __slots__ = ("_monotonic", "until_s")

    def __init__(self, clock: Clock, until_s: float) -> None:
        self._monotonic = clock.monotonic
        self.until_s = until_s

    def check(self) -> None:
        """Raise LeaseOver where what was claimed meanwhile may be another daemon's."""
        if self._monotonic() >= self.until_s:
            raise LeaseOver


class Lease:
    """The lease of this daemon. It is never over where there is no other daemon, as with SQLite."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.held: Held | None = None
        """None where there is no other daemon."""

    @property
    def over(self) -> bool:
        """Whether nothing may leave until it is renewed."""
        held = self.held
        return held is not None and self._clock.monotonic() >= held.until_s

    def renewed(self, until_s: float, *, held: bool) -> None:
        """Take until when it holds surely, in monotonic seconds, and whether it `held` until it was renewed."""
        if self.held is None or not held:
            if self.held is not None:
                self.held.until_s = -math.inf
            self.held = Held(self._clock, until_s)
        else:
            self.held.until_s = until_s
