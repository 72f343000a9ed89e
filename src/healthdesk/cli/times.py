"""Times as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from healthdesk.domain.durations import DURATION, UNITS_S

WHEN_HELP = "ISO 8601 (2024-11-22, 2024-11-22T14:00+01:00), 2h or 7d ago, today, yesterday, now"


def parse_when(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the moment `text` names, in UTC; without an offset it is meant in `zone` (the host's)."""
    word = text.strip().lower()
    match = DURATION.fullmatch(word)
    try:
        if match is not None:
            return now.astimezone(UTC) - timedelta(seconds=int(match[1]) * UNITS_S[match[2]])
        if word == "now":
            return now.astimezone(UTC)
        if word in ("today", "yesterday"):
            today = now.astimezone(zone).date()
            day = today - timedelta(days=1) if word == "yesterday" else today
            return _local(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - _local gives the zone
        moment = datetime.fromisoformat(text.strip())
        return _local(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{text!r} is not a time: {WHEN_HELP}") from error


def _local(naive: datetime, zone: tzinfo | None) -> datetime:
    aware = naive.replace(tzinfo=zone) if zone is not None else naive.astimezone()
    return aware.astimezone(UTC)


def zone_name(moment: datetime, zone: tzinfo | None = None) -> str:
    """Return the zone of a moment as people know it."""
    local = moment.astimezone(zone)
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{local:%z}"


def format_time(moment: datetime | None, zone: tzinfo | None = None, *, with_zone: bool = True) -> str:
    """Return `2024-11-22 14:02:11 CET`, or a dash for no moment."""
    if moment is None:
        return "–"
    text = f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return f"{text} {zone_name(moment, zone)}" if with_zone else text


def format_duration_ms(milliseconds: float | None) -> str:
    """Return `38 ms` or `12.3 s`, or a dash."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def format_ago(moment: datetime | None, now: datetime) -> str:
    """Return `3 min`, `2 h`, `6 days`, or a dash."""
    if moment is None:
        return "–"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
