"""Changes of a connection's state, newest first."""

from __future__ import annotations

from healthdesk.api.health import Transition
from healthdesk.tui.format import Span, Tone
from healthdesk.tui.view.times import View, stamp
from healthdesk.tui.view.words import CONNECTION
from healthdesk.tui.widgets.columns import Column


def change_columns(view: View) -> list[Column]:
    """Return the columns; the time column names the zone."""
    return [
        Column("", 1),
        Column(f"At {view.zone}"[:12], 12),
        Column("From", 18),
        Column("To", 18),
        Column("Because", 20, flex=3),
    ]


def change_cells(change: Transition, view: View) -> list[Span]:
    """Return the cells of a change."""
    before, after = CONNECTION[change.from_state], CONNECTION[change.to_state]
    return [
        Span(after.glyph, after.tone),
        Span(stamp(change.at, view)),
        Span(before.text, Tone.DIM),
        Span(after.text, after.tone),
        Span(change.sentence or change.kind.replace("_", " ")),
    ]
