"""Channels and the alerts that were sent to them."""

from __future__ import annotations

from healthdesk.api.alerts import Alert, Channel, ChannelTest, Rule
from healthdesk.domain.states import AlertState
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line
from healthdesk.tui.view.times import View, ago, full, millis, since, stamp
from healthdesk.tui.view.words import ALERT, plural
from healthdesk.tui.widgets.columns import Column

CHANNEL_COLUMNS = [
    Column("", 1),
    Column("Channel", 16, flex=2),
    Column("Kind", 10, flex=1),
    Column("Address", 16, flex=2),
    Column("Last sent", 10),
    Column("Last error", 12, flex=2),
]

ALERT_COLUMNS = [
    Column("", 1),
    Column("Written", 12),
    Column("News", 9),
    Column("Channel", 12, flex=1),
    Column("Message", 20, flex=4),
    Column("State", 10),
    Column("Tries", 5, right=True, from_width=90),
]


def channel_cells(channel: Channel, view: View) -> list[Span]:
    """Return the cells of a channel."""
    broken = channel_broken(channel)
    return [
        Span("✗", Tone.BAD)
        if broken
        else Span("●", Tone.GOOD)
        if channel.last_sent_at
        else Span("○", Tone.DIM),
        Span(channel.name),
        Span(channel.kind or "–", Tone.DIM),
        Span(channel.url, Tone.DIM),
        Span(f"{ago(channel.last_sent_at, view)} ago" if channel.last_sent_at else "never", Tone.DIM),
        Span(channel.last_error or "–", Tone.BAD if broken else Tone.DIM),
    ]


def channel_broken(channel: Channel) -> bool:
    """Return whether the last thing heard of it was an error."""
    if channel.last_error_at is None:
        return bool(channel.last_error)
    return channel.last_sent_at is None or channel.last_error_at > channel.last_sent_at


def channel_explain(channel: Channel, rules: list[Rule], view: View) -> list[Line]:
    """Explain a channel: when it worked, what comes to it."""
    narrowed = [rule.name for rule in rules if rule.enabled and channel.id in rule.channel_ids]
    if narrowed:
        scope = f"Gets what these rules say: {', '.join(narrowed)}."
    elif any(rule.enabled for rule in rules):
        scope = "Gets every problem that no rule sends elsewhere."
    else:
        scope = "Gets every problem's opening and recovery; no rule narrows it."
    if channel_broken(channel):
        at = since(channel.last_error_at, view)
        return [line(Span(f"Failed at {at}: {channel.last_error}", Tone.BAD)), line(dim(scope))]
    worked = (
        f"Last message {full(channel.last_sent_at, view)}." if channel.last_sent_at else "Nothing sent yet."
    )
    return [line(worked, dim("   "), key("t"), dim(" sends a test")), line(dim(scope))]


def test_lines(channel: Channel, test: ChannelTest) -> list[Line]:
    """Return what became of a test message."""
    verdict = Span("✓ It works. ", Tone.GOOD) if test.ok else Span("✗ It failed. ", Tone.BAD)
    lines = [
        line(dim(f"{channel.kind} {channel.url}")),
        line(verdict, test.sentence, dim(f" {millis(test.duration_ms)}")),
    ]
    if test.log.strip():
        lines += [(), *(line(dim(item)) for item in block(test.log.strip())[:12])]
    return lines


def alert_cells(alert: Alert, view: View) -> list[Span]:
    """Return the cells of an alert."""
    word = ALERT[alert.state]
    gone = alert.state is AlertState.SUPERSEDED
    return [
        Span(word.glyph, word.tone),
        Span(stamp(alert.created_at, view)),
        Span(alert.event.value, Tone.DIM),
        Span(alert.channel_name or alert.channel_id),
        Span(
            alert.title or ("what it told was over before it left" if gone else "–"),
            Tone.DIM if gone else Tone.PLAIN,
        ),
        Span(word.text, word.tone),
        Span(str(alert.tries), Tone.DIM),
    ]


def alert_explain(alert: Alert, view: View) -> list[Line]:
    """Explain an alert: whether it arrived, and what it was about."""
    word = ALERT[alert.state]
    parts = [Span(word.text, word.tone)]
    if alert.tries:
        parts.append(dim(f" after {plural(alert.tries, 'try', 'tries')}"))
    elif alert.state is AlertState.SUPERSEDED:
        parts.append(dim(": what it told was over, or its channel was gone, before it left"))
    if alert.sent_at is not None:
        parts.append(dim(f", {full(alert.sent_at, view)}"))
    if alert.error:
        parts.append(Span(f" · {alert.error}"))
    if alert.next_attempt_at is not None and alert.sent_at is None:
        parts.append(dim(f" · next try {since(alert.next_attempt_at, view)}"))
    helps = (key("enter"), Span(" reads it", Tone.DIM))
    return [tuple(parts), (*line(dim(alert.problem_id or "no problem"), dim("   ")), *helps)]


def alert_lines(alert: Alert, view: View) -> list[Line]:
    """Return an alert whole."""
    lines = [line(alert.title), ()]
    lines += [line(item) for item in block(alert.body)]
    lines += [(), *alert_explain(alert, view)[:1]]
    return lines


def alert_line(alert: Alert, view: View) -> Line:
    """Return an alert in one line, for the evidence of a problem."""
    word = ALERT[alert.state]
    told = f" · {alert.error}" if alert.error else ""
    return line(
        Span(f"  {word.glyph} ", word.tone),
        f"{stamp(alert.sent_at or alert.created_at, view)} {alert.event.value} to {alert.channel_name or alert.channel_id}: ",
        Span(word.text.lower(), word.tone),
        dim(told),
    )
