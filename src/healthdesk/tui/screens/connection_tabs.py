"""The tabs in the window of a connection: tasks, proof syncs, heartbeats, evidence, changes and details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.connections import Heartbeat
from healthdesk.api.health import Transition
from healthdesk.api.instances import Instance
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.tui.format import Line, Tone, dim, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.connection_rows import PROOF, ROW_REGIONS, ROWS, TASKS, ConnectionRows
from healthdesk.tui.view.changes import change_cells, change_columns
from healthdesk.tui.view.connection import connection_facts, heartbeat_cells, heartbeat_columns, pinged
from healthdesk.tui.view.evidence import evidence_lines
from healthdesk.tui.view.instances import (
    PROOF_COLUMNS,
    TASK_COLUMNS,
    instance_explain,
    proof_cells,
    task_cells,
)
from healthdesk.tui.widgets.cards import Cards
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

HEARTBEATS, EVIDENCE, CHANGES, DETAILS = "Heartbeats", "Evidence", "Changes", "Details"
OF_ONE = (HEARTBEATS, EVIDENCE, CHANGES, DETAILS)
"""Tabs that are about one connection: the one whose card had the focus last."""
REGIONS = {
    **ROW_REGIONS,
    HEARTBEATS: "heartbeats-region",
    CHANGES: "changes-region",
}
"""Tabs that are lists; the others are a pane."""
LOW_EXPLANATION = 3
"""Lines that explain a row on a low screen, where the table is short already; `E` shows the whole error."""
TALL = 36
"""From how many lines on cards say more, and stay beside a tab that is read."""
NO_HEARTBEAT = (line("  No heartbeat yet. ", key("c"), " checks it now."),)
NO_PING = (line("  No ping came yet."),)
NO_CHANGE = (line("  Its state has not changed yet."),)
NO_TASK = (
    line("  No tasks yet."),
    line(dim("  A task with this integration creates its issue here and follows it.")),
)
NO_PROOF = (
    line("  No proof syncs yet."),
    line(dim("  A proof sync collects a dataset on a schedule, under a label or control.")),
)


class ConnectionTabs(ConnectionRows):
    """A table of tasks or proof syncs is about the account; the other tabs about the card that had the focus last."""

    REGIONS: ClassVar[Mapping[str, str]] = REGIONS

    def body(self) -> Iterable[Widget]:
        """Verdict, cards, tabs, the chosen tab, what explains its row."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Cards(ascii_only=self.ascii_only, id="cards")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        yield Lines(ascii_only=self.ascii_only, id="totals")
        view = self.view
        tables = {
            TASKS: WindowTable(TASK_COLUMNS, lambda row: task_cells(row, view()), _id, ascii_only=self.ascii_only, id="tasks"),
            PROOF: WindowTable(PROOF_COLUMNS, lambda row: proof_cells(row, view()), _id, ascii_only=self.ascii_only, id="proof"),
            HEARTBEATS: WindowTable(heartbeat_columns(view()), lambda row: heartbeat_cells(row, view()), _id, ascii_only=self.ascii_only, id="heartbeats"),
            CHANGES: WindowTable(change_columns(view()), lambda row: change_cells(row, view()), _id, ascii_only=self.ascii_only, id="changes"),
        }  # fmt: skip
        sources: dict[str, tuple[Fetch, Iterable[Line]]] = {
            TASKS: (partial(self.fetch_rows, InstanceKind.TASK), NO_TASK),
            PROOF: (partial(self.fetch_rows, InstanceKind.PROOF), NO_PROOF),
            HEARTBEATS: (self.fetch, NO_HEARTBEAT),
            CHANGES: (self.fetch_changes, NO_CHANGE),
        }
        for tab, table in tables.items():
            fetch, empty = sources[tab]
            region = ListRegion(table, ascii_only=self.ascii_only, id=REGIONS[tab])
            region.display = False
            self.add_list(
                Listing(
                    region,
                    fetch,
                    empty=list(empty),
                    empty_filter=self.nothing_shown if tab in ROWS else None,
                    filtered=lambda: self.narrows,
                )
            )
            yield region
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        yield Ruler(ascii_only=self.ascii_only, id="above-explain")
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def load(self) -> None:
        """Read the account first: it says which tabs there are, and what their lists ask for."""
        for name in ("#pane", "#totals", "#above-explain", "#explain"):
            self.query_one(name).display = False
        self.load_detail()

    def reload(self) -> None:
        """Read again, the lists as far as they were shown."""
        for listing in self.lists.values():
            if listing.table.window.loaded or listing.error is not None:
                self.refresh_list(listing)
        self.reload_detail()

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Heartbeat]:  # noqa: ARG002 - one direction only
        """Read a page of the checks of the chosen connection."""
        return await self.client.connection_heartbeats(self.chosen, after=after, limit=limit)

    async def fetch_changes(
        self,
        after: str | None,
        limit: int,
        direction: Direction,  # noqa: ARG002 - one direction only
    ) -> Page[Transition]:
        """Read a page of the changes of its state."""
        return await self.client.connection_transitions(self.chosen, after=after, limit=limit)

    @property
    def tabs(self) -> list[str]:
        """The tabs there are: of tasks and proof syncs where an integration makes some."""
        view = self.detail.view if self.detail is not None else None
        tasks = [TASKS] if view is not None and view.tasks is not None else []
        proof = [PROOF] if view is not None and view.proof is not None else []
        return [*tasks, *proof, *(OF_ONE if self.detail is None or self.detail.cards else ())]

    @property
    def context(self) -> str:
        """The rows where their table has the focus, else the connection."""
        rows = ROWS.get(self.tab)
        on_table = rows is not None and self.focused is self.lists[REGIONS[self.tab]].table
        return rows[1] if rows is not None and on_table else self.CONTEXT

    def show_around(self) -> None:
        """Show what stands above the tabs."""
        raise NotImplementedError

    def show_tab(self) -> None:
        """Show the chosen tab, and read it where it was not yet."""
        self.query_one("#tabs", TabLine).show([self._tab_of(name) for name in self.tabs], self.tab)
        for tab, region in REGIONS.items():
            self.query_one(f"#{region}").display = tab == self.tab
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab not in REGIONS
        for name in ("#totals", "#above-explain", "#explain"):
            self.query_one(name).display = self.tab in ROWS
        if pane.display:
            pane.show(self.tab_lines(self.tab))
        else:
            listing = self.lists[REGIONS[self.tab]]
            if self.tab == HEARTBEATS and self.connection is not None:
                listing.empty = NO_PING if pinged(self.connection) else NO_HEARTBEAT
            if not listing.table.window.loaded:
                listing.table.ask()
        self._explain()
        self.show_totals()

    def _tab_of(self, name: str) -> Tab:
        totals = self.totals_of(name)
        if totals is None:
            return Tab(name, name)
        return Tab(name, name, f"{totals.total:,}", Tone.BAD if totals.failed else Tone.PLAIN)

    def tab_lines(self, tab: str) -> list[Line]:
        """Return a tab that is no list."""
        card = self.card
        if card is None:
            return []
        if tab == EVIDENCE:
            why = card.connection.explanation
            width = self.size.width - 4
            return evidence_lines(card.evidence, self.view(), width, said=why.sentence if why else "")
        return connection_facts(card.connection, self.view(), card.ping)

    def cursor_moved(self, row: object) -> None:  # noqa: ARG002 - of several tables the one in sight counts
        """Explain the task or proof sync under the cursor."""
        self._explain()

    def _explain(self) -> None:
        row = self.row()
        told = instance_explain(row, self.view()) if row is not None else ()
        explained = self.query_one("#explain", Explanation)
        explained.most = Explanation.MOST if self.size.height >= TALL else LOW_EXPLANATION
        explained.explain(told)

    # Moving

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self.show_around()
        self.show_tab()
        self.focus_tab()

    def begin_again(self, *tabs: str) -> None:
        """Forget the rows of these tabs: they are those of another connection, or under another filter."""
        for tab in tabs:
            listing = self.lists[REGIONS[tab]]
            listing.error = None
            if listing.table.window.loaded and tab == self.tab:
                listing.table.start()
            else:
                listing.table.window.reset()

    def beat(self) -> Heartbeat | None:
        """Return the check under the cursor, in the tab that has them."""
        if self.tab != HEARTBEATS:
            return None
        found: Heartbeat | None = self.lists[REGIONS[HEARTBEATS]].table.current
        return found


def _id(row: Instance | Heartbeat | Transition) -> str:
    return str(row.id)
