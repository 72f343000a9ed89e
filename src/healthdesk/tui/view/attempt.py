"""The window of one attempt: its verdict, then what was sent and what came back."""

from __future__ import annotations

from healthdesk.api.records import AttemptDetail
from healthdesk.tui.format import Line, Span, dim, line, strong
from healthdesk.tui.view.record import request_lines, response_lines
from healthdesk.tui.view.timeline import trigger_word
from healthdesk.tui.view.times import View, full, millis, span
from healthdesk.tui.view.words import ATTEMPT, blame_word


def attempt_head(detail: AttemptDetail, view: View) -> list[Line]:
    """Return two lines: what became of it, when and why it was made."""
    word = ATTEMPT[detail.outcome]
    status = f", {detail.status}" if detail.status is not None else ""
    took = f" in {millis(detail.duration_ms)}" if detail.duration_ms is not None else ""
    fault = f" ({blame_word(detail.blame)})" if detail.blame else ""
    return [
        line(
            Span(f"{word.glyph} Attempt {detail.number:,}: {word.text}{status}{took}", word.tone), dim(fault)
        ),
        line(dim(f"{full(detail.started_at, view)} · {trigger_word(detail)}")),
    ]


def attempt_lines(detail: AttemptDetail, view: View) -> list[Line]:
    """Return why it failed, the response and the request."""
    rows = [
        ("Error message", detail.error),
        ("Kind", detail.error_kind.replace("_", " ")),
        ("Retry-After", span(detail.retry_after_s) if detail.retry_after_s is not None else ""),
        ("Finished", full(detail.finished_at, view)),
        ("Attempt", detail.id),
    ]
    return [
        *(line(dim(f"{name:<13} "), value) for name, value in rows if value),
        (),
        line(strong("Request")),
        *request_lines(detail, detail),
        (),
        line(strong("Response")),
        *response_lines(detail, detail),
    ]
