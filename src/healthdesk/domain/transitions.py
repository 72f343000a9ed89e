"""Where a record goes after an attempt, and which records can be resent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from healthdesk.domain.exchange import Failure
from healthdesk.domain.states import AttemptOutcome, OnUnknown, RecordState

RESENDABLE_STATES = frozenset(
    {
        RecordState.FAILED,
        RecordState.UNKNOWN,
        RecordState.RETRYING,
        RecordState.DELIVERED,
        RecordState.AWAITING_RECEIPT,
    }
)
"""States from which an operator can resend one record (or marked ones)."""

RESEND_ALL_STATES = frozenset({RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRYING})
"""States a resend of everything in the filter touches; the delivered ones are skipped."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """The record's next state, when it is tried again (None: not by itself), and the attempt's outcome."""

    state: RecordState
    next_at: datetime | None
    outcome: AttemptOutcome


def after_attempt(
    failure: Failure | None,
    *,
    tries: int,
    schedule: Sequence[float],
    now: datetime,
    jitter_unit: float,
    on_unknown: OnUnknown,
    jitter: float = 0.2,
) -> NextStep:
    """Decide what follows from an attempt; `tries` counts the attempts of this round, this one included."""
    raise NotImplementedError


def after_interruption(on_unknown: OnUnknown) -> NextStep:
    """Decide what follows when a crash left the attempt open: queued again (at once), or unknown."""
    raise NotImplementedError


def can_resend(state: RecordState) -> str:
    """Return why a record in this state cannot be resent, or an empty string when it can."""
    raise NotImplementedError
