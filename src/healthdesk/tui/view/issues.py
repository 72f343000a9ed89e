"""Issues to choose from, and the review of what one overwrites in a task."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap

from rich.cells import chop_cells

from healthdesk.api.instances import AttachReview, Issue
from healthdesk.tui.format import Line, Span, Tone, block, clean, dim, fit, line, strong
from healthdesk.tui.screens.chooser import Option
from healthdesk.tui.view.instance_words import field_word
from healthdesk.tui.widgets.columns import Column

ISSUE_COLUMNS = [
    Column("Issue", 10, flex=1),
    Column("Title", 20, flex=4),
    Column("Status", 12, flex=1),
    Column("Assignee", 10, flex=1, from_width=70),
]
LABEL = 13
GAP = " → "
MOST_ROWS = 12
"""How many rows of a long text are shown of each side."""


def issue_option(issue: Issue) -> Option:
    """Return the row of an issue; one that is attached already says to what."""
    tone = Tone.DIM if issue.attached_to else Tone.PLAIN
    lines: list[Line] = [line(issue.title), line(dim(issue.url or issue.id))]
    if issue.attached_to:
        lines.append(line(Span(f"Attached to {issue.attached_to} already.", Tone.WARN)))
    cells = (
        Span(issue.key or "–", tone),
        Span(issue.title, tone),
        Span(issue.status_name or issue.status or "–", Tone.DIM),
        Span(issue.assignee or "–", Tone.DIM),
    )
    return Option(issue.id, cells, tuple(lines), f"{issue.key} {issue.title}")


def review_lines(review: AttachReview, width: int) -> list[Line]:
    """Return the task and the issue side by side, field by field: left what is there, right what it becomes."""
    side = max(12, (width - LABEL - len(GAP)) // 2)
    key = review.issue.key or review.issue.title
    lines: list[Line] = [
        line(" " * LABEL, strong(fit("The task now", side)), " " * len(GAP), strong(f"As in {key}"))
    ]
    for change in review.changes:
        before, after = wrapped(change.before, side), wrapped(change.after, side)
        label = field_word(change)
        same = change.before == change.after
        for left, right in zip_longest(before, after, fillvalue=""):
            gap = GAP if label and not same else " " * len(GAP)
            told = Span(right, Tone.DIM if same else Tone.WARN)
            lines.append(line(dim(fit(label, LABEL)), fit(left, side), dim(gap), told))
            label = ""
    if not review.changes:
        lines.append(line(dim("Both say the same: nothing is overwritten.")))
    return lines


def wrapped(text: str, width: int, most: int = MOST_ROWS) -> list[str]:
    """Return untrusted text in rows of at most `width` cells, its own lines kept, cut after `most` rows."""
    rows: list[str] = []
    for part in block(text):
        cleaned = clean(part)
        rows += (wrap(cleaned, width) if cleaned.isascii() else list(chop_cells(cleaned, width))) or [""]
    if not text:
        return ["–"]
    return rows if len(rows) <= most else [*rows[: most - 1], "…"]
