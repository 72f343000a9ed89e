"""Push heartbeats: when the next ping is expected, when it is late, and what that says of health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.health import HealthChange, HealthFacts
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind
from healthdesk.errors import Malformed

SHORTEST_S = 60.0
LONGEST_S = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class PingSchedule:
    """Either `every_s` seconds, or a `cron` expression of five fields in a `zone` of the IANA database."""

    every_s: float | None = None
    cron: str = ""
    zone: str = "UTC"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"every_s": self.every_s, "cron": self.cron, "zone": self.zone}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(kept["every_s"], kept["cron"], kept["zone"])

    def expected_after(self, at: datetime) -> datetime:
        """Return when a ping is expected next after one at `at`."""
        if self.every_s is not None:
            return at + timedelta(seconds=self.every_s)
        return next(CronSim(self.cron, at.astimezone(ZoneInfo(self.zone)))).astimezone(UTC)


def check_schedule(schedule: PingSchedule, now: datetime) -> PingSchedule:
    """Return the schedule; Malformed says what is wrong with it."""
    if (schedule.every_s is None) == (not schedule.cron):
        raise Malformed("give either an interval or a cron expression", field="every_s")
    if schedule.every_s is not None:
        if not SHORTEST_S <= schedule.every_s <= LONGEST_S:
            raise Malformed(
                "the interval is between a minute and a year", field="every_s", fix="for example 3600"
            )
        return schedule
    try:
        ZoneInfo(schedule.zone)
    except (KeyError, ValueError, OSError):
        raise Malformed(
            f"there is no time zone {schedule.zone!r}", field="zone", fix="for example Europe/Berlin"
        ) from None
    try:
        schedule.expected_after(now)
    except (CronSimError, StopIteration) as error:
        raise Malformed(
            f"{schedule.cron!r} is not a cron expression that ever fits: {error or 'no such day'}",
            field="cron",
            fix="five fields: minute, hour, day, month, weekday; for example 0 3 * * *",
        ) from None
    return schedule


def due_at(schedule: PingSchedule, grace_s: float, last_at: datetime) -> datetime:
    """Return when the ping after one at `last_at` is late."""
    return schedule.expected_after(last_at) + timedelta(seconds=grace_s)


def ends_by(due: datetime | None, grace_s: float, started_at: datetime, *, again: bool) -> datetime | None:
    """Return when a run that began has to have ended: within its grace.

    `again`: the run before it did not end. Then `due` stays where it is sooner, and None where that was late already:
    a job that begins again and again, and never ends, is late.
    """
    ends = started_at + timedelta(seconds=grace_s)
    if not again:
        return ends
    return None if due is None else min(due, ends)


def after_ping(facts: HealthFacts, *, good: bool) -> HealthChange:
    """Decide health after a ping, or after one that did not come: there is nobody to ask again."""
    state = ConnectionState.CONNECTED if good else ConnectionState.FAILING
    was_failing = facts.state is ConnectionState.FAILING
    return HealthChange(
        state=state,
        suspect_checks=0,
        next_check_at=None,
        opened=not good and not was_failing,
        recovered=good and was_failing,
        changed=state is not facts.state,
    )


def late(*, started: bool) -> Failure:
    """Return the failure of a ping that did not come in time; `started`: it began and did not end."""
    what = "It began and did not say that it ended" if started else "No ping came"
    return _failure(
        ErrorKind.LATE,
        f"{what} within its period and grace.",
        "Look whether the job still runs, and whether it reaches this desk",
    )


def told_failed(said: str) -> Failure:
    """Return the failure that a job reported itself, with the first line of what it said."""
    sentence = f"The job says that it failed: {said}" if said else "The job says that it failed."
    return _failure(ErrorKind.REFUSED, sentence, "Look into the job's own log, mend it and run it again")


def _failure(kind: ErrorKind, sentence: str, next_action: str) -> Failure:
    safe = sentence if kind is ErrorKind.LATE else "The job says that it failed."
    return Failure(kind, Blame.THEM, True, sentence, safe, next_action, Sent.NO)
