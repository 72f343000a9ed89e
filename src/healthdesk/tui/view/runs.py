"""Runs of a task or proof sync: rows, and one run whole with what it changed."""

from __future__ import annotations

from healthdesk.api.instances import FieldChange, Run
from healthdesk.domain.instance_states import RunOutcome
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line, strong
from healthdesk.tui.view.instance_words import RUN, direction_words, field_word, trigger_words
from healthdesk.tui.view.times import View, full, millis, time_of_day
from healthdesk.tui.view.words import blame_word, plural
from healthdesk.tui.widgets.columns import Column

LABEL = 14
MOST_OF_A_VALUE = 40


def run_columns(view: View) -> list[Column]:
    """Return the columns of runs; the time column names the zone."""
    return [
        Column("", 1),
        Column(f"At {view.zone}"[:12], 12),
        Column("Outcome", 12),
        Column("Trigger", 16, flex=1),
        Column("Took", 7, right=True),
        Column("What", 16, flex=4),
    ]


def run_cells(run: Run, view: View) -> list[Span]:
    """Return the cells of a run."""
    word = RUN[run.outcome]
    return [
        Span(word.glyph, word.tone),
        Span(time_of_day(run.started_at, view)),
        Span(run.outcome_word or word.text, word.tone),
        dim(trigger_words(run)),
        dim(millis(run.duration_ms)),
        run_summary(run),
    ]


def run_summary(run: Run) -> Span:
    """Return what a run did in a few words: its error, the fields it changed, the rows it collected."""
    if run.error:
        return Span(run.error, Tone.BAD if run.outcome is RunOutcome.FAILED else Tone.PLAIN)
    if run.changes:
        lost = sum(bool(change.lost) for change in run.changes)
        told = ", ".join(field_word(change) for change in run.changes)
        return Span(f"{told} · {plural(lost, 'conflict')}" if lost else told)
    if run.rows is not None:
        return Span(plural(run.rows, "row") + (", cut" if run.cut else ""))
    return dim("–")


def run_explain(run: Run, view: View) -> list[Line]:
    """Explain a run in two lines."""
    if run.error:
        fault = f" ({blame_word(run.blame)})" if run.blame else ""
        return [line(Span(run.error, Tone.BAD), dim(fault)), line(dim("Next: "), run.next_action or "–")]
    if run.changes:
        first = change_line(run.changes[0])
        more = len(run.changes) - 1
        return [
            first,
            line(dim(f"{plural(more, 'more change')} · " if more else ""), key("enter"), dim(" shows all")),
        ]
    return [line(run_summary(run)), line(dim(f"{full(run.started_at, view)} · {trigger_words(run)}"))]


def change_line(change: FieldChange) -> Line:
    """Return a change of one field in a line; a conflict says what was lost."""
    parts = [
        dim(f"{field_word(change)}: "),
        Span(_short(change.before)),
        dim(" → "),
        Span(_short(change.after), Tone.STRONG),
        dim(f" {direction_words(change)}"),
    ]
    if change.lost:
        parts.append(Span(f" · conflict, lost: {_short(change.lost)}", Tone.WARN))
    return line(*parts)


def _short(text: str) -> str:
    text = " ".join(text.split()) or "–"
    return text if len(text) <= MOST_OF_A_VALUE else f"{text[: MOST_OF_A_VALUE - 1]}…"


def run_lines(run: Run, view: View) -> list[Line]:
    """Return a run whole: what, when, why, the whole error, every field with both values."""
    word = RUN[run.outcome]
    rows: list[tuple[str, str | Span]] = [
        ("Outcome", Span(f"{word.glyph} {run.outcome_word or word.text}", word.tone)),
        ("Trigger", trigger_words(run)),
        ("Started", full(run.started_at, view)),
        ("Took", millis(run.duration_ms)),
        ("Status", str(run.status) if run.status is not None else ""),
        ("Rows", f"{run.rows:,}{' (cut)' if run.cut else ''}" if run.rows is not None else ""),
        ("Content hash", run.content_hash),
        ("At fault", blame_word(run.blame) if run.blame else ""),
        ("What to do", run.next_action),
        ("Run", dim(run.id)),
    ]
    lines = [line(dim(f"{name:<{LABEL}}"), value) for name, value in rows if value]
    if run.error:
        lines += [
            (),
            line(strong("Error message")),
            *(line(Span(part, Tone.BAD)) for part in block(run.error)),
        ]
    for change in run.changes:
        lines += [(), line(strong(field_word(change)), dim(f"  {direction_words(change)}"))]
        lines += _value("before", change.before, Tone.PLAIN) + _value("after", change.after, Tone.PLAIN)
        if change.lost:
            lines += _value("lost", change.lost, Tone.WARN)
    return lines


def _value(name: str, text: str, tone: Tone) -> list[Line]:
    first, *rest = block(text) if text else ["–"]
    return [
        line(dim(f"  {name:<8}"), Span(first, tone)),
        *(line(" " * 10, Span(part, tone)) for part in rest),
    ]
