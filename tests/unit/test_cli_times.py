from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from healthdesk.cli.times import (
    format_ago,
    format_duration_ms,
    format_time,
    parse_when,
    zone_name,
)
from healthdesk.domain.durations import parse_duration

NOW = datetime(2024, 11, 22, 13, 2, 11, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("90s", NOW - timedelta(seconds=90)),
        ("1w", NOW - timedelta(weeks=1)),
        ("today", datetime(2024, 11, 21, 23, tzinfo=UTC)),
        ("Yesterday", datetime(2024, 11, 20, 23, tzinfo=UTC)),
        ("2024-11-22", datetime(2024, 11, 21, 23, tzinfo=UTC)),
        ("2024-07-01 12:30", datetime(2024, 7, 1, 10, 30, tzinfo=UTC)),
        ("2024-11-22T14:00+05:30", datetime(2024, 11, 22, 8, 30, tzinfo=UTC)),
        ("2024-11-22T14:00Z", datetime(2024, 11, 22, 14, tzinfo=UTC)),
    ],
)
def test_time_is_read_in_the_zone_of_the_reader(text, moment):
    found = parse_when(text, NOW, VIENNA)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_day_starts_at_its_own_midnight_when_the_clocks_changed_in_between():
    monday = datetime(2024, 10, 28, 12, tzinfo=UTC)
    assert parse_when("yesterday", monday, VIENNA) == datetime(2024, 10, 26, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2h ago", "-2h", "2024-13-01", "9999999d", "999999w", "٣h"])
def test_what_is_no_time_is_refused_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match="is not a time: ISO 8601"):
        parse_when(text, NOW, VIENNA)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90", 90), ("15m", 900), ("2h", 7200), ("30d", 2592000)]
)
def test_duration(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "-1", "1.5h", "²"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_time_is_shown_with_its_zone():
    assert format_time(NOW, VIENNA) == "2024-11-22 14:02:11 CET"
    assert format_time(NOW - timedelta(days=150), VIENNA).endswith(" CEST")
    assert format_time(NOW, timezone(timedelta(hours=5, minutes=30))) == "2024-11-22 18:32:11 UTC+05:30"
    assert format_time(None) == "–"


def test_zone_without_a_name_is_its_offset():
    assert zone_name(NOW, ZoneInfo("America/Sao_Paulo")) == "UTC-0300"


def test_short_forms():
    assert [format_ago(NOW - timedelta(seconds=s), NOW) for s in (-5, 20, 180, 7200, 600000)] == [
        "0 s",
        "20 s",
        "3 min",
        "2 h",
        "6 d",
    ]
    assert [format_duration_ms(ms) for ms in (None, 38.2, 12345)] == ["–", "38 ms", "12.3 s"]
