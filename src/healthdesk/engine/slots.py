"""How much each environment may take on: free slots and the rate, decided without I/O."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from healthdesk.clock import Clock
from healthdesk.engine.lease import Lease

AHEAD_S = 0.02
"""How much earlier than it may leave a record of a rated environment is claimed."""

LEFT_S = 0.1
"""How long after its time the place that follows a question is left to attempts."""

BURST_S = 0.05
"""How much of a rate may go at once: a job is not looked at for every record."""

LOOK_S = 0.05
"""How often what waits for the lease looks for it."""

MOST_BATCHED = 4_000
"""Records that an environment with batches has claimed at once, whatever size and concurrency would allow."""


def records_in(requests: int, per_request: int) -> int:
    """Return how many records so many requests take."""
    return min(requests * per_request, max(requests, MOST_BATCHED))


@dataclass(slots=True)
class Bucket:
    """A token bucket that lets no more than `rate_per_s` go within any second, however late it is asked.

    It has room for `BURST_S` worth of tokens, at least one, and fills so much slower.
    """

    rate_per_s: float
    tokens: float = 1.0
    at: float = 0.0

    @property
    def room(self) -> float:
        """Return how many tokens there can be at once."""
        return max(1.0, self.rate_per_s * BURST_S)

    @property
    def refill_per_s(self) -> float:
        """Return how many tokens come a second."""
        return self.rate_per_s + 1 - self.room

    def available(self, now: float) -> int:
        """Return how many sends the rate allows at monotonic `now`."""
        self.tokens = min(self.room, self.tokens + (now - self.at) * self.refill_per_s)
        self.at = now
        return math.floor(self.tokens + 1e-9)

    def take(self, count: int) -> None:
        """Spend `count` tokens."""
        self.tokens -= count

    def wait_s(self) -> float:
        """Return how long until one token is there, as of the last `available`."""
        return max(0.0, (1.0 - self.tokens) / self.refill_per_s)


class Pace:
    """Lets the requests of one environment leave at least `1 / rate_per_s` apart, the first one not earlier than that
    after the start: what a daemon that was killed sent last is not known.

    What is claimed is planned ahead, one place in time each; `turn` is passed at the moment a request leaves, and keeps
    the distance also where connecting took one of them longer than another. Times are monotonic seconds.
    """

    def __init__(self, rate_per_s: float, clock: Clock, lease: Lease | None = None) -> None:
        """`lease` is what this daemon's part of a shared rate is its own under: while it is over nothing leaves."""
        self._clock = clock
        self._lease = lease or Lease(clock)
        self.rate_per_s = rate_per_s
        self._planned = self._leaves = clock.monotonic() + 1 / rate_per_s
        self._questions = self._planned
        self._turns = asyncio.Lock()

    def not_before(self, at: float) -> None:
        """Let nothing leave before monotonic `at`."""
        self._planned = max(self._planned, at)
        self._leaves = max(self._leaves, at)
        self._questions = max(self._questions, at)

    def change(self, rate_per_s: float) -> None:
        """Go on at another rate, the next one at the new distance from the last."""
        later = 1 / rate_per_s - 1 / self.rate_per_s
        self.rate_per_s = rate_per_s
        self._planned += later
        self._leaves += later
        self._questions += later

    def available(self, now: float) -> int:
        """Return how many may be claimed now: those that may leave within `AHEAD_S`. Time that was not used is lost."""
        left_s = now + AHEAD_S - max(now, self._planned)
        return 0 if left_s < 0 else math.floor(left_s * self.rate_per_s + 1e-9) + 1

    def take(self, count: int) -> None:
        """Plan `count` requests that were claimed."""
        if count:
            self._planned = max(self._clock.monotonic(), self._planned) + count / self.rate_per_s

    def wait_s(self) -> float:
        """Return how long until one may be claimed."""
        return max(0.0, self._planned - AHEAD_S - self._clock.monotonic())

    def question_in_s(self) -> float:
        """Return how long a question that is asked now waits."""
        return max(0.0, max(self._questions, self._planned) - self._clock.monotonic())

    async def question(self) -> None:
        """Plan one question, and return shortly before it may leave; `turn` is passed at that moment.

        It takes the next place, before attempts that are due: those take what is free and would leave none. The place
        after it is theirs, so that neither keeps the other from the endpoint.
        """
        while (left_s := self._questions - self._clock.monotonic()) > 1e-9:
            await self._clock.sleep(left_s)
        place = max(self._clock.monotonic(), self._planned)
        self._planned = place + 1 / self.rate_per_s
        self._questions = self._planned + LEFT_S
        if (left_s := place - AHEAD_S - self._clock.monotonic()) > 0:
            await self._clock.sleep(left_s)

    async def turn(self) -> None:
        """Return when a request may leave; the next one may `1 / rate_per_s` after that."""
        async with self._turns:
            while (left_s := self._leaves - self._clock.monotonic()) > 1e-9 or self._lease.over:
                await self._clock.sleep(max(left_s, LOOK_S if self._lease.over else 0.0))
            self._leaves = self._clock.monotonic() + 1 / self.rate_per_s


@dataclass(slots=True)
class Lane:
    """What one environment has under way in this daemon.

    `claimed` counts attempts whose intent is committed and whose result is not; up to twice the concurrency
    are claimed ahead, so that a slot never waits for the next commit. `dirty` says that work may be due.
    """

    concurrency: int
    claimed: int = 0
    dirty: bool = True
    pace: Pace | None = None
    waking: bool = False
    """Whether a timer is set for when its rate allows the next attempt."""
    per_request: int = 1
    """Records that go in one request; concurrency and rate count requests."""

    def wants(self, now: float, *, ahead: bool, settling: int = 0) -> int:
        """Return how many records to claim now; 0 when nothing is due or no slot is free.

        `settling` results are committed in the transaction that claims: their slots are free by then.
        """
        if not self.dirty:
            return 0
        requests = self.concurrency * (2 if ahead and self.pace is None else 1)
        room = records_in(requests, self.per_request) - self.claimed + settling
        if self.pace is not None:
            room = min(room, self.pace.available(now) * self.per_request)
        return max(0, room)

    def asking(self) -> None:
        """Note that a claim is on its way; a wake-up that comes before its answer is not lost."""
        self.dirty = False

    def took(self, wanted: int, got: int) -> None:
        """Note a claim: as many as wanted means that there may be more; fewer, nothing until woken."""
        self.claimed += got
        if self.pace is not None:
            self.pace.take(-(-got // self.per_request))
        if got >= wanted:
            self.dirty = True

    def done(self) -> None:
        """Note that a result is committed."""
        self.claimed -= 1
