"""Choosing among the connections of an app that an operator may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection
from healthdesk.errors import HealthdeskError
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.chooser import Chooser, Option
from healthdesk.tui.view.words import CONNECTION
from healthdesk.tui.widgets.columns import Column

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

COLUMNS = [
    Column("", 1),
    Column("Connection", 20, flex=2),
    Column("Account", 14, flex=2),
    Column("Owner", 10, flex=1),
]
"""Of the connections to choose from."""


async def usable_connections(screen: DeskScreen, app: str | None = None) -> list[Connection]:
    """Return the connections (of one app) that the operator may use, those that work first."""
    found: list[Connection] = []
    after: str | None = None
    while True:
        page = await screen.client.connections_list(after=after, limit=500)
        found += [each for each in page.items if app in (None, each.app) and "use" not in each.refused]
        after = page.next
        if after is None:
            return sorted(found, key=lambda each: (each.explanation is not None, each.name.lower()))


async def choose_own_connection(
    screen: DeskScreen, title: str, app: str, app_name: str, *, without: str | None = None
) -> Connection | None:
    """Return the connection that was chosen, or None; HealthdeskError where there is none to choose."""
    found = [each for each in await usable_connections(screen, app) if each.id != without]
    if not found:
        other = "no other connection" if without else "no connection"
        raise HealthdeskError(
            f"There is {other} of {app_name} that you may use.",
            fix="`n` in Connections adds one, or its owner makes you a member.",
        )
    return await choose_among(screen, title, found)


async def choose_among(screen: DeskScreen, title: str, found: list[Connection]) -> Connection | None:
    """Return the connection that was chosen, or None."""
    chooser = Chooser(title, COLUMNS, [_option(each) for each in found], ascii_only=screen.ascii_only)
    answer: str | None = await screen.ask(chooser)
    return next((each for each in found if each.id == answer), None)


def _option(connection: Connection) -> Option:
    word = CONNECTION[connection.state]
    why = connection.explanation.sentence if connection.explanation else ""
    lines = (line(dim(f"{connection.base_url} · "), Span(connection.state_word, word.tone), dim(f" {why}")),)
    cells = (
        Span(word.glyph, word.tone),
        Span(connection.name),
        Span(connection.account or "–", Tone.DIM),
        Span(connection.owner, Tone.DIM),
    )
    return Option(connection.id, cells, lines, f"{connection.name} {connection.account}")
