"""Rows of the log, and the pane that explains the row under the cursor."""

from __future__ import annotations

from healthdesk.api.common import Count
from healthdesk.api.records import Record, RecordDetail
from healthdesk.domain.states import Environment, HoldReason, RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.times import View, millis, since, stamp, time_of_day
from healthdesk.tui.view.words import RECORD, plural
from healthdesk.tui.widgets.columns import Column

EXPORT_BAR = 12

HOLDS = {
    HoldReason.PAUSED: "its integration is paused",
    HoldReason.CONNECTION: "its connection is failing",
    HoldReason.CIRCUIT: "its circuit is open",
    HoldReason.ORDER: "an earlier record of its key goes first",
}


def log_columns(view: View) -> list[Column]:
    """Return the log's columns; the first time column names the zone. At 80 cells the source has what can be spared.

    A status that is longer than `Failed 422` or `Retry 14:36` is whole in the line under the list.
    """
    completed = f"Completed {view.zone}"[:16]
    return [
        Column("", 1),
        Column("", 2),
        Column(completed, max(13, len(completed))),
        Column("First attempt", 13),
        Column("Last attempt", 12),
        Column("Source", 13, flex=3),
        Column("Status", 11, flex=1),
        Column("Tries", 5, right=True),
        Column("Level", 8, flex=1, from_width=90),
        Column("Integration", 12, flex=2, from_width=101),
        Column("Record", 31, from_width=150),
    ]


def log_cells(record: Record, view: View) -> list[Span]:
    """Return the cells of one record."""
    word = RECORD[record.state]
    quiet = record.state is RecordState.DELIVERED
    status = status_text(record, view)
    return [
        Span(word.glyph, word.tone),
        Span(origin_glyph(record), Tone.ACCENT),
        Span(stamp(record.completed_at, view)),
        Span(time_of_day(record.first_attempt_at, view), Tone.DIM),
        Span(time_of_day(record.last_attempt_at, view), Tone.DIM),
        Span(record.source_name or record.source),
        Span(status, Tone.DIM if quiet else word.tone),
        Span(str(record.tried), Tone.DIM if record.tried <= 1 else Tone.PLAIN),
        Span(record.level or "–"),
        Span(record.integration_name or record.integration_id),
        Span(record.id, Tone.DIM),
    ]


def origin_glyph(record: Record) -> str:
    """Return `T` for testing, `~` for a sample, `T~` for what is both, blanks otherwise."""
    testing = record.environment is Environment.TESTING
    return ("T" if testing else " ") + ("~" if record.sample else " ")


def status_text(record: Record, view: View) -> str:
    """Return the state with the one thing that matters about it."""
    word = RECORD[record.state]
    if record.state is RecordState.FAILED and record.last_status is not None:
        return f"{word.text} {record.last_status}"
    if record.state is RecordState.RETRYING and record.next_attempt_at is not None:
        return f"{word.text} {since(record.next_attempt_at, view)}"
    return word.text


def log_explain(record: Record, view: View, known: RecordDetail | None = None) -> list[Line]:
    """Explain the record under the cursor in two lines: what came back, and what helps.

    `known` is the whole record, once it is read: it tells how many are like it.
    """
    parts: list[Span] = []
    if record.last_status is not None:
        parts.append(strong(str(record.last_status)))
    if record.last_duration_ms is not None:
        parts.append(dim(millis(record.last_duration_ms)))
    if record.error:
        parts.append(Span(record.error))
    if record.error_kind:
        parts.append(dim(record.error_kind.replace("_", " ")))
    if not parts:
        parts.append(Span(_plain_state(record, view)))
    first: list[Span] = []
    for index, part in enumerate(parts):
        if index:
            first.append(dim(" · "))
        first.append(part)
    like: Line = ()
    if known is not None and known.similar > 1:
        like = line(f"{known.similar:,} like it since {since(known.similar_since, view)}", dim(" · "))
    return [tuple(first), (*like, *_helps(record, view))]


def _plain_state(record: Record, view: View) -> str:
    if record.state is RecordState.HELD:
        why = HOLDS[record.hold_reason] if record.hold_reason else "its integration is paused or failing"
        if record.hold_reason is HoldReason.ORDER:
            return f"Held: {why}. It is sent when that is delivered or given up."
        paused = record.hold_reason is HoldReason.PAUSED
        return f"Held: {why}. It is sent {'when that is resumed' if paused else 'on recovery'}."
    if record.state is RecordState.QUEUED:
        return "Waiting for its first attempt."
    if record.state is RecordState.SENDING:
        return "Being sent now."
    return f"{RECORD[record.state].text} {time_of_day(record.last_attempt_at, view)}"


def _helps(record: Record, view: View) -> Line:
    where = f"{record.integration_name or record.integration_id} · {record.environment.shown}"
    match record.state:
        case RecordState.FAILED:
            return line(dim(where + "   "), key("s"), dim(" resend   "), key("enter"), dim(" why"))
        case RecordState.UNKNOWN:
            return line(
                dim(where + "   may have arrived; "),
                key("L"),
                dim(" ask   "),
                key("s"),
                dim(" resend, same webhook-id"),
            )
        case RecordState.RETRYING:
            at = since(record.next_attempt_at, view)
            return line(dim(f"{where}   next try {at}; "), key("s"), dim(" try now"))
        case _:
            return line(dim(where))


def log_preview(detail: RecordDetail, view: View) -> list[Line]:
    """Return the preview pane of a record: why, and what to do."""
    word = RECORD[detail.state]
    lines = [
        line(Span(f"{word.glyph} {status_text(detail, view)}", word.tone), dim(f"  {detail.id}")),
        line(
            dim(
                f"{detail.source_name or detail.source} · {detail.level or 'no level'} · {detail.environment.shown}"
            )
        ),
        (),
    ]
    if detail.explanation is not None:
        lines.append(line(detail.explanation.sentence))
        if detail.explanation.next_action:
            lines.append(line(dim("Next: "), detail.explanation.next_action))
    elif detail.error:
        lines.append(line(detail.error))
    if detail.similar > 1:
        lines.append(
            line(
                dim(
                    f"{plural(detail.similar, 'record')} fail the same way since {since(detail.similar_since, view)}"
                )
            )
        )
    return lines


def export_line(path: str, records: int, total: Count) -> Line:
    """Return how far an export is."""
    share = min(1.0, records / total.total) if total.total else 1.0
    full = int(EXPORT_BAR * share) if total.exact else 0
    bar = "▓" * full + "░" * (EXPORT_BAR - full)
    many = f"{total.total:,}" if total.exact else f"{max(total.total, records):,}+"
    return line(
        Span("→ ", Tone.ACCENT),
        f"exporting {records:,} of {many} {bar} ",
        key("x"),
        dim(f" stops it · {path}"),
    )
