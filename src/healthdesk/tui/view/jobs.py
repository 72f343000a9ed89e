"""Jobs: their line with a progress bar, their rows, what became of each record, and what is said on top of one."""

from __future__ import annotations

from healthdesk.api.jobs import Job, JobItem
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.record import short_id
from healthdesk.tui.view.times import View, full, since, span, stamp, time_of_day
from healthdesk.tui.view.words import Word, plural
from healthdesk.tui.widgets.columns import Column

BAR = 12
ROW_BAR = 6
ACTIVE = (JobState.RUNNING, JobState.PREPARING, JobState.STOPPED, JobState.PAUSED)
"""States of jobs that somebody may have to look at, the ones that go on first."""

JOB = {
    JobState.PREPARING: Word("·", "Preparing", Tone.DIM),
    JobState.RUNNING: Word("→", "Running"),
    JobState.PAUSED: Word("⏸", "Paused", Tone.WARN),
    JobState.STOPPED: Word("✗", "Stopped", Tone.BAD),
    JobState.DONE: Word("✓", "Done", Tone.GOOD),
    JobState.CANCELLED: Word("–", "Cancelled", Tone.DIM),
}
WAITS = Word("⏸", "Waits", Tone.WARN)
ITEM = {
    JobItemState.PENDING: Word("·", "Pending", Tone.DIM),
    JobItemState.SENT: Word("→", "Sent"),
    JobItemState.DELIVERED: Word("✓", "Delivered", Tone.GOOD),
    JobItemState.AWAITING_RECEIPT: Word("○", "Awaiting receipt"),
    JobItemState.RETRYING: Word("↻", "Retrying", Tone.WARN),
    JobItemState.FAILED: Word("✗", "Failed", Tone.BAD),
    JobItemState.UNKNOWN: Word("?", "Unknown", Tone.WARN),
    JobItemState.SKIPPED: Word("–", "Skipped", Tone.DIM),
    JobItemState.CANCELLED: Word("–", "Cancelled", Tone.DIM),
}
KINDS = {JobKind.RESEND: "Resend", JobKind.FIX: "Fix and resend", JobKind.SAMPLE: "Sample data"}
STAGES = {JobStage.ONE: "the first record", JobStage.FIVE: "the next five", JobStage.REST: "the rest"}


def job_columns(view: View) -> list[Column]:
    """Return the columns of the list of jobs; the time column names the zone."""
    return [
        Column("", 1),
        Column(f"Begun {view.zone}"[:12], 12),
        Column("What", 16, flex=4),
        Column("State", 9),
        Column("Progress", ROW_BAR + 14),
        Column("Failed", 6, right=True),
        Column("By", 6, flex=1),
        Column("Where", 14, flex=2, from_width=110),
    ]


def job_cells(job: Job, view: View) -> list[Span]:
    """Return the cells of a job."""
    word = job_word(job)
    failed = job.counts.get(JobItemState.FAILED, 0)
    return [
        Span(word.glyph, word.tone),
        Span(stamp(job.created_at, view)),
        Span(job_title(job)),
        Span(word.text, word.tone),
        Span(f"{bar(job, ROW_BAR)} {job.finished:,}/{job.total:,}"),
        Span(f"{failed:,}" if failed else "–", Tone.BAD if failed else Tone.DIM),
        dim(job.created_by),
        dim(where(job)),
    ]


def job_word(job: Job) -> Word:
    """Return the state of a job; one that runs and can do nothing but wait is told apart."""
    return WAITS if job.waits and job.state is JobState.RUNNING else JOB[job.state]


def job_why(job: Job) -> Line:
    """Return why a job stands still, in as many words as it takes, or nothing."""
    if job.state is JobState.STOPPED and job.reason:
        return line(Span(job.reason, JOB[job.state].tone))
    return line(Span(f"Waits: {job.waiting}", WAITS.tone)) if job.waits else ()


def job_title(job: Job) -> str:
    """Return what a job does, in words."""
    return job.title or f"{KINDS[job.kind]} · {plural(job.total, 'record')}"


def where(job: Job) -> str:
    """Return `CRM endpoint · production`, or an empty string where it is several."""
    environment = job.environment.shown if job.environment else ""
    return " · ".join(part for part in (job.integration_name, environment) if part)


def bar(job: Job, width: int = BAR) -> str:
    """Return how far it is; what is begun but not whole is never shown as whole."""
    done = width if not job.total else width * job.finished // job.total
    return "▓" * done + "░" * (width - done)


def stage_words(job: Job) -> str:
    """Return `canary 0/1`, `canary 1/1 ✓ · 2/5`, later `84/131`; of few records the canary is all there is. While it is
    prepared, how many it will have.
    """
    if job.state is JobState.PREPARING:
        return plural(job.total, "record")
    of_five = min(5, max(0, job.total - 1))
    if job.kind is JobKind.SAMPLE or job.stage is JobStage.REST:
        return f"{job.finished:,}/{job.total:,}"
    if job.stage is JobStage.ONE:
        return f"canary {min(1, job.finished)}/1"
    return f"canary 1/1 ✓ · {min(of_five, max(0, job.finished - 1))}/{of_five}"


def trouble(job: Job) -> str:
    """Return `3 failed, 1 unknown`, or an empty string."""
    bad = (JobItemState.FAILED, JobItemState.UNKNOWN, JobItemState.RETRYING)
    return ", ".join(
        f"{job.counts[each]:,} {ITEM[each].text.lower()}" for each in bad if job.counts.get(each)
    )


def job_line(job: Job, more: int, *, focused: bool) -> Line:
    """Return one line of a job that anyone attached sees; with the focus it names the keys that act on it."""
    word = job_word(job)
    parts: list[str | Span] = [Span(f"{word.glyph} ", word.tone), strong(short_id(job.id)), " "]
    if word is not JOB[JobState.RUNNING]:
        parts.append(Span(f"{word.text.lower()} ", word.tone))
    parts += [stage_words(job), " ", bar(job)]
    if trouble(job):
        parts.append(Span(f" {trouble(job)}", Tone.BAD))
    if focused:
        parts += [*job_keys(job)]
    else:
        parts += [dim("  "), key("shift+tab"), dim(" to it")]
    if more:
        parts += [dim(f" · {more} more: "), key("J")]
    return line(*parts)


def job_keys(job: Job) -> list[str | Span]:
    """Return the keys that act on a job."""
    parts: list[str | Span] = ["  "]
    if job.state in ACTIVE and job.state is not JobState.PREPARING:
        parts += [key("p"), " pause  " if job.state is JobState.RUNNING else " resume  "]
    if job.state in ACTIVE:
        parts += [key("D"), " cancel  "]
    return [*parts, key("enter"), " open"]


def job_head(job: Job, view: View) -> list[Line]:
    """Return the top of a job's window: what, how far, why it stands still, the totals, what was planned."""
    word = job_word(job)
    place = where(job)
    lines = [
        line(
            Span(f"{word.glyph} {word.text}: {job_title(job)}", word.tone), dim(f"  {place}" if place else "")
        ),
        line(f"{bar(job, 24)} {job.finished:,} of {job.total:,}", dim(f" · {_stage(job)}{_pace(job)}")),
    ]
    if job.reason:
        lines.append(line(Span(job.reason, word.tone)))
    if job.waits:
        lines.append(line(Span(f"Waits: {job.waiting}", WAITS.tone)))
    lines.append(_counts(job))
    by = f"Begun {full(job.created_at, view)} by {job.created_by}"
    if job.finished_at is not None:
        by += f", ended {time_of_day(job.finished_at, view)}"
    if job.changed_by and job.changed_by != job.created_by:
        by += f", last changed by {job.changed_by}"
    lines.append(line(dim(by)))
    return lines


def _stage(job: Job) -> str:
    if job.state in (JobState.DONE, JobState.CANCELLED):
        return "ended"
    if job.state is JobState.PREPARING:
        return "it is being prepared"
    canary = f" ({stage_words(job)})" if job.stage is not JobStage.REST else ""
    return f"{STAGES[job.stage]}{canary}"


def _pace(job: Job) -> str:
    left = job.counts.get(JobItemState.PENDING, 0)
    if not job.rate_per_s:
        return ""
    rest = f", {span(left / job.rate_per_s)} left" if left and job.state is JobState.RUNNING else ""
    return f" · {job.rate_per_s:g}/s{rest}"


def _counts(job: Job) -> Line:
    """Return how many are in each state: they add up to all of them."""
    parts: list[str | Span] = [strong(f"{job.total:,} in all")]
    for state, word in ITEM.items():
        if job.counts.get(state):
            parts += ["   ", Span(f"{word.glyph} {job.counts[state]:,} {word.text.lower()}", word.tone)]
    return line(*parts)


def item_columns(view: View) -> list[Column]:
    """Return the columns of a job's records."""
    return [
        Column("", 1),
        Column("Record", 13),
        Column("Source", 16, flex=1, from_width=100),
        Column("Level", 9, from_width=100),
        Column("Result", 16),
        Column("Status", 6),
        Column(f"At {view.zone}"[:12], 12),
        Column("Why", 8, flex=4),
        Column("Id", 31, from_width=120),
    ]


def item_cells(item: JobItem, view: View) -> list[Span]:
    """Return the cells of what became of one record."""
    word = ITEM[item.state]
    why = item.detail or item.error_kind.replace("_", " ")
    return [
        Span(word.glyph, word.tone),
        Span(short_id(item.record_id)),
        Span(item.source_name or item.source or "–", Tone.PLAIN if item.source else Tone.DIM),
        dim(item.level or "–"),
        Span(word.text, word.tone),
        Span(str(item.status or "–"), Tone.PLAIN if item.status else Tone.DIM),
        dim(time_of_day(item.finished_at, view)),
        Span(why),
        dim(item.record_id),
    ]


def item_explain(item: JobItem) -> list[Line]:
    """Return why one record was skipped or how it failed, and the way to it."""
    word = ITEM[item.state]
    told = item.detail or item.error_kind.replace("_", " ")
    first = line(Span(f"{word.glyph} {word.text}", word.tone), f" · {told}" if told else "")
    return [first, line(dim(item.record_id + "   "), key("enter"), dim(" opens it"))]


def job_explain(job: Job, view: View) -> list[Line]:
    """Explain a job in the list."""
    ended = f", ended {since(job.finished_at, view)}" if job.finished_at else ""
    so_far = _became(job) if job.finished_at else _stage(job)
    told = job.reason or (f"Waits: {job.waiting}" if job.waits else "") or trouble(job) or so_far
    there = f"{where(job)}  " if where(job) else ""
    return [line(told, dim(ended)), line(dim(there), *job_keys(job))]


def ended_sentence(job: Job) -> str:
    """Return what became of a job that ended."""
    reason = f": {job.reason}" if job.reason else ""
    return f"{job_title(job)} {JOB[job.state].text.lower()}{reason}. {_became(job)}."


def _became(job: Job) -> str:
    """Return how many of its records are in which state."""
    return ", ".join(f"{count:,} {ITEM[state].text.lower()}" for state, count in job.counts.items() if count)
