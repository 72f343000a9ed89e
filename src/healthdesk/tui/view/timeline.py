"""What happened to a record as a timeline: attempts, and between them fixes, lookups and receipts."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.records import Attempt, Moment, RecordDetail
from healthdesk.domain.states import RecordEventKind, RecordState, Trigger
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.view.times import View, millis, time_of_day
from healthdesk.tui.view.words import ATTEMPT, Word, blame_word
from healthdesk.tui.widgets.columns import Column

BAR = 10
PHASES = (("▁", "connect"), ("▃", "TLS"), ("▒", "first byte"), ("▓", "rest"))
"""What an attempt's time went into, in order: the connection, TLS, waiting for the first byte, reading the rest."""

EVENTS = {
    "arrived": Word("·", "arrived", Tone.DIM),
    "next": Word("↻", "next", Tone.WARN),
    RecordEventKind.FIXED: Word("▸", "fixed", Tone.ACCENT),
    RecordEventKind.UNFIXED: Word("▸", "fix removed", Tone.ACCENT),
    RecordEventKind.LOOKED_UP: Word("?", "looked up"),
    RecordEventKind.RECEIPT: Word("●", "receipt"),
    RecordEventKind.DEADLINE: Word("◷", "deadline", Tone.WARN),
    RecordEventKind.ORDER: Word("⏸", "waits"),
}


def moments_of(detail: RecordDetail) -> list[Moment]:
    """Return what happened, oldest first; of a daemon that tells no timeline, its attempts."""
    if detail.timeline:
        return detail.timeline
    return [
        Moment(at=each.started_at, what="attempt", sentence=each.error, attempt=each)
        for each in detail.attempts
    ]


def moment_key(moment: Moment) -> str:
    """Return what a moment is known by while the timeline is read again."""
    return moment.attempt.id if moment.attempt else f"{moment.what} {moment.at.isoformat()}"


def timeline_columns(view: View) -> list[Column]:
    """Return the columns of the timeline; the time column names the zone."""
    return [
        Column("", 1),
        Column("#", 3, right=True),
        Column(f"At {view.zone}"[:12], 12),
        Column("Trigger", 13, flex=1),
        Column("Outcome", 11),
        Column("Duration", BAR + 8),
        Column("Error", 12, flex=4),
    ]


def timeline_cells(moment: Moment, detail: RecordDetail, view: View) -> list[Span]:
    """Return the cells of a moment; the bar of an attempt is a share of the longest one's."""
    attempt = moment.attempt
    if attempt is None:
        word = event_word(moment)
        told = [Span(""), Span(time_of_day(moment.at, view)), dim(moment.by and f"by {moment.by}")]
        return [Span(word.glyph, word.tone), *told, Span(word.text, word.tone), Span(""), Span(moment.sentence)]  # fmt: skip
    word = ATTEMPT[attempt.outcome]
    return [
        Span(word.glyph, word.tone),
        Span(f"{attempt.number:,}"),
        Span(time_of_day(attempt.started_at, view)),
        dim(trigger_word(attempt)),
        Span(str(attempt.status or "") or word.text, word.tone),
        Span(f"{duration_bar(attempt, detail.attempts)} {millis(attempt.duration_ms)}", word.tone),
        Span(attempt.error),
    ]


def event_word(moment: Moment) -> Word:
    """Return how an entry that is no attempt is shown."""
    return EVENTS.get(moment.what, Word("·", moment.what.replace("_", " ")))


def trigger_word(attempt: Attempt) -> str:
    """Return `first`, `retry`, `resend by bob`, `job`; that with a fix ends on `fixed`."""
    by = f" by {attempt.triggered_by}" if attempt.triggered_by and attempt.trigger is not Trigger.JOB else ""
    return attempt.trigger.value + by + (" fixed" if attempt.fix_id else "")


def phases(attempt: Attempt) -> list[tuple[str, str, float]]:
    """Return glyph, name and milliseconds of each phase that is known; what is not told apart is the rest."""
    left = attempt.duration_ms
    if left is None:
        return []
    connect, tls = attempt.connect_ms or 0.0, attempt.tls_ms or 0.0
    first_byte = max(0.0, attempt.first_byte_ms - connect - tls) if attempt.first_byte_ms is not None else 0.0
    spent = (connect, tls, first_byte, max(0.0, left - connect - tls - first_byte))
    found = [(glyph, name, took) for (glyph, name), took in zip(PHASES, spent, strict=True) if took > 0]
    return found or [(*PHASES[-1], left)]


def duration_bar(attempt: Attempt, others: Sequence[Attempt]) -> str:
    """Return how long an attempt took beside the others of its record, split into its phases."""
    if not attempt.duration_ms:
        return "░" * BAR
    longest = max((other.duration_ms or 0.0) for other in others) or 1.0
    full = min(BAR, max(1, round(BAR * attempt.duration_ms / longest)))
    bar, spent = "", 0.0
    for glyph, _, took in phases(attempt):
        spent += took
        bar += glyph * (round(full * spent / attempt.duration_ms) - len(bar))
    return bar.ljust(BAR, "░")


def phase_spans(attempt: Attempt) -> list[str | Span]:
    """Return `▁ connect 4 ms  ▃ TLS 9 ms  ▒ first byte 20 ms  ▓ rest 5 ms`, as far as it is known."""
    found = phases(attempt)
    if attempt.first_byte_ms is None and attempt.connect_ms is None:
        return []
    spans: list[str | Span] = []
    if attempt.connect_ms is None:
        spans.append(dim("open connection  "))
    for glyph, name, took in found:
        spans += [f"{glyph} ", dim(f"{name} {millis(took)}  ")]
    return spans


def moment_explain(moment: Moment, detail: RecordDetail, view: View) -> list[Line]:
    """Return what is said about the moment under the cursor, and what comes next."""
    attempt = moment.attempt
    if attempt is None:
        word = event_word(moment)
        by = f" by {moment.by}" if moment.by else ""
        return [line(Span(moment.sentence or word.text.capitalize(), word.tone), dim(by)), ()]
    fault = f" ({blame_word(attempt.blame)})" if attempt.blame else ""
    word = ATTEMPT[attempt.outcome]
    told = attempt.error or word.text.capitalize()
    second: list[str | Span] = [*phase_spans(attempt), key("enter"), " opens it · ", key("v"), " reveals"]
    if detail.tried > len(detail.attempts):
        second.append(dim(f" · the newest {len(detail.attempts)} of {detail.tried:,}"))
    if detail.state is RecordState.RETRYING and detail.next_attempt_at is not None:
        second.append(Span(f" · next try {time_of_day(detail.next_attempt_at, view)}", Tone.WARN))
    return [line(Span(told, word.tone), dim(fault)), line(*second)]


def timeline_lines(detail: RecordDetail, view: View) -> list[Line]:
    """Return the timeline as text, to be copied; the error of an attempt is whole, below it."""
    moments = moments_of(detail)
    if not moments:
        return [line(dim("No attempt yet."))]
    lines: list[Line] = []
    if detail.tried > len(detail.attempts):
        lines.append(line(dim(f"The newest {len(detail.attempts)} attempts.")))
    for moment in moments:
        lines += _attempt_lines(moment.attempt, detail, view) if moment.attempt else [_event_line(moment, view)]  # fmt: skip
    if not detail.timeline and detail.next_attempt_at is not None and detail.state is RecordState.RETRYING:
        lines.append(line(Span("↻ ", Tone.WARN), f"next {time_of_day(detail.next_attempt_at, view)}"))
    return lines


def _attempt_lines(attempt: Attempt, detail: RecordDetail, view: View) -> list[Line]:
    word = ATTEMPT[attempt.outcome]
    first = line(
        Span(f"{word.glyph} ", word.tone),
        f"{attempt.number:>3}  {time_of_day(attempt.started_at, view):<12} ",
        dim(f"{trigger_word(attempt):<18} "),
        Span(f"{str(attempt.status or '') or word.text:<11} ", word.tone),
        Span(duration_bar(attempt, detail.attempts), word.tone),
        dim(f" {millis(attempt.duration_ms)}"),
    )
    below = [line(dim("       "), part) for part in (attempt.error,) if part]
    told = phase_spans(attempt)
    return [first, *below, *([line(dim("       "), *told)] if told else [])]


def _event_line(moment: Moment, view: View) -> Line:
    word = event_word(moment)
    by = f"by {moment.by}" if moment.by else ""
    told = f"     {time_of_day(moment.at, view):<12} "
    return line(
        Span(f"{word.glyph} ", word.tone), told, dim(f"{by:<18} "), f"{word.text:<11} ", moment.sentence
    )


def tried_at_all(detail: RecordDetail) -> bool:
    """Return whether there is a timeline to move in: an attempt, or an event beside its arrival."""
    return bool(detail.attempts or detail.events)


def last_job(detail: RecordDetail) -> str:
    """Return the id of the job that made the newest of its attempts which a job made, or an empty string."""
    made = [each.triggered_by for each in detail.attempts if each.trigger is Trigger.JOB]
    return made[-1] if made else ""
