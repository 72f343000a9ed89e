"""The window of a connection: verdict, card, and in tabs its heartbeats, evidence, changes and details."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, Heartbeat
from healthdesk.api.health import Transition
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.connection_detail import ConnectionDetail, read_connection
from healthdesk.tui.flows.connections import check_now, disconnect, edit_connection
from healthdesk.tui.flows.credentials import put_back, update_credentials
from healthdesk.tui.flows.health import accept_drift, enter_expiry, new_address, remove_ping, set_ping
from healthdesk.tui.format import Line, Tone, clean, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.heartbeat import HeartbeatScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.changes import change_cells, change_columns
from healthdesk.tui.view.connection import (
    connection_card,
    connection_facts,
    connection_head,
    heartbeat_cells,
    heartbeat_columns,
    pinged,
)
from healthdesk.tui.view.credentials import why_not_put_back
from healthdesk.tui.view.evidence import evidence_lines
from healthdesk.tui.view.words import connection_label
from healthdesk.tui.widgets.lines import Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

HEARTBEATS, EVIDENCE, CHANGES, DETAILS = TABS = ("Heartbeats", "Evidence", "Changes", "Details")
REGIONS = {HEARTBEATS: "heartbeats-region", CHANGES: "changes-region"}
"""Tabs that are lists; the others are a pane."""
CARD_FRAME = 4
TALL = 36
"""From how many lines on the card stays beside a tab that is read."""
NO_HEARTBEAT = (line("  No heartbeat yet. ", key("c"), " checks it now."),)
NO_PING = (line("  No ping came yet."),)
NO_CHANGE = (line("  Its state has not changed yet."),)


class ConnectionScreen(WindowScreen):
    """Opened from Connections."""

    CONTEXT = "connection"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection"})
    detail: ConnectionDetail | None

    def __init__(self, key: str, *, tab: str = HEARTBEATS) -> None:
        super().__init__(key)
        self.tab = tab

    def body(self) -> Iterable[Widget]:
        """Verdict, card, tabs, the chosen tab."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        card = Lines(ascii_only=self.ascii_only, id="card", classes="card")
        card.border_title = "Connection"
        yield card
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        beats = WindowTable(
            heartbeat_columns(self.view()),
            lambda beat: heartbeat_cells(beat, self.view()),
            lambda beat: str(beat.id),
            ascii_only=self.ascii_only,
            id="heartbeats",
        )
        changes = WindowTable(
            change_columns(self.view()),
            lambda change: change_cells(change, self.view()),
            lambda change: str(change.id),
            ascii_only=self.ascii_only,
            id="changes",
        )
        yield self._region(HEARTBEATS, beats, self.fetch, NO_HEARTBEAT)
        yield self._region(CHANGES, changes, self.fetch_changes, NO_CHANGE)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")

    def _region(self, tab: str, table: WindowTable, fetch: Fetch, empty: Iterable[Line]) -> ListRegion:
        region = ListRegion(table, ascii_only=self.ascii_only, id=REGIONS[tab])
        self.add_list(Listing(region, fetch, empty=list(empty)))
        return region

    def load(self) -> None:
        """Read for the first time; the tabs are there at once."""
        self._show_tab()
        super().load()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Connections › {self.item_name() or self.key}"

    async def read(self) -> ConnectionDetail:
        """Read the connection, its evidence, and its push heartbeat where it has one."""
        return await read_connection(self.client, self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Heartbeat]:  # noqa: ARG002 - one direction only
        """Read a page of its checks."""
        return await self.client.connection_heartbeats(self.key, after=after, limit=limit)

    async def fetch_changes(
        self,
        after: str | None,
        limit: int,
        direction: Direction,  # noqa: ARG002 - one direction only
    ) -> Page[Transition]:
        """Read a page of the changes of its state."""
        return await self.client.connection_transitions(self.key, after=after, limit=limit)

    # What is shown

    @property
    def connection(self) -> Connection | None:
        """The connection, once it is read."""
        return self.detail.connection if self.detail is not None else None

    def head_lines(self) -> Iterable[Line]:
        """The verdict."""
        if self.detail is None:
            return ()
        return connection_head(self.detail.connection, self.view(), self.detail.evidence)

    def show_detail(self) -> None:
        """Show the card and the chosen tab."""
        if self.detail is None:
            return
        connection = self.detail.connection
        card = self.query_one("#card", Lines)
        title = clean(f"{connection.name} · {connection.owner}", ascii_only=self.ascii_only)
        card.border_title = title.replace("[", "\\[")
        card.set_class(connection.state is ConnectionState.FAILING, f"-{Tone.BAD}")
        width = max(40, self.size.width - CARD_FRAME)
        self.lists[REGIONS[HEARTBEATS]].empty = NO_PING if pinged(connection) else NO_HEARTBEAT
        card.show(connection_card(connection, self.view(), ping=self.detail.ping, width=width))
        self._show_tab()

    def _show_tab(self) -> None:
        self.query_one("#tabs", TabLine).show([Tab(name, name) for name in TABS], self.tab)
        for tab, region in REGIONS.items():
            self.query_one(f"#{region}").display = tab == self.tab
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab not in REGIONS
        # Details say all that the card does, and evidence needs its room.
        self.query_one("#card").display = self.tab in REGIONS or self.size.height >= TALL
        if pane.display:
            pane.show(self._tab_lines(self.tab))

    def _tab_lines(self, tab: str) -> list[Line]:
        if self.detail is None:
            return []
        if tab == EVIDENCE:
            why = self.detail.connection.explanation
            width = self.size.width - CARD_FRAME
            return evidence_lines(self.detail.evidence, self.view(), width, said=why.sentence if why else "")
        return connection_facts(self.detail.connection, self.view(), self.detail.ping)

    def on_resize(self) -> None:
        """Lay card and evidence out anew."""
        if self.is_mounted:
            self.show_detail()

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in TABS:
            message.stop()
            self.choose(message.name)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._show_tab()
        if tab in REGIONS:
            self.lists[REGIONS[tab]].table.focus()
        else:
            pane = self.query_one("#pane", Pane)
            pane.scroll_home(animate=False)
            pane.focus()
        self.show_keys()

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self.choose(TABS[(TABS.index(self.tab) + 1) % len(TABS)])

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self.choose(TABS[(TABS.index(self.tab) - 1) % len(TABS)])

    # What can be done

    def item_name(self) -> str:
        """The connection."""
        connection = self.connection
        if connection is None:
            return ""
        label = connection_label(connection.app_name, connection.name, "")
        return f"{connection.app_name} · {label}" if label else connection.app_name

    def beat(self) -> Heartbeat | None:
        """Return the check under the cursor, in the tab that has them."""
        if self.tab != HEARTBEATS:
            return None
        found: Heartbeat | None = self.lists[REGIONS[HEARTBEATS]].table.current
        return found

    def refuses(self, action_id: str) -> str:
        """What does not apply says why."""
        if action_id == "open" and self.beat() is None:
            return "there is no check under the cursor; the Heartbeats tab has them"
        connection = self.connection
        if connection is None:
            return ""
        if action_id == "check" and pinged(connection):
            return "it is not called: its pings decide its health"
        if action_id == "put_back":
            return why_not_put_back(connection.previous_until, self.view())
        if action_id == "accept" and not connection.drift:
            return "account, site and scopes are those it was connected with"
        if action_id == "ping" and connection.heartbeat is not None:
            return "it is called: its own heartbeat decides its health"
        if action_id in ("new_address", "remove_ping") and (self.detail is None or self.detail.ping is None):
            return "it has no push heartbeat"
        return ""

    def off_footer(self) -> frozenset[str]:
        """There is something to open in one tab only; what is in the menu leaves room for the way back."""
        return frozenset({"edit"} if self.tab == HEARTBEATS else {"open"})

    def do_open(self) -> None:
        """Read a check whole."""
        beat = self.beat()
        if beat is not None:
            self.app.push_screen(HeartbeatScreen(self.key, beat.id, name=self.item_name()))

    def do_check(self) -> None:
        """Check now."""
        self.flow(check_now(self, self.key))

    def do_credentials(self) -> None:
        """Enter new credentials."""
        self.flow(update_credentials(self, self.key), asks=True)

    def do_put_back(self) -> None:
        """Use the credentials before the last update again."""
        self.flow(put_back(self, self.key), asks=True)

    def do_accept(self) -> None:
        """Take account, site and scopes as they are now."""
        if self.connection is not None:
            self.flow(accept_drift(self, self.connection), asks=True)

    def do_expiry(self) -> None:
        """Enter when the credentials end."""
        self.flow(enter_expiry(self, self.key), asks=True)

    def do_ping(self) -> None:
        """Say when pings are expected."""
        if self.detail is not None:
            self.flow(set_ping(self, self.key, self.detail.ping), asks=True)

    def do_new_address(self) -> None:
        """Make a new address for the pings."""
        self._with_ping(new_address)

    def do_remove_ping(self) -> None:
        """Expect no pings any more."""
        self._with_ping(remove_ping)

    def _with_ping(self, does: Any) -> None:
        if self.detail is not None and self.detail.ping is not None:
            self.flow(does(self, self.detail.ping), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(edit_connection(self, self.key), asks=True)

    def do_disconnect(self) -> None:
        """End it."""
        self.flow(disconnect(self, self.key), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy its facts; in the Evidence tab the evidence."""
        if self.detail is None:
            return []
        shown = self.tab if self.tab == EVIDENCE else DETAILS
        return [*self.head_lines(), (), *self._tab_lines(shown)]
