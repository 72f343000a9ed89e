"""Repeating tasks: when the next one is due, and what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healthdesk.domain.durations import format_span
from healthdesk.domain.pings import PingSchedule

RETRY_S = 900.0
"""How soon a task that could not be created is tried again, in seconds."""

DATE = "{date}"
MOST_NAME = 255


def next_after(schedule: PingSchedule, due: datetime, now: datetime) -> datetime:
    """Return when the task after one that was due is due: after `now`, so that what was missed is caught up once.

    An interval keeps the beat of `due`.
    """
    if schedule.every_s is None:
        return schedule.expected_after(now)
    missed = math.floor((now - due).total_seconds() / schedule.every_s)
    return due + timedelta(seconds=schedule.every_s * (max(missed, 0) + 1))


def try_again_at(schedule: PingSchedule, due: datetime, now: datetime) -> datetime:
    """Return when a task that could not be created is tried again: soon, and at the latest when the next one is due."""
    return min(now + timedelta(seconds=RETRY_S), next_after(schedule, due, now))


def schedule_word(schedule: PingSchedule | None) -> str:
    """Return when a template creates tasks, for people."""
    if schedule is None:
        return "by hand"
    if schedule.every_s is not None:
        return f"every {format_span(schedule.every_s)}"
    return f"{schedule.cron} ({schedule.zone})"


def said(task: Mapping[str, Any], schedule: PingSchedule | None, now: datetime) -> dict[str, Any]:
    """Return what a task says that is created now: name, description, due date, assignee, further fields.

    The day is that of the schedule's zone.
    """
    today = day_of(schedule, now)
    days = task.get("due_in_days")
    return {
        "name": task["name"].replace(DATE, today.isoformat())[:MOST_NAME],
        "description": task.get("description") or "",
        "assignee": task.get("assignee") or "",
        "due": "" if days is None else (today + timedelta(days=days)).isoformat(),
        "fields": dict(task.get("fields") or {}),
    }


def day_of(schedule: PingSchedule | None, now: datetime) -> date:
    """Return the day it is where the schedule is meant for; in UTC where there is none."""
    return now.astimezone(ZoneInfo(schedule.zone if schedule is not None else "UTC")).date()
