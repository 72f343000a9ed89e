"""The window of a connection: verdict, cards, and in tabs its tasks, proof syncs, heartbeats, evidence, changes and details."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.connections import Heartbeat
from healthdesk.api.health import Transition
from healthdesk.api.instances import Instance, InstanceTotals
from healthdesk.domain.states import ConnectionState, InstanceKind
from healthdesk.tui.account_detail import AccountDetail, CardDetail, read_account
from healthdesk.tui.flows.other_connections import choose_other
from healthdesk.tui.format import Line, Tone, dim, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.connection_acts import PROOF_ROW, TASK_ROW, ConnectionActs
from healthdesk.tui.screens.heartbeat import HeartbeatScreen
from healthdesk.tui.view.account import SHOWN, account_head, card_lines, card_title, totals_line
from healthdesk.tui.view.changes import change_cells, change_columns
from healthdesk.tui.view.connection import (
    connection_card,
    connection_facts,
    heartbeat_cells,
    heartbeat_columns,
    pinged,
)
from healthdesk.tui.view.evidence import evidence_lines
from healthdesk.tui.view.instances import (
    PROOF_COLUMNS,
    TASK_COLUMNS,
    instance_explain,
    instance_wanted,
    proof_cells,
    task_cells,
)
from healthdesk.tui.widgets.cards import Card, Cards, Face
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

TASKS, PROOF, HEARTBEATS, EVIDENCE, CHANGES, DETAILS = (
    "Tasks",
    "Proof syncs",
    "Heartbeats",
    "Evidence",
    "Changes",
    "Details",
)
OF_ONE = (HEARTBEATS, EVIDENCE, CHANGES, DETAILS)
"""Tabs that are about one connection: the one whose card had the focus last."""
REGIONS = {
    TASKS: "tasks-region",
    PROOF: "proof-region",
    HEARTBEATS: "heartbeats-region",
    CHANGES: "changes-region",
}
"""Tabs that are lists; the others are a pane."""
ROWS = {TASKS: (InstanceKind.TASK, TASK_ROW), PROOF: (InstanceKind.PROOF, PROOF_ROW)}
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


class ConnectionScreen(ConnectionActs):
    """Opened from Connections with `own`: the account, with the operator's connection; else that very connection."""

    CONTEXT = "connection"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection", "instance", "task", "integration"})
    AUTO_FOCUS = ""

    def __init__(self, key: str, *, own: bool = False) -> None:
        super().__init__(key)
        self.own = own
        self.tab = ""
        self.chosen = key
        self.shown = ""
        """Which rows are shown: all, failed or blocked ones."""

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
                    empty_filter=self._nothing_shown if tab in ROWS else None,
                    filtered=lambda: bool(self.shown),
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

    def crumbs(self) -> str:
        """Where you are."""
        if self.detail is None:
            return f"Connections › {self.key}"
        account = self.detail.view
        if len(self.detail.cards) == 1 and TASKS not in self.tabs and PROOF not in self.tabs:
            return f"Connections › {self.item_name()}"
        return f"Connections › {account.app_name}" + (f" · {account.account}" if account.account else "")

    async def read(self) -> AccountDetail:
        """Read the account with its cards."""
        return await read_account(self.client, self.key, own=self.own)

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

    async def fetch_rows(
        self,
        kind: InstanceKind,
        after: str | None,
        limit: int,
        direction: Direction,  # noqa: ARG002 - one direction only
    ) -> Page[Instance]:
        """Read a page of tasks or proof syncs."""
        if self.detail is None:
            return Page[Instance](items=[])
        wanted = instance_wanted(self.detail.view, kind, self.shown)
        return await self.client.instances_list(wanted, after=after, limit=limit)

    # What is shown

    @property
    def tabs(self) -> list[str]:
        """The tabs there are: of tasks and proof syncs where an integration makes some."""
        view = self.detail.view if self.detail is not None else None
        tasks = [TASKS] if view is not None and view.tasks is not None else []
        proof = [PROOF] if view is not None and view.proof is not None else []
        return [*tasks, *proof, *OF_ONE]

    @property
    def context(self) -> str:
        """The rows where their table has the focus, else the connection."""
        rows = ROWS.get(self.tab)
        on_table = rows is not None and self.focused is self.lists[REGIONS[self.tab]].table
        return rows[1] if rows is not None and on_table else self.CONTEXT

    def row(self) -> Instance | None:
        """Return the task or proof sync under the cursor."""
        found: Instance | None = self.lists[REGIONS[self.tab]].table.current if self.tab in ROWS else None
        return found

    def head_lines(self) -> Iterable[Line]:
        """The verdict on the worst of the connections."""
        if self.detail is None:
            return ()
        worst = self.detail.worst
        return account_head(
            self.view(),
            self.detail.view,
            worst.connection,
            worst.evidence,
            self.detail.others,
            short=self.size.height < TALL and (not self.tab or self.tab in ROWS),
        )

    def show_detail(self) -> None:
        """Show cards and tabs; the first time choose one."""
        if self.detail is None or not self.detail.cards:
            return
        if self.detail.card(self.chosen) is None:
            self.chosen = self.detail.worst.connection.id
            self._begin_again(HEARTBEATS, CHANGES)
        first = not self.tab
        if self.tab not in self.tabs:
            self.tab = self.tabs[0]
        self.query_one("#head", Lines).show(self.head_lines())
        self._show_cards()
        self._show_tab()
        if first:
            self._focus_tab()

    def _show_cards(self) -> None:
        if self.detail is None:
            return
        cards = self.query_one("#cards", Cards)
        # Details say all that the cards do, and evidence needs its room.
        cards.display = self.tab in REGIONS or self.size.height >= TALL
        cards.show([self._face(each, cards) for each in self.detail.cards])

    def _face(self, shown: CardDetail, cards: Cards) -> Face:
        connection, view = shown.connection, self.view()
        count = len(self.detail.cards) if self.detail is not None else 1
        width = cards.width_of_each(count)
        tall = self.size.height >= TALL
        alone = count == 1 and (tall or self.tabs == list(OF_ONE))
        title = card_title(shown.card)
        if alone:
            lines = connection_card(
                connection, view, ping=shown.ping, width=width, connected_on=shown.card.connected_on
            )
            title = f"{connection.name} · {connection.owner}" if self.tabs == list(OF_ONE) else title
        else:
            lines = card_lines(shown.card, view, width, tall=tall)
        broken = connection.state is ConnectionState.FAILING
        return Face(connection.id, title, lines, broken=broken, chosen=connection.id == self.chosen)

    def _show_tab(self) -> None:
        self.query_one("#tabs", TabLine).show([self._tab_of(name) for name in self.tabs], self.tab)
        for tab, region in REGIONS.items():
            self.query_one(f"#{region}").display = tab == self.tab
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab not in REGIONS
        for name in ("#totals", "#above-explain", "#explain"):
            self.query_one(name).display = self.tab in ROWS
        if pane.display:
            pane.show(self._tab_lines(self.tab))
        elif self.connection is not None:
            listing = self.lists[REGIONS[self.tab]]
            if self.tab == HEARTBEATS:
                listing.empty = NO_PING if pinged(self.connection) else NO_HEARTBEAT
            if not listing.table.window.loaded:
                listing.table.ask()
        self._explain()
        self.show_totals()

    def _tab_of(self, name: str) -> Tab:
        totals = self._totals(name)
        if totals is None:
            return Tab(name, name)
        return Tab(name, name, f"{totals.total:,}", Tone.BAD if totals.failed else Tone.PLAIN)

    def _totals(self, tab: str) -> InstanceTotals | None:
        if self.detail is None or tab not in ROWS:
            return None
        return self.detail.view.tasks if tab == TASKS else self.detail.view.proof

    def show_totals(self) -> None:
        """Say how many there are, how many of them failed, and which are shown."""
        totals = self._totals(self.tab)
        if totals is not None:
            told = totals_line(totals, self.shown, self.size.width - 2)
            self.query_one("#totals", Lines).show([told])

    def _tab_lines(self, tab: str) -> list[Line]:
        card = self.card
        if card is None:
            return []
        if tab == EVIDENCE:
            why = card.connection.explanation
            width = self.size.width - 4
            return evidence_lines(card.evidence, self.view(), width, said=why.sentence if why else "")
        return connection_facts(card.connection, self.view(), card.ping)

    def on_resize(self) -> None:
        """Lay cards and evidence out anew."""
        if self.is_mounted:
            self.call_after_refresh(self.show_detail)

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

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in self.tabs:
            message.stop()
            self.choose(message.name)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self.query_one("#head", Lines).show(self.head_lines())
        self._show_cards()
        self._show_tab()
        self._focus_tab()

    def _focus_tab(self) -> None:
        if self.tab in REGIONS:
            self.lists[REGIONS[self.tab]].table.focus()
        else:
            pane = self.query_one("#pane", Pane)
            pane.scroll_home(animate=False)
            pane.focus()
        self.show_keys()

    def _step(self, by: int) -> None:
        tabs = self.tabs
        if self.tab in tabs:
            self.choose(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self._step(1)

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self._step(-1)

    @on(Card.Left)
    def _below(self) -> None:
        self._focus_tab()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The card that has the focus is the one that tabs and keys are about."""
        if isinstance(event.widget, Card) and event.widget.key and event.widget.key != self.chosen:
            self.chosen = event.widget.key
            self._begin_again(HEARTBEATS, CHANGES)
            self._show_cards()
            self._show_tab()
        self.show_keys()

    def _begin_again(self, *tabs: str) -> None:
        """Forget the rows of these tabs: they are those of another connection, or under another filter."""
        for tab in tabs:
            listing = self.lists[REGIONS[tab]]
            listing.error = None
            if listing.table.window.loaded and tab == self.tab:
                listing.table.start()
            else:
                listing.table.window.reset()

    # What can be done

    def beat(self) -> Heartbeat | None:
        """Return the check under the cursor, in the tab that has them."""
        if self.tab != HEARTBEATS:
            return None
        found: Heartbeat | None = self.lists[REGIONS[HEARTBEATS]].table.current
        return found

    def refuses(self, action_id: str) -> str:
        """What does not apply says why."""
        if action_id == "open" and not self.on_rows and self.beat() is None:
            return "there is no check under the cursor; the Heartbeats tab has them"
        if action_id == "failed" and self.tab not in ROWS:
            return "the tabs with tasks and proof syncs are filtered"
        if action_id == "clear" and not self.shown:
            return "no filter is set"
        if action_id == "others" and self.detail is not None and not self.detail.others:
            return "there is no other connection to it"
        return super().refuses(action_id)

    def off_footer(self) -> frozenset[str]:
        """What has nothing to open leaves room for the way back."""
        if self.on_rows:
            return frozenset()
        return frozenset({"edit"} if self.tab == HEARTBEATS else {"open"})

    def do_open(self) -> None:
        """Open the task, or read a check whole."""
        row = self.row() if self.on_rows else None
        beat = self.beat()
        if row is not None:
            self.open_row(row)
        elif beat is not None:
            self.app.push_screen(HeartbeatScreen(self.chosen, beat.id, name=self.item_name()))

    def do_failed(self) -> None:
        """Show the failed ones only, then the blocked ones, then all."""
        choices = list(SHOWN)
        self._narrow(choices[(choices.index(self.shown) + 1) % len(choices)])

    def do_clear(self) -> None:
        """Show all again."""
        self._narrow("")

    def _narrow(self, shown: str) -> None:
        self.shown = shown
        self._begin_again(*ROWS)
        self.show_totals()
        self.show_keys()

    def _nothing_shown(self) -> list[Line]:
        return [line(f"  None is {SHOWN[self.shown]}. ", key("backspace"), dim(" shows all again"))]

    def do_others(self) -> None:
        """Open one of the connections that have no card here."""
        if self.detail is not None:
            self.flow(self._open_other(self.detail), asks=True)

    async def _open_other(self, detail: AccountDetail) -> str:
        chosen = await choose_other(self, detail)
        if chosen:
            await self.app.push_screen(ConnectionScreen(chosen))
        return ""

    def copy_lines(self) -> list[Line]:
        """Copy what explains the row; else the facts of the connection, in the Evidence tab the evidence."""
        row = self.row() if self.on_rows else None
        if row is not None:
            return [line(row.name), *instance_explain(row, self.view())]
        if self.detail is None:
            return []
        shown = self.tab if self.tab == EVIDENCE else DETAILS
        return [*self.head_lines(), (), *self._tab_lines(shown)]


def _id(row: Instance | Heartbeat | Transition) -> str:
    return str(row.id)
