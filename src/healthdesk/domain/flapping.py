"""Whether a connection goes to and fro: many changes between well and not well in a short time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthdesk.domain.states import ConnectionState

CHANGES = 4
"""So many changes between well and not well within `WITHIN` are flapping."""

WITHIN = timedelta(hours=6)
QUIET = timedelta(hours=3)
"""Flapping ends once nothing changed for this long."""

_WELL = {
    ConnectionState.CONNECTED: True,
    ConnectionState.SUSPECT: False,
    ConnectionState.FAILING: False,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a connection's state, as it is stored."""

    at: datetime
    from_state: ConnectionState
    to_state: ConnectionState


def turns(transitions: Iterable[Transition]) -> list[datetime]:
    """Return when it went from well to not well or back, oldest first; from suspect to failing is no turn."""
    return sorted(
        each.at
        for each in transitions
        if each.from_state in _WELL
        and each.to_state in _WELL
        and _WELL[each.from_state] is not _WELL[each.to_state]
    )


def flapping_since(
    since: datetime | None, transitions: Sequence[Transition], now: datetime
) -> datetime | None:
    """Return since when it flaps, or None.

    `since` is what was so before, `transitions` those of the last `WITHIN` at least. It begins with the first of the
    changes that make it flapping and ends after a quiet time.
    """
    times = turns(transitions)
    if since is not None:
        return since if times and now - times[-1] < QUIET else None
    recent = [at for at in times if now - at < WITHIN]
    return recent[0] if len(recent) >= CHANGES else None


def quiet_at(transitions: Sequence[Transition], now: datetime) -> datetime:
    """Return when flapping ends if nothing changes any more."""
    times = turns(transitions)
    return (times[-1] if times else now) + QUIET
