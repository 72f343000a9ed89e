"""The lines every screen has: what matters most, live or stale, who you are, the areas."""

from __future__ import annotations

from healthdesk.api.desk import Status
from healthdesk.domain.states import Role
from healthdesk.tui.actions import AREAS, TITLES
from healthdesk.tui.feed import Link
from healthdesk.tui.format import Line, Span, Tone, dim, line, strong
from healthdesk.tui.view.times import View, full, since
from healthdesk.tui.widgets.lines import Tab

ROLE_WORDS = {Role.ADMINISTRATOR: "admin", Role.MANAGER: "manager", Role.MEMBER: "member"}


def left_line(status: Status | None, link: Link, crumbs: str) -> Line:
    """Return the left of the top line: the name, then where you are, or the worst thing."""
    if crumbs:
        return line(strong("healthdesk"), dim(" · "), crumbs)
    if status is None:
        words = "connecting" if not link.known else "refused" if link.refused else "no daemon"
        return line(strong("healthdesk"), dim(" · "), dim(words))
    return line(strong("healthdesk"), dim(" · "), Span(status.sentence, _tone(status)))


def _tone(status: Status) -> Tone:
    counts = status.counts
    failed = ("connections_failing", "records_failed", "tasks_failed", "proof_failed")
    if not status.writable or status.offline_since is not None or any(counts.get(name) for name in failed):
        return Tone.BAD
    if counts.get("problems_open") or counts.get("connections_suspect"):
        return Tone.WARN
    return Tone.PLAIN


def right_line(status: Status | None, link: Link) -> Line:
    """Return the right of the top line: live or stale, and who you are."""
    if link.live:
        state = Span("● live", Tone.GOOD)
    elif link.known:
        state = Span("○ stale", Tone.WARN)
    else:
        state = Span("○ …", Tone.DIM)
    if status is None:
        return line(state)
    return line(state, dim(f"  {status.you.user} ({ROLE_WORDS[status.you.role]})"))


def area_tabs(status: Status | None, *, narrow: bool = False) -> list[Tab]:
    """Return the six areas with the counts that need somebody."""
    counts = status.counts if status else {}
    bad = {
        "connections": counts.get("connections_failing", 0),
        "problems": counts.get("problems_open", 0),
        "log": 0,
        "callbacks": 0,
        "alerts": counts.get("alerts_failed", 0),
    }
    tabs = []
    for number, (name, title) in enumerate(zip(AREAS, TITLES, strict=True), start=1):
        count = bad.get(name, 0)
        label = f"{number}" if narrow else f"{number} {title}"
        tabs.append(Tab(name, label, f"{count:,}" if count else "", Tone.BAD))
    return tabs


def banner_lines(link: Link, view: View, status: Status | None = None) -> list[Line]:
    """Return the banner of a lost daemon: since when, or why it refuses, and when it is tried again.

    While it answers, and reaches no other host itself, that is the banner.
    """
    if not link.known:
        return []
    if link.live:
        return offline_lines(status, view)
    wait = max(0, round((link.retry_at - view.now).total_seconds())) if link.retry_at else 0
    when = f"retry in {wait} s" if wait else "retrying"
    if link.refused:
        why = f"{link.error.rstrip('.')}. {link.fix}".strip()
        return [line(Span(f"⚠ {why}", Tone.WARN), dim(f" · {when}"))]
    at = f"{view.local(link.since):%H:%M:%S}" if link.since else full(None, view)
    detail = f" · {link.error}" if link.error else ""
    return [
        line(Span(f" ⚠ daemon not answering since {at}, {when}", Tone.WARN)),
        line("   `systemctl status healthdesk` and `healthdesk doctor` say why", dim(detail)),
    ]


def offline_lines(status: Status | None, view: View) -> list[Line]:
    """Return since when the desk itself is offline, and what that means; nothing while it is not."""
    if status is None or status.offline_since is None:
        return []
    at = since(status.offline_since, view)
    return [
        line(Span(f" ⚠ this desk reaches no other host since {at}: it judges none of them", Tone.WARN)),
        line(dim("   look at this host's network; what was put off is checked by itself")),
    ]
