"""When a ping is expected, and when it is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.health import HealthFacts
from healthdesk.domain.pings import PingSchedule, after_ping, check_schedule, due_at, late, told_failed
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind
from healthdesk.errors import Malformed

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
HOURLY = PingSchedule(every_s=3600)


def test_an_interval_counts_from_the_last_ping():
    assert due_at(HOURLY, 300, NOW) == NOW + timedelta(seconds=3900)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", datetime(2026, 3, 29, 3, tzinfo=UTC)),
        # Berlin puts its clocks forward in that night: 03:00 is 01:00 UTC.
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 29, 7, tzinfo=UTC)),
    ],
)
def test_cron_counts_in_its_zone(zone, expected):
    assert PingSchedule(cron="0 3 * * *", zone=zone).expected_after(NOW) == expected


@given(
    st.sampled_from(["*/5 * * * *", "0 3 * * 1", "30 2 29 2 *"]),
    st.integers(0, 20 * 365 * 24 * 60),
)
def test_the_next_ping_is_always_later(cron, minutes):
    at = NOW + timedelta(minutes=minutes)
    assert PingSchedule(cron=cron, zone="Europe/Berlin").expected_after(at) > at


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (PingSchedule(), "every_s"),
        (PingSchedule(every_s=3600, cron="* * * * *"), "every_s"),
        (PingSchedule(every_s=1), "every_s"),
        (PingSchedule(cron="61 * * * *"), "cron"),
        (PingSchedule(cron="nonsense"), "cron"),
        (PingSchedule(cron="0 3 * * *", zone="Mars/Olympus"), "zone"),
        (PingSchedule(cron="0 3 * * *", zone="../etc/passwd"), "zone"),
    ],
)
def test_a_wrong_schedule_names_the_field(schedule, field):
    with pytest.raises(Malformed) as caught:
        check_schedule(schedule, NOW)
    assert caught.value.field == field


def test_a_day_that_never_comes_is_no_schedule():
    with pytest.raises(Malformed):
        check_schedule(PingSchedule(cron="0 0 31 2 *"), NOW)


def test_schedules_are_kept_whole():
    schedule = PingSchedule(cron="0 3 * * *", zone="Europe/Berlin")
    assert PingSchedule.from_json(schedule.to_json()) == schedule


@pytest.mark.parametrize("state", list(ConnectionState))
def test_one_ping_decides(state):
    facts = HealthFacts(state, 1, NOW)
    good, bad = after_ping(facts, good=True), after_ping(facts, good=False)
    assert (good.state, good.recovered) == (
        ConnectionState.CONNECTED,
        state is ConnectionState.FAILING,
    )
    assert (bad.state, bad.opened) == (ConnectionState.FAILING, state is not ConnectionState.FAILING)
    assert good.next_check_at is bad.next_check_at is None


def test_what_a_job_says_stays_in_the_desk():
    failure = told_failed("disk of Ms Smith is full")
    assert "Smith" in failure.sentence
    assert "Smith" not in failure.safe_sentence + failure.next_action
    assert (late(started=True).kind, late(started=False).blame) == (ErrorKind.LATE, Blame.THEM)
