"""Callbacks: rows, explanation, and one whole."""

from __future__ import annotations

from healthdesk.api.callbacks import Callback, CallbackDetail
from healthdesk.domain.states import CallbackState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.json_view import body_lines
from healthdesk.tui.view.times import View, full, stamp
from healthdesk.tui.view.words import CALLBACK, plural
from healthdesk.tui.widgets.columns import Column


def callback_columns(view: View) -> list[Column]:
    """Return the columns; the time column names the zone."""
    return [
        Column("", 1),
        Column(f"Received {view.zone}"[:15], 12),
        Column("From", 10, flex=2),
        Column("Event", 14, flex=3),
        Column("Status", 10),
        Column("Again", 5, right=True),
        Column("Size", 8, right=True, from_width=70),
        Column("Delivery id", 16, flex=2, from_width=90),
    ]


def callback_cells(callback: Callback, view: View) -> list[Span]:
    """Return the cells of a callback."""
    word = CALLBACK[callback.state]
    bad = callback.state in (CallbackState.REJECTED, CallbackState.FAILED)
    return [
        Span(word.glyph, word.tone),
        Span(stamp(callback.received_at, view)),
        Span(callback.sender_name or callback.integration_id or callback.connection_id),
        Span(callback.reason if bad and callback.reason else callback.event_words or "–"),
        Span(word.text, word.tone),
        Span(str(callback.duplicates) if callback.duplicates else "", Tone.DIM),
        Span(f"{callback.size:,}", Tone.DIM),
        Span(callback.delivery_id, Tone.DIM),
    ]


def callback_explain(callback: Callback, view: View) -> list[Line]:
    """Explain a callback in two lines."""
    word = CALLBACK[callback.state]
    first = [Span(f"{word.glyph} {word.text}", word.tone)]
    if callback.reason:
        first.append(Span(f": {callback.reason}"))
    elif callback.processed_at is not None:
        first.append(dim(f" {full(callback.processed_at, view)}"))
    if callback.duplicates:
        first.append(dim(f" · sent {plural(callback.duplicates + 1, 'time')}, kept once"))
    if callback.state is CallbackState.REJECTED:
        second = line(
            dim("Nothing was changed by it. Check the connection's callback secret ("),
            key("e"),
            dim(" there)."),
        )
    elif callback.state is CallbackState.FAILED:
        second = line(key("P"), dim(" processes it again"))
    else:
        about = about_words(callback)
        size = plural(callback.size, "byte")
        told = [f"about {about}" if about else "", callback.delivery_id, size]
        second = line(dim(" · ".join(part for part in told if part)))
    return [tuple(first), second]


def about_words(callback: Callback) -> str:
    """Return which issues and records a callback is about."""
    return ", ".join([*callback.instances, *callback.records])


def callback_lines(detail: CallbackDetail, view: View) -> list[Line]:
    """Return a callback whole: facts, headers, body."""
    rows = [
        ("Received", full(detail.received_at, view)),
        ("From", detail.sender_name or detail.integration_id or detail.connection_id),
        ("Event", detail.event_words),
        ("About", about_words(detail)),
        ("Delivery id", detail.delivery_id),
        ("Reason", detail.reason),
    ]
    lines = [line(dim(f"{name:<12} "), value) for name, value in rows if value]
    lines += [(), line(strong("Headers"))]
    lines += [line(dim(f"{name}: "), value) for name, value in sorted(detail.headers.items())]
    return [*lines, (), line(strong("Body")), *body_lines(detail.body)]
