"""The window of a connection: verdict, card, heartbeats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, Heartbeat
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.flows.connections import check_now, disconnect, edit_connection
from healthdesk.tui.flows.credentials import put_back, update_credentials
from healthdesk.tui.format import Line, Tone, clean, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.dialog import Notice
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.connection import (
    HEARTBEAT_COLUMNS,
    connection_card,
    connection_facts,
    connection_head,
    heartbeat_cells,
)
from healthdesk.tui.view.credentials import why_not_put_back
from healthdesk.tui.view.times import full
from healthdesk.tui.widgets.lines import Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction


class ConnectionScreen(WindowScreen):
    """Opened from Connections."""

    CONTEXT = "connection"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection"})
    detail: Connection | None

    def body(self) -> Iterable[Widget]:
        """Verdict, card, heartbeats."""
        table = WindowTable(
            HEARTBEAT_COLUMNS,
            lambda beat: heartbeat_cells(beat, self.view()),
            lambda beat: str(beat.id),
            ascii_only=self.ascii_only,
            id="heartbeats",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="heartbeats-region")
        empty = [line("  No heartbeat yet. c checks it now.")]
        self.add_list(Listing(region, self.fetch, empty=empty))
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        card = Lines(ascii_only=self.ascii_only, id="card", classes="card")
        card.border_title = "Connection"
        yield card
        yield region

    def crumbs(self) -> str:
        """Where you are."""
        name = f"{self.detail.app_name} · {self.detail.name}" if self.detail else self.key
        return f"Connections › {name}"

    async def read(self) -> Connection:
        """Read the connection."""
        return await self.client.connection(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Heartbeat]:  # noqa: ARG002 - one direction only
        """Read a page of its checks."""
        return await self.client.connection_heartbeats(self.key, after=after, limit=limit)

    def head_lines(self) -> Iterable[Line]:
        """The verdict."""
        return connection_head(self.detail, self.view()) if self.detail else ()

    def show_detail(self) -> None:
        """Show the card."""
        if self.detail is None:
            return
        card = self.query_one("#card", Lines)
        title = clean(f"{self.detail.name} · {self.detail.owner}", ascii_only=self.ascii_only)
        card.border_title = title.replace("[", "\\[")
        card.set_class(self.detail.state is ConnectionState.FAILING, f"-{Tone.BAD}")
        card.show(connection_card(self.detail, self.view()))

    def item_name(self) -> str:
        """The connection."""
        return f"{self.detail.app_name} · {self.detail.name}" if self.detail else ""

    def refuses(self, action_id: str) -> str:
        """A check is opened only when there is one."""
        if action_id == "open" and self.lists["heartbeats-region"].table.current is None:
            return "there is no heartbeat yet"
        if action_id == "put_back" and self.detail is not None:
            return why_not_put_back(self.detail.previous_until, self.view())
        return ""

    def do_open(self) -> None:
        """Read a check whole."""
        beat: Heartbeat = self.lists["heartbeats-region"].table.current
        lines = [
            line(full(beat.at, self.view())),
            line(f"{beat.trigger.value}: {beat.status or 'no answer'} in {beat.duration_ms:.0f} ms"),
            line(beat.sentence or "It answered as expected."),
        ]
        self.app.push_screen(Notice("Heartbeat", lines, ascii_only=self.ascii_only))

    def do_check(self) -> None:
        """Check now."""
        self.flow(check_now(self, self.key))

    def do_credentials(self) -> None:
        """Enter new credentials."""
        self.flow(update_credentials(self, self.key), asks=True)

    def do_put_back(self) -> None:
        """Use the credentials before the last update again."""
        self.flow(put_back(self, self.key), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(edit_connection(self, self.key), asks=True)

    def do_disconnect(self) -> None:
        """End it."""
        self.flow(disconnect(self, self.key), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy its facts."""
        if self.detail is None:
            return []
        return [*connection_head(self.detail, self.view()), (), *connection_facts(self.detail, self.view())]
