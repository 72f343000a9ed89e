"""When an instance is run again, and what a run that failed makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from healthdesk.domain.instance_states import InstanceKind, InstanceState
from healthdesk.domain.retry import spread

JITTER = 0.1
BACKS_OFF_FROM_S = 900.0
LONGEST_BACKOFF_S = 6 * 3600.0
HONOURED_S = 24 * 3600.0
"""A Retry-After up to this is honoured."""

DOUBTFUL_AGAIN_S = 60.0
"""When it is tried again while its connection is in doubt: a suspect connection is checked again after a minute."""

_NEVER_CREATED = frozenset({InstanceState.PENDING, InstanceState.CREATION_FAILED})


def next_run_at(
    now: datetime,
    every_s: float,
    failures: int,
    jitter_unit: float,
    *,
    retry_after_s: float | None = None,
    again_s: float | None = None,
) -> datetime:
    """Return when an instance is run again after a run with `failures` in a row, 0 when it went well.

    One that failed is tried sooner than its schedule says, less often with each failure: after 15 minutes, 30, an
    hour, and never later than after six hours. `again_s` is when the run itself asked for another.
    """
    delay_s = every_s
    if failures:
        backoff_s = BACKS_OFF_FROM_S * 2 ** min(failures - 1, 10)
        delay_s = min(every_s, backoff_s, LONGEST_BACKOFF_S)
    if again_s is not None:
        delay_s = min(delay_s, again_s)
    delay_s = spread(delay_s, jitter_unit, JITTER)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, HONOURED_S))
    return now + timedelta(seconds=delay_s)


def failed_state(kind: InstanceKind, before: InstanceState) -> InstanceState:
    """Return the state of an instance whose work could not even be begun."""
    if kind is InstanceKind.PROOF:
        return InstanceState.FAILED
    return InstanceState.CREATION_FAILED if before in _NEVER_CREATED else InstanceState.SYNC_FAILED
