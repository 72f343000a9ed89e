"""The expiry calendar: which credential ends when, the soonest first."""

from __future__ import annotations

from healthdesk.api.health import Expiry
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.view.times import View, stamp
from healthdesk.tui.view.words import connection_label
from healthdesk.tui.widgets.columns import Column

EXPIRED = "expired"


def expiry_columns(view: View) -> list[Column]:
    """Return the columns; the time column names the zone."""
    return [
        Column("", 1),
        Column("Left", 11),
        Column(f"Ends {view.zone}"[:12], 12),
        Column("App", 12, flex=2),
        Column("Account", 14, flex=3),
        Column("Known from", 11),
        Column("Last warning", 13),
        Column("Owner", 8, flex=1, from_width=100),
    ]


def expiry_tone(item: Expiry) -> Tone:
    """Return how bad it is: over, near, or far."""
    if item.word == EXPIRED:
        return Tone.BAD
    return Tone.PLAIN if item.warned_days is None else Tone.WARN


def expiry_cells(item: Expiry, view: View) -> list[Span]:
    """Return the cells of a credential that ends."""
    tone = expiry_tone(item)
    glyph = {Tone.BAD: "✗", Tone.WARN: "◷"}.get(tone, "·")
    return [
        Span(glyph, tone),
        Span(item.word, tone),
        Span(stamp(item.expires_at, view)),
        Span(item.app_name or item.app),
        Span(connection_label(item.app_name, item.name, item.account)),
        Span("the app" if item.expires_from == "learnt" else "an operator", Tone.DIM),
        Span(warned_words(item), Tone.DIM),
        Span(item.owner, Tone.DIM),
    ]


def warned_words(item: Expiry) -> str:
    """Return at which threshold it was warned of last."""
    if item.warned_days is None:
        return "–"
    if item.warned_days == 0:
        return "at its end"
    return f"{item.warned_days} {'day' if item.warned_days == 1 else 'days'} ahead"


def expiry_explain(item: Expiry, view: View) -> list[Line]:
    """Explain a row in two lines: when, who said so, what helps."""
    when = stamp(item.expires_at, view).strip()
    told = "ended" if item.word == EXPIRED else "ends"
    source = (
        "as the app says"
        if item.expires_from == "learnt"
        else "as an operator entered: the app does not tell"
    )
    helps = line(key("u"), dim("  make a new token at the app and update the credentials"))
    if expiry_tone(item) is Tone.PLAIN:
        helps = line(dim("You are warned 30, 14, 7 and 1 days ahead."))
    return [line(f"The credential of {item.name} {told} {when}, ", dim(f"{source}.")), helps]
