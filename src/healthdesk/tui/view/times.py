"""Times for people: in the operator's zone, as short as the column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class View:
    """What every view function needs to know beside its data: the time, and the zone to show times in."""

    now: datetime
    tz: tzinfo | None = UTC

    def local(self, at: datetime) -> datetime:
        """Return a time in the operator's zone."""
        return at.astimezone(self.tz)

    @property
    def zone(self) -> str:
        """The zone's short name, as of now."""
        return self.local(self.now).tzname() or "UTC"


def stamp(at: datetime | None, view: View) -> str:
    """Return `22 Nov 14:02`, with the year when it is another one."""
    if at is None:
        return "–"
    local = view.local(at)
    if local.year != view.local(view.now).year:
        return f"{local.day} {local:%b %Y}"
    return f"{local.day:>2} {local:%b %H:%M}"


def time_of_day(at: datetime | None, view: View) -> str:
    """Return `14:02:01`, or the date when it is not of the last day."""
    if at is None:
        return "–"
    if abs((view.now - at).total_seconds()) > 86_400:
        return stamp(at, view)
    return f"{view.local(at):%H:%M:%S}"


def since(at: datetime | None, view: View) -> str:
    """Return `13:20` today, else `22 Nov 13:20`."""
    if at is None:
        return "–"
    local, today = view.local(at), view.local(view.now).date()
    return f"{local:%H:%M}" if local.date() == today else stamp(at, view).strip()


def full(at: datetime | None, view: View) -> str:
    """Return date, time with seconds, and zone."""
    if at is None:
        return "–"
    local = view.local(at)
    return f"{local.day} {local:%b %Y %H:%M:%S} {local.tzname() or ''}".rstrip()


def ago(at: datetime | None, view: View) -> str:
    """Return how long ago, in one unit: `20 s`, `3 min`, `5 h`, `2 d`."""
    if at is None:
        return "–"
    return span((view.now - at).total_seconds())


def span(seconds: float) -> str:
    """Return a length of time in one unit."""
    seconds = max(0.0, seconds)
    for limit, size, unit in ((60, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86_400)} d"


def millis(duration_ms: float | None) -> str:
    """Return `38 ms` or `2.1 s`."""
    if duration_ms is None:
        return "–"
    return f"{duration_ms:.0f} ms" if duration_ms < 1000 else f"{duration_ms / 1000:.1f} s"


def number(value: int) -> str:
    """Return `103,412`."""
    return f"{value:,}"
