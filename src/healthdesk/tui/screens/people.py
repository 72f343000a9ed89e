"""People: whose connection is which, and handing over those of somebody who leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection
from healthdesk.tui.flows.people import hand_over
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.findable import ASK, TEXT, FindableScreen
from healthdesk.tui.view.connection import connection_facts, connection_head, state_span
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable

COLUMNS = [
    Column("Owner", 12, flex=1),
    Column("App", 12, flex=1),
    Column("Connection", 16, flex=3),
    Column("Status", 20),
    Column("Members", 7, right=True, from_width=76),
]


class PeopleScreen(FindableScreen):
    """Opened from Connections, and from the palette: the connections of everybody, or of the one who was named."""

    CONTEXT = "people"
    TITLE = "People"
    ASKED = "User"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection", "instance"})
    noun = "connections"
    EMPTY = (line("  Nobody owns a connection yet."),)

    def chips(self) -> list[Chip]:
        """Whose."""
        return [Chip(TEXT, "Whose", ((ANY, "everybody"), (ASK, "name…")))]

    def make_table(self) -> WindowTable:
        """Connections with their owners."""
        return WindowTable(
            COLUMNS, person_cells, lambda row: str(row.id), ascii_only=self.ascii_only, id="people"
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Connection]:  # noqa: ARG002 - one direction only
        """Read a page of connections."""
        if self.words is None:
            return await self.client.connections_list(after=after, limit=limit)
        return await self.client.people_connections(self.words, after=after, limit=limit)

    def nothing_like_that(self) -> list[Line]:
        """Who owns no connection may have tasks and proof syncs with those of others."""
        return [
            line(f"  {self.words} owns no connection. ", key("backspace"), dim(" shows those of everybody")),
            line("  ", key("W"), dim(" hands over their tasks, proof syncs and repeating tasks.")),
        ]

    def explain(self, row: Connection) -> Iterable[Line]:
        """Whose it is, and what gives it to somebody else."""
        return (
            line(f"{row.name} is {row.owner}'s."),
            line(key("W"), dim(f" hands it over, or everything of {row.owner}")),
        )

    def preview(self, row: Connection) -> Iterable[Line]:
        """Everything about it."""
        return [*connection_head(row, self.view()), (), *connection_facts(row, self.view())]

    @property
    def user(self) -> str:
        """Whose things are handed over: who was named, else the owner of the connection under the cursor."""
        row: Connection | None = self.item()
        return self.words or (row.owner if row is not None else "")

    def refuses(self, action_id: str) -> str:
        """Somebody who owns no connection may still have tasks."""
        if action_id == "hand_over" and not self.user:
            return "name somebody first: / and then ↓"
        return super().refuses(action_id)

    def do_open(self) -> None:
        """Open the connection."""
        self.app.push_screen(ConnectionScreen(self.item().id))

    def do_hand_over(self) -> None:
        """Give it, or all of theirs, to somebody else."""
        self.flow(hand_over(self, self.user, self.item()), asks=True)


def person_cells(row: Connection) -> list[Span]:
    """Return the cells of a connection."""
    return [
        Span(row.owner),
        Span(row.app_name, Tone.DIM),
        Span(row.name),
        state_span(row),
        Span(f"{len(row.members):,}" if row.members else "–", Tone.DIM),
    ]
