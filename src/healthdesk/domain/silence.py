"""When a source is silent: it sent nothing for longer than it usually leaves between two records.

What is usual is learnt from the gaps between arrivals, kept as a histogram for each of the last days.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from healthdesk.domain.folding import digest
from healthdesk.domain.problem_keys import ProblemKey
from healthdesk.domain.states import Blame, Environment, ErrorKind

LEAST_GAPS = 20
"""Fewer say nothing of what is usual."""

SHORTEST = timedelta(minutes=10)
FACTOR = 3.0
PERCENTILE = 0.95
RECURRING = 3
"""A gap seen so many times is usual, however rare among many short ones: the night of a source that rests at night."""

RECURRING_FACTOR = 1.5
KEPT_DAYS = 28
STEPS_PER_DOUBLING = 4


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was seen of a source: by day, how many gaps of which length; up to which record (`last_id`) it was looked at.

    A length is a step: gaps of up to 2 ** (step / 4) seconds.
    """

    days: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    last_id: str = ""
    last_at: datetime | None = None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, or nothing."""
        days = {
            day: {int(step): count for step, count in steps.items()}
            for day, steps in kept.get("days", {}).items()
        }
        last_at = kept.get("last_at")
        return cls(days, kept.get("last_id", ""), datetime.fromisoformat(last_at) if last_at else None)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        days = {day: {str(step): count for step, count in steps.items()} for day, steps in self.days.items()}
        return {
            "days": days,
            "last_id": self.last_id,
            "last_at": self.last_at.isoformat() if self.last_at else None,
        }

    def past(self, last_id: str, last_at: datetime) -> Learnt:
        """Return the same with what came up to a record passed over."""
        return Learnt(self.days, last_id, last_at)

    def gaps(self) -> Counter[int]:
        """Return how many gaps of each step were seen."""
        total: Counter[int] = Counter()
        for steps in self.days.values():
            total.update(steps)
        return total


def learn(known: Learnt, arrivals: Sequence[tuple[str, datetime]]) -> Learnt:
    """Take in arrivals (id and time, oldest first) that came after those known; what is too old is forgotten.

    A time before the one known, of a clock that was set back, makes no gap.
    """
    if not arrivals:
        return known
    days = {day: dict(steps) for day, steps in known.days.items()}
    last = known.last_at
    for _, at in arrivals:
        if last is not None and at > last:
            steps = days.setdefault(at.astimezone(UTC).date().isoformat(), {})
            step = _step((at - last).total_seconds())
            steps[step] = steps.get(step, 0) + 1
        last = at if last is None else max(last, at)
    newest = date.fromisoformat(max(days)) if days else None
    if newest is not None:
        oldest = (newest - timedelta(days=KEPT_DAYS)).isoformat()
        days = {day: steps for day, steps in days.items() if day > oldest}
    return Learnt(days, arrivals[-1][0], last)


def usual_gap(known: Learnt) -> timedelta | None:
    """Return the gap that nearly all stay within, None while too few were seen."""
    gaps = known.gaps()
    if gaps.total() < LEAST_GAPS:
        return None
    return timedelta(seconds=_longest_of(gaps, gaps.total() - math.ceil(PERCENTILE * gaps.total())))


def learnt_limit(known: Learnt) -> timedelta | None:
    """Return after how long silence is a problem, as far as that was learnt."""
    usual = usual_gap(known)
    if usual is None:
        return None
    recurring = timedelta(seconds=_longest_of(known.gaps(), RECURRING - 1))
    return max(usual * FACTOR, recurring * RECURRING_FACTOR, SHORTEST)


def limit_of(known: Learnt, set_gap_s: float | None, environment: Environment) -> timedelta | None:
    """Return after how long silence is a problem, None for never.

    What was set goes before what was learnt; in testing nothing is learnt.
    """
    if set_gap_s is not None:
        return timedelta(seconds=set_gap_s) if set_gap_s > 0 else None
    return learnt_limit(known) if environment is Environment.PRODUCTION else None


def silence_fingerprint(source_id: str, integration_id: str, environment: Environment) -> str:
    """Return the fingerprint of the problem that a source is silent."""
    return digest("silence", source_id, integration_id, environment.value)


def key_for_silence(
    source_id: str,
    source_name: str,
    integration_id: str,
    environment: Environment,
    last_at: datetime,
    limit: timedelta,
    owner: str,
) -> ProblemKey:
    """Return the problem that a source sent nothing since `last_at`, longer than `limit`."""
    what = f"{source_name} sent nothing since {last_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    cause = f"{what}, longer than {in_words(limit)}"
    return ProblemKey(
        fingerprint=silence_fingerprint(source_id, integration_id, environment),
        kind=ErrorKind.SILENT,
        blame=Blame.THEM,
        status=None,
        cause=cause,
        safe_cause=cause,
        next_action="Look whether the upstream system still sends; the next record ends this. "
        "Set another gap with `healthdesk sources silence` if this one is usual",
        owner=owner,
        integration_id=integration_id,
        connection_id=None,
        environment=environment,
        opens_at_once=True,
    )


def in_words(length: timedelta) -> str:
    """Return a length of time to two units, such as `2 h 30 min`."""
    minutes = max(1, round(length.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts[:2])


def _step(seconds: float) -> int:
    return max(0, math.ceil(STEPS_PER_DOUBLING * math.log2(max(seconds, 1.0))))


def _longest_of(gaps: Counter[int], but: int) -> float:
    """Return the length in seconds of the longest gap but so many."""
    for step in sorted(gaps, reverse=True):
        if but < gaps[step]:
            return float(2.0 ** (step / STEPS_PER_DOUBLING))
        but -= gaps[step]
    return 0.0
