"""Problems: rows, explanation, and the evidence in a problem's window."""

from __future__ import annotations

from healthdesk.api.connections import Heartbeat
from healthdesk.api.instances import Run
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.api.records import Attempt
from healthdesk.domain.states import ErrorKind, ProblemState
from healthdesk.domain.units import counted, listed, repaired
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.alerts import alert_line
from healthdesk.tui.view.instance_words import RUN
from healthdesk.tui.view.times import View, full, millis, since, span
from healthdesk.tui.view.words import ATTEMPT, PROBLEM, Word, blame_word, check_glyph, check_words
from healthdesk.tui.widgets.columns import Column

PROBLEM_COLUMNS = [
    Column("", 1),
    Column("Since", 12),
    Column("Count", 7, right=True),
    Column("Where", 14, flex=2),
    Column("Cause", 18, flex=4),
    Column("State", 12, flex=1),
    Column("Owner", 8, flex=1, from_width=100),
]


WARNINGS = (ErrorKind.EXPIRING, ErrorKind.DRIFT, ErrorKind.FLAPPING, ErrorKind.OFFLINE)
"""Kinds that stand for as long as something is so: the connection may work meanwhile."""


WARNS = {
    ErrorKind.EXPIRING: "Warned of",
    ErrorKind.DRIFT: "Changed",
    ErrorKind.FLAPPING: "To and fro",
    ErrorKind.OFFLINE: "Offline",
}


def problem_word(problem: ProblemRow) -> Word:
    """Return how its state is shown: what is a warning has the glyph of one."""
    word = PROBLEM[problem.state]
    if problem.kind in WARNINGS and problem.state is ProblemState.OPEN:
        return Word("⚠", word.text, Tone.WARN)
    return word


def problem_cells(problem: ProblemRow, view: View) -> list[Span]:
    """Return the cells of a problem."""
    word = problem_word(problem)
    quiet = problem.state is ProblemState.RESOLVED
    waiting = problem.count + problem.held + sum(problem.blocked.values())
    return [
        Span(word.glyph, word.tone),
        Span(since(problem.since, view)),
        Span(f"{waiting:,}" if waiting else "–", Tone.DIM if quiet else Tone.PLAIN),
        Span(problem.place),
        Span(problem.cause, Tone.DIM if quiet else Tone.PLAIN),
        Span(state_words(problem, view), Tone.DIM if muted(problem, view) else word.tone),
        Span(problem.owner or "–", Tone.DIM),
    ]


def muted(problem: ProblemRow, view: View) -> bool:
    """Return whether its alerts are silenced now."""
    return problem.muted_until is not None and problem.muted_until > view.now


def state_words(problem: ProblemRow, view: View) -> str:
    """Return `open`, `ack bob`, `muted 24 h`, `ack bob · muted 24 h`."""
    words = PROBLEM[problem.state].text
    taken = problem.state is ProblemState.ACKNOWLEDGED
    if taken and problem.acknowledged_by:
        words = f"ack {problem.acknowledged_by}"
    if problem.state is ProblemState.RESOLVED or problem.muted_until is None or not muted(problem, view):
        return words
    silence = f"muted {mute_left((problem.muted_until - view.now).total_seconds())}"
    return f"{words} · {silence}" if taken else silence


def mute_left(seconds: float) -> str:
    """Return how long a mute lasts yet, to the nearest hour: a day is 24 h, also a moment after it began."""
    hours = round(seconds / 3600)
    return f"{hours} h" if 1 <= hours <= 48 else span(seconds)


def problem_explain(problem: ProblemRow, view: View) -> list[Line]:
    """Explain a problem in two lines: how much, whose fault, what next."""
    last = since(problem.last_at, view)
    if problem.total:
        parts = [f"Holds up {counted(problem.count + problem.held, problem.unit)}, {problem.total:,} in all"]
        if problem.held:
            parts.append(f"{problem.held:,} held behind it")
        if problem.retrying:
            parts.append(f"{problem.retrying:,} still retrying")
        if problem.blocked:
            parts.append(f"{listed(problem.blocked)} blocked")
        parts.append(f"last at {last}")
    elif problem.blocked:
        parts = [f"{listed(problem.blocked)} blocked until it works again", f"last at {last}"]
    elif problem.kind in WARNINGS:
        parts = [f"{WARNS[ErrorKind(problem.kind)]} since {since(problem.since, view)}"]
    else:
        parts = [f"Last at {last}"]
    first = line(" · ".join(parts), dim(f" · {blame_word(problem.blame)}" if problem.blame else ""))
    if problem.state is ProblemState.RESOLVED:
        by = f" by {problem.resolved_by}" if problem.resolved_by else ""
        return [first, line(dim(f"Resolved {since(problem.resolved_at, view)}{by}.{_repaired(problem)}"))]
    return [first, line(dim("Next: "), problem.next_action or "–")]


def _waiting(problem: ProblemRow) -> str:
    held = f", {problem.held:,} held behind it" if problem.held else ""
    blocked = f", {listed(problem.blocked)} blocked" if problem.blocked else ""
    return f"{counted(problem.count + problem.held, problem.unit)} now{held}{blocked}"


def _repaired(problem: ProblemRow) -> str:
    return f" Repaired: {repaired(problem.repaired)}." if problem.repaired else ""


def problem_preview(detail: ProblemDetail, view: View) -> list[Line]:
    """Return the preview: the head, the evidence, who was told."""
    return [*problem_head(detail, view), (), *evidence_lines(detail, view)]


def problem_head(problem: ProblemRow, view: View) -> list[Line]:
    """Return the top of a problem's window."""
    word = problem_word(problem)
    blocked = f"{listed(problem.blocked)} blocked · " if problem.blocked else ""
    lines = [
        line(Span(f"{word.glyph} {problem.cause}", word.tone), dim(f"  {problem.place}")),
        line(
            f"{_waiting(problem)}, {problem.total:,} in all since {since(problem.since, view)}"
            if problem.total
            else f"{blocked}Since {since(problem.since, view)}",
            dim(f" · {blame_word(problem.blame)} · {state_words(problem, view)}"),
        ),
    ]
    if problem.state is ProblemState.RESOLVED:
        lines.append(line(dim(f"Resolved {full(problem.resolved_at, view)}.{_repaired(problem)}")))
    elif problem.next_action:
        lines.append(line(dim("Next: "), problem.next_action))
    return lines


def evidence_lines(detail: ProblemDetail, view: View) -> list[Line]:
    """Return last good beside first bad, and what was announced to whom."""
    lines: list[Line] = [line(strong("Evidence"))]
    lines += _attempt_lines("Last good", detail.last_good, view)
    lines += _attempt_lines("First bad", detail.first_bad, view)
    lines += _check_lines("Last good check", detail.last_good_check, view)
    lines += _check_lines("First bad check", detail.first_bad_check, view)
    lines += _run_lines("Last good run", detail.last_good_run, view)
    lines += _run_lines("First bad run", detail.first_bad_run, view)
    if len(lines) == 1:
        lines.append(_no_check(detail))
    elif detail.connection_id:
        lines.append(line(dim("  Connection      "), key("o"), dim(" opens it, with all its checks")))
    if detail.sample_record_id:
        lines.append(
            line(
                dim("  Sample          "), detail.sample_record_id, dim("  "), key("enter"), dim(" opens it")
            )
        )
    lines += [(), line(strong("Announced"))]
    if not detail.alerts:
        lines.append(line(dim("  to nobody: no channel was there, or it was muted or acknowledged first")))
    lines += [alert_line(alert, view) for alert in detail.alerts]
    return lines


def _no_check(detail: ProblemDetail) -> Line:
    if detail.kind in WARNINGS and detail.connection_id:
        told = dim("  It stands for as long as it is so; no single check is its evidence. ")
        return line(told, key("o"), dim(" opens the connection"))
    return line(dim("  none kept"))


def _attempt_lines(name: str, attempt: Attempt | None, view: View) -> list[Line]:
    if attempt is None:
        return []
    word = ATTEMPT[attempt.outcome]
    told = attempt.error or word.text
    return [
        line(
            dim(f"  {name:<15} "),
            Span(f"{word.glyph} {attempt.status or '–'!s:<3} ", word.tone),
            f"{full(attempt.started_at, view)} ",
            dim(f"{millis(attempt.duration_ms)} "),
            told,
        )
    ]


def _check_lines(name: str, check: Heartbeat | None, view: View) -> list[Line]:
    if check is None:
        return []
    return [
        line(
            dim(f"  {name:<15} "),
            check_glyph(check),
            f" {check.status or '–'!s:<3} {full(check.at, view)} ",
            check_words(check),
        )
    ]


def _run_lines(name: str, run: Run | None, view: View) -> list[Line]:
    if run is None:
        return []
    word = RUN[run.outcome]
    return [
        line(
            dim(f"  {name:<15} "),
            Span(f"{word.glyph} {run.status or '–'!s:<3} ", word.tone),
            f"{full(run.started_at, view)} ",
            run.error or run.outcome_word or word.text,
        )
    ]
