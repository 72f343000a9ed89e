"""Apps and their methods of authentication as rows to choose from."""

from __future__ import annotations

from healthdesk.api.apps import App, AppAuth
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.screens.chooser import Option
from healthdesk.tui.widgets.columns import Column

APP_COLUMNS = [Column("App", 18), Column("For", 13), Column("What", 20, flex=1)]
METHOD_COLUMNS = [Column("Method", 30, flex=1), Column("Asks for", 30, flex=1)]


def app_option(app: App) -> Option:
    """Return the row of an app; the whole of its summary is told under the list."""
    kinds = ", ".join(app.kinds)
    return Option(
        app.id,
        (Span(app.name), Span(kinds, Tone.DIM), Span(app.summary)),
        (line(app.summary, dim(f" {app.docs}" if app.docs else "")),),
        f"{app.name} {app.id} {kinds} {app.summary}",
    )


def method_option(method: AppAuth) -> Option:
    """Return the row of a method; what it is and where to find its credentials is told under the list."""
    asks = ", ".join(each.label for each in method.fields) or "nothing"
    lines: list[Line] = []
    if method.help:
        lines.append(line(method.help))
    if method.where:
        lines.append(line(dim(f"Where to find it: {method.where_with({})}")))
    return Option(method.id, (Span(method.name), Span(asks, Tone.DIM)), tuple(lines))
