"""A daemon's share of what an integration allows, where several daemons deliver for one desk."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

from healthdesk.domain.states import Environment

FOR_QUESTIONS = 0.1
"""How much of a rate is for lookups and probes, where not every daemon has a slot."""


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` daemons; `rank` counts from 0. The shares of all of them add up to the whole.

    `of` is 0 where others deliver and this one cannot.
    """

    rank: int = 0
    of: int = 1

    def slots(self, concurrency: int, integration_id: str, environment: Environment) -> int:
        """Return how many attempts this daemon may have under way; 0 where others have all."""
        if self.of == 0:
            return 0
        each, left = divmod(concurrency, self.of)
        # Turned by the environment, so that what is left over does not always fall to the same daemon.
        turned = (self.rank + zlib.crc32(f"{integration_id} {environment}".encode())) % self.of
        return each + (1 if turned < left else 0)

    def rate(
        self, rate_per_s: float, concurrency: int, integration_id: str, environment: Environment
    ) -> float:
        """Return how many requests a second this daemon may begin: as much of the rate as it has of the slots.

        Where there are fewer slots than daemons, all of them share `FOR_QUESTIONS`: one without a slot asks as well.
        """
        if self.of <= 1:
            return rate_per_s
        asking = 0.0 if concurrency >= self.of else FOR_QUESTIONS
        sending = (1 - asking) * self.slots(concurrency, integration_id, environment) / concurrency
        return rate_per_s * (sending + asking / self.of)


NOTHING = Share(0, 0)


def share_of(daemon_id: str, sharing: Collection[str], *, delivers: bool = True) -> Share:
    """Return the share of a daemon among those that share the work, itself included while it delivers."""
    if not delivers and sharing and daemon_id not in sharing:
        return NOTHING
    everyone = sorted({daemon_id, *sharing})
    return Share(everyone.index(daemon_id), len(everyone))
