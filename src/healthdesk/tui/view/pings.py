"""Push heartbeats: what is expected, and whether it came."""

from __future__ import annotations

from healthdesk.api.pings import Ping, PingSchedule
from healthdesk.domain.durations import format_span
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.times import View, since

LAST = {"start": "it began", "fail": "it failed"}
"""What a ping said, by its kind; the others say that all is well."""


def schedule_words(schedule: PingSchedule) -> str:
    """Return `every 1h` or `0 3 * * * (Europe/Berlin)`."""
    return (
        f"every {format_span(schedule.every_s)}" if schedule.every_s else f"{schedule.cron} ({schedule.zone})"
    )


def ping_line(ping: Ping, view: View) -> Line:
    """Return what is expected, what came last, and when the next one is late."""
    expected = f"{schedule_words(ping.schedule)}, {format_span(ping.grace_s)} grace"
    if ping.last_at is None:
        last = dim(" · none came yet")
    else:
        said = LAST.get(ping.last_kind, "all is well")
        tone = Tone.BAD if ping.last_kind == "fail" else Tone.PLAIN
        last = Span(f" · last {since(ping.last_at, view)}: {said}", tone)
    late = dim(f" · late at {since(ping.due_at, view)}") if ping.due_at else Span(" · late by now", Tone.BAD)
    return line(expected, last, late)


def ping_set_lines(ping: Ping) -> list[Line]:
    """Return what is said once a push heartbeat has a new address, the address among it."""
    expected = f"{schedule_words(ping.schedule)}, {format_span(ping.grace_s)} grace"
    return [
        line(dim("Expected  "), expected),
        (),
        line(strong(ping.url)),
        (),
        line("Keep it now: it cannot be shown again. ", key("y"), " copies it."),
        line(
            dim(
                "GET or POST it when a run ends well, with /start when it begins, and with /fail when it fails."
            )
        ),
    ]
