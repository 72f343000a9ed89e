"""When repeating tasks are due, and what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from healthdesk.domain.pings import PingSchedule
from healthdesk.domain.repeating import next_after, said, schedule_word, try_again_at

DUE = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
DAILY = PingSchedule(every_s=86_400)
MONTHLY = PingSchedule(cron="0 9 1 * *", zone="Europe/Berlin")


def test_an_interval_keeps_its_beat_and_catches_up_once() -> None:
    assert next_after(DAILY, DUE, DUE) == DUE + timedelta(days=1)
    assert next_after(DAILY, DUE, DUE + timedelta(minutes=5)) == DUE + timedelta(days=1)
    assert next_after(DAILY, DUE, DUE + timedelta(days=10, hours=1)) == DUE + timedelta(days=11)
    assert next_after(DAILY, DUE, DUE + timedelta(days=1)) == DUE + timedelta(days=2)


def test_a_cron_expression_counts_from_now_in_its_zone() -> None:
    late = DUE + timedelta(days=100)
    assert next_after(MONTHLY, DUE, late) == datetime(2026, 8, 1, 7, tzinfo=UTC)


def test_a_failed_one_is_tried_again_soon_but_never_beside_the_next() -> None:
    assert try_again_at(DAILY, DUE, DUE) == DUE + timedelta(minutes=15)
    assert try_again_at(PingSchedule(every_s=60), DUE, DUE) == DUE + timedelta(seconds=60)


def test_a_task_says_the_day_it_is_created_where_it_is_meant_for() -> None:
    task = {
        "name": "Rotate {date}",
        "description": "all",
        "assignee": "bob",
        "due_in_days": 7,
        "fields": {"a": 1},
    }
    assert said(task, MONTHLY, DUE) == {
        "name": "Rotate 2026-04-01",
        "description": "all",
        "assignee": "bob",
        "due": "2026-04-08",
        "fields": {"a": 1},
    }
    assert said({"name": "x {date}"}, None, DUE)["name"] == "x 2026-03-31"
    assert said({"name": "x", "due_in_days": 0}, DAILY, DUE)["due"] == "2026-03-31"
    assert said({"name": "x"}, DAILY, DUE)["due"] == ""
    assert len(said({"name": "y" * 250 + "{date}"}, None, DUE)["name"]) == 255


def test_schedules_are_told_in_words() -> None:
    assert schedule_word(None) == "by hand"
    assert schedule_word(DAILY) == "every 1d"
    assert schedule_word(MONTHLY) == "0 9 1 * * (Europe/Berlin)"
