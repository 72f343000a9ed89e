"""A daemon's share of what an integration allows, where several daemons deliver for one desk."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

from healthdesk.domain.states import Environment


@dataclass(frozen=True, slots=True)
class Share:
    """One of `of` daemons; `rank` counts from 0. The shares of all of them add up to the whole."""

    rank: int = 0
    of: int = 1

    def slots(self, concurrency: int, integration_id: str, environment: Environment) -> int:
        """Return how many attempts this daemon may have under way; 0 where others have all."""
        each, left = divmod(concurrency, self.of)
        # Turned by the environment, so that what is left over does not always fall to the same daemon.
        turned = (self.rank + zlib.crc32(f"{integration_id} {environment}".encode())) % self.of
        return each + (1 if turned < left else 0)

    def rate(self, rate_per_s: float) -> float:
        """Return how many attempts a second this daemon may begin."""
        return rate_per_s / self.of


def share_of(daemon_id: str, live: Collection[str]) -> Share:
    """Return the share of a daemon among those that live, itself always included."""
    everyone = sorted({daemon_id, *live})
    return Share(everyone.index(daemon_id), len(everyone))
