"""Activity: who did what."""

from __future__ import annotations

from healthdesk.api.desk import Activity
from healthdesk.domain.activity_words import detail_words, named_words, object_words
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.times import View, full, stamp
from healthdesk.tui.widgets.columns import Column


def activity_columns(view: View) -> list[Column]:
    """Return the columns; the time column names the zone."""
    return [
        Column(f"When {view.zone}"[:12], 12),
        Column("Who", 10, flex=1),
        Column("Did", 18, flex=2),
        Column("What", 16, flex=3),
        Column("Details", 14, flex=3),
    ]


def activity_cells(activity: Activity, view: View) -> list[Span]:
    """Return the cells of one entry."""
    return [
        Span(stamp(activity.at, view)),
        Span(activity.user, Tone.STRONG),
        Span(activity.verb),
        Span(object_word(activity)),
        Span(detail_word(activity), Tone.DIM),
    ]


def object_word(activity: Activity) -> str:
    """Return what it was done to, as in `connection CRM` or `3 records`."""
    return object_words(activity.object_kind, activity.object_name, activity.object_id, activity.detail)


def detail_word(activity: Activity) -> str:
    """Return the details in one line."""
    return detail_words(activity.detail)


def activity_lines(activity: Activity, view: View) -> list[Line]:
    """Return one entry whole."""
    rows = [
        ("When", full(activity.at, view)),
        ("Who", activity.user),
        ("Did", activity.verb),
        (activity.object_kind or "What", f"{activity.object_name} {activity.object_id}".strip()),
        *named_words(activity.detail),
    ]
    return [line(dim(f"{name[:14]:<14} "), value) for name, value in rows if value]


def activity_explain(activity: Activity, view: View) -> list[Line]:
    """Explain an entry in two lines."""
    return [
        line(
            f"{activity.user} · {activity.verb} · {object_word(activity)}",
            dim(f"  {full(activity.at, view)}"),
        ),
        line(dim(detail_word(activity))),
    ]
