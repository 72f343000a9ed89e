"""The attempts of a record as a timeline: when, what triggered it, outcome, how long, error."""

from __future__ import annotations

from healthdesk.api.records import Attempt, RecordDetail
from healthdesk.domain.states import RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.view.times import View, millis, time_of_day
from healthdesk.tui.view.words import ATTEMPT, blame_word
from healthdesk.tui.widgets.columns import Column

BAR = 8


def attempt_columns(view: View) -> list[Column]:
    """Return the columns of the timeline; the time column names the zone."""
    return [
        Column("", 1),
        Column("#", 3, right=True),
        Column(f"At {view.zone}"[:12], 12),
        Column("Trigger", 15, flex=1),
        Column("Outcome", 11),
        Column("Duration", BAR + 8),
        Column("Error", 12, flex=4),
    ]


def attempt_cells(attempt: Attempt, detail: RecordDetail, view: View) -> list[Span]:
    """Return the cells of an attempt; its bar is a share of the longest one's."""
    word = ATTEMPT[attempt.outcome]
    return [
        Span(word.glyph, word.tone),
        Span(f"{attempt.number:,}"),
        Span(time_of_day(attempt.started_at, view)),
        dim(trigger_word(attempt)),
        Span(str(attempt.status or "") or word.text, word.tone),
        Span(f"{duration_bar(attempt, detail)} {millis(attempt.duration_ms)}", word.tone),
        Span(attempt.error),
    ]


def trigger_word(attempt: Attempt) -> str:
    """Return `first`, `retry`, `resend by bob`."""
    return attempt.trigger.value + (f" by {attempt.triggered_by}" if attempt.triggered_by else "")


def duration_bar(attempt: Attempt, detail: RecordDetail) -> str:
    """Return how long an attempt took, beside the others of its record."""
    if attempt.duration_ms is None:
        return "░" * BAR
    longest = max((other.duration_ms or 0.0) for other in detail.attempts) or 1.0
    full = min(BAR, max(1, round(BAR * attempt.duration_ms / longest)))
    return "▓" * full + "░" * (BAR - full)


def attempt_explain(attempt: Attempt, detail: RecordDetail, view: View) -> list[Line]:
    """Return what is said about the attempt under the cursor, and what comes next."""
    fault = f" ({blame_word(attempt.blame)})" if attempt.blame else ""
    word = ATTEMPT[attempt.outcome]
    told = attempt.error or word.text.capitalize()
    second: list[str | Span] = [key("enter"), " opens it · ", key("v"), " reveals its values"]
    if detail.tried > len(detail.attempts):
        second.append(dim(f" · the newest {len(detail.attempts)} of {detail.tried:,}"))
    if detail.state is RecordState.RETRYING and detail.next_attempt_at is not None:
        second.append(Span(f" · next try {time_of_day(detail.next_attempt_at, view)}", Tone.WARN))
    return [line(Span(told, word.tone), dim(fault)), line(*second)]


def timeline_lines(detail: RecordDetail, view: View) -> list[Line]:
    """Return the timeline as text, to be copied; the error of an attempt is whole, below it."""
    if not detail.attempts:
        return [line(dim("No attempt yet."))]
    lines: list[Line] = []
    if detail.tried > len(detail.attempts):
        lines.append(line(dim(f"The newest {len(detail.attempts)} attempts.")))
    for attempt in detail.attempts:
        word = ATTEMPT[attempt.outcome]
        lines.append(
            line(
                Span(f"{word.glyph} ", word.tone),
                f"{attempt.number:>3}  {time_of_day(attempt.started_at, view):<12} ",
                dim(f"{trigger_word(attempt):<18} "),
                Span(f"{str(attempt.status or '') or word.text:<11} ", word.tone),
                Span(duration_bar(attempt, detail), word.tone),
                dim(f" {millis(attempt.duration_ms)}"),
            )
        )
        if attempt.error:
            lines.append(line(dim("       "), attempt.error))
    if detail.next_attempt_at is not None and detail.state is RecordState.RETRYING:
        lines.append(line(Span("↻ ", Tone.WARN), f"next {time_of_day(detail.next_attempt_at, view)}"))
    return lines
