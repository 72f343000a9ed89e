"""Limits of callers: token buckets over a monotonic clock."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """One bucket a key: `per_minute` requests a minute, all of them at once if the caller was silent."""

    def __init__(self, *, most_keys: int = 10_000) -> None:
        self._buckets: dict[Hashable, _Bucket] = {}
        self._most_keys = most_keys

    def take(self, key: Hashable, per_minute: float, now_s: float) -> float:
        """Take a token. Return 0 when there was one, else the seconds until there is."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._most_keys:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets[key] = _Bucket(float(per_minute), now_s)
        per_s = per_minute / 60
        bucket.tokens = min(float(per_minute), bucket.tokens + max(0.0, now_s - bucket.at) * per_s)
        bucket.at = now_s
        # A hair under one is one: sums of fractions must not cost a caller who waited as told another wait.
        if bucket.tokens >= 1 - 1e-9:
            bucket.tokens = max(0.0, bucket.tokens - 1)
            return 0.0
        return (1 - bucket.tokens) / per_s
