"""The window of a proof sync: what was collected as a table, the difference to the run before, its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.instances import ColumnView, Contents, Difference, InstanceView, ProofSync, Run
from healthdesk.domain.states import RunOutcome
from healthdesk.tui.flows import exporting, instances
from healthdesk.tui.format import Line, Span, dim, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.dialog import Notice
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.screens.run import RunPage
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.proof import (
    LABEL_COLUMNS,
    Row,
    contents_words,
    data_cells,
    data_columns,
    difference_rows,
    difference_words,
    label_row_cells,
    proof_head,
    proof_lines,
    row_explain,
    row_lines,
    rows_of,
)
from healthdesk.tui.view.runs import run_cells, run_columns, run_explain
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

CONTENTS, DIFFERENCE, RUNS, SETTINGS = TABS = ("Contents", "Difference", "Runs", "Settings")
REGIONS = {CONTENTS: "contents-region", DIFFERENCE: "difference-region", RUNS: "runs-region"}
LABELS = "labels-region"
NOTHING = (line("  Nothing was collected yet. ", key("s"), " collects it now."),)
NO_ROWS = (line("  The run collected no rows: there are none at the app."),)
NO_DIFFERENCE = (line("  Nothing differs from the run before."),)
NO_RUN = (line("  It has not run yet. ", key("s"), " collects it now."),)
NO_LABELS = (line("  There is no label or control yet."),)
FOR_ALL = frozenset({"open", "refresh", "copy", "back", "help", "menu"})
"""What those who are no members may do here."""
WITH_CONTENTS = (RunOutcome.COLLECTED, RunOutcome.UNCHANGED)


class ProofScreen(WindowScreen):
    """Opened by View of a proof sync. Those who are no members of its label or control see where to ask."""

    CONTEXT = "proof"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"instance", "run", "label", "proof"})
    detail: InstanceView | None

    def __init__(self, key: str, *, tab: str = CONTENTS, name: str = "") -> None:
        super().__init__(key)
        self.known_name = name
        self.tab = tab
        self.run: Run | None = None
        """The run whose contents are shown, None for the last one."""
        self.columns: Sequence[ColumnView] = ()
        self.contents: Contents | None = None
        self.difference: Difference | None = None
        self.shown_run_id: str | None = None

    def body(self) -> Iterable[Widget]:
        """Verdict, tabs, the chosen tab, what explains its row."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        rows = self._table([Column("", 8, flex=1)], lambda row: data_cells(row, self.columns), "contents")
        differs = self._table(
            [Column("", 1)], lambda row: data_cells(row, self.columns, marked=True), "difference"
        )
        runs = self._table(run_columns(self.view()), lambda run: run_cells(run, self.view()), "runs", by="id")
        labels = self._table(LABEL_COLUMNS, label_row_cells, "labels", by="")
        yield self._region(rows, REGIONS[CONTENTS], self.fetch, NOTHING)
        yield self._region(differs, REGIONS[DIFFERENCE], self.fetch_difference, NO_DIFFERENCE)
        yield self._region(runs, REGIONS[RUNS], self.fetch_runs, NO_RUN)
        yield self._region(labels, LABELS, self.fetch_labels, NO_LABELS)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def _table(self, columns: Sequence[Column], cells: Any, name: str, *, by: str = "number") -> WindowTable:
        def identify(row: Any) -> str:
            return str(getattr(row, by) if by else row["id"])

        return WindowTable(columns, cells, identify, ascii_only=self.ascii_only, id=name)

    def _region(self, table: WindowTable, name: str, fetch: Fetch, empty: Iterable[Line]) -> ListRegion:
        region = ListRegion(table, ascii_only=self.ascii_only, id=name)
        self.add_list(Listing(region, fetch, empty=list(empty)))
        return region

    def load(self) -> None:
        """Read the thing first: only then it is known what of it may be seen."""
        self._lay_out()
        self.load_detail()

    def refresh_list(self, listing: Listing) -> None:
        """Read again only what has been shown, and of that not what a run collected: it stays as it is, and reading it is noted."""
        kept = listing.id in (REGIONS[CONTENTS], REGIONS[DIFFERENCE]) and listing.error is None
        if not kept and (listing.table.window.loaded or listing.error is not None):
            super().refresh_list(listing)

    def crumbs(self) -> str:
        """Where you are."""
        return f"Proof › {self.item_name() or self.key}"

    # What is read

    async def read(self) -> InstanceView:
        """Read the proof sync, or where to ask."""
        return await self.client.instance_view(self.key)

    @property
    def run_id(self) -> str | None:
        """The run whose contents are shown."""
        if self.run is not None:
            return self.run.id
        return self.proof.last_run_id if self.proof is not None else None

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Row]:  # noqa: ARG002 - one direction only
        """Read a page of what the run collected."""
        run_id = self.run_id
        if run_id is None:
            return Page[Row](items=[])
        contents = await self.client.proof_contents(self.key, run_id, after=after, limit=limit)
        self.contents = contents
        rows = rows_of(contents, int(after or 0))
        if after is None:
            self.lists[REGIONS[CONTENTS]].empty = NO_ROWS
            self._take_columns(CONTENTS, contents.columns, rows)
        return Page[Row](items=rows, next=contents.next)

    async def fetch_difference(self, after: str | None, limit: int, direction: Direction) -> Page[Row]:  # noqa: ARG002 - it comes whole
        """Read what differs from the run before."""
        run_id = self.run_id
        if run_id is None:
            return Page[Row](items=[])
        self.difference = await self.client.proof_difference(self.key, run_id)
        rows = difference_rows(self.difference)
        self.lists[REGIONS[DIFFERENCE]].empty = [(Span("  "), *difference_words(self.difference))]
        self._take_columns(DIFFERENCE, self.difference.columns, rows)
        return Page[Row](items=rows)

    def _take_columns(self, tab: str, columns: Sequence[ColumnView], rows: Sequence[Row]) -> None:
        self.columns = columns
        table = self.lists[REGIONS[tab]].table
        table.columns = data_columns(columns, rows[:200], marked=tab == DIFFERENCE)
        table.on_resize()

    async def fetch_runs(self, after: str | None, limit: int, direction: Direction) -> Page[Run]:  # noqa: ARG002 - one direction only
        """Read a page of its runs."""
        return await self.client.instance_runs(self.key, after=after, limit=limit)

    async def fetch_labels(self, after: str | None, limit: int, direction: Direction) -> Page[Any]:  # noqa: ARG002 - they came with the thing
        """Return labels and controls, for those who are no members."""
        return Page[Any](items=self.detail.labels if self.detail is not None else [])

    # What is shown

    @property
    def proof(self) -> ProofSync | None:
        """The proof sync, once it is read and may be seen."""
        return self.detail.proof if self.detail is not None else None

    def head_lines(self) -> Iterable[Line]:
        """What it is and how it is; or whom to ask."""
        return (
            proof_head(self.detail, self.known_name, self.run, self.view()) if self.detail is not None else ()
        )

    def show_detail(self) -> None:
        """Show the chosen tab; contents anew where there is another run."""
        if self.shown_run_id != self.run_id:
            self.shown_run_id = self.run_id
            for tab in (CONTENTS, DIFFERENCE):
                table = self.lists[REGIONS[tab]].table
                if table.window.loaded:
                    table.start()
        self._lay_out()
        self._focus_list()

    @property
    def shown(self) -> Listing | None:
        """The list that is shown, None in the tab that has none."""
        if self.detail is not None and not self.detail.member:
            return self.lists[LABELS]
        return self.lists.get(REGIONS.get(self.tab, ""))

    def _lay_out(self) -> None:
        member = self.detail is None or self.detail.member
        tabs = self.query_one("#tabs", TabLine)
        tabs.display = member
        tabs.show([Tab(name, name) for name in TABS], self.tab)
        shown = self.shown
        for listing in self.lists.values():
            listing.region.display = listing is shown
        pane = self.query_one("#pane", Pane)
        pane.display = shown is None
        if shown is None and self.proof is not None:
            pane.show(proof_lines(self.proof, self.view()))
        if shown is not None and self.detail is not None and not shown.table.window.loaded:
            shown.table.ask()

    def _focus_list(self) -> None:
        shown = self.shown
        wanted = shown.table if shown is not None else self.query_one("#pane", Pane)
        if self.focused is not wanted:
            self.call_after_refresh(wanted.focus)

    def show_totals(self) -> None:
        """Say what is explained of the list as a whole, where no row is."""
        shown = self.shown
        if shown is not None and shown.table.current is None:
            self.query_one("#explain", Explanation).explain(self._about())

    def _about(self) -> list[Line]:
        if self.tab == DIFFERENCE and self.difference is not None:
            return [difference_words(self.difference)]
        return [line(dim(contents_words(self.contents, self.view())))]

    def cursor_moved(self, row: Any) -> None:
        """Explain the row under the cursor of the list that is shown."""
        row = self.shown.table.current if self.shown is not None else None
        lines: list[Line] = []
        if isinstance(row, Run):
            lines = run_explain(row, self.view())
        elif isinstance(row, Row):
            lines = [row_explain(row, self.columns)[0], *self._about()]
        elif row is not None:
            lines = [line(*label_row_cells(row)[2:])]
        self.query_one("#explain", Explanation).explain(lines)

    def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab was clicked."""
        if message.name in TABS:
            message.stop()
            self.choose(message.name)

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._lay_out()
        shown = self.shown
        (shown.table if shown is not None else self.query_one("#pane", Pane)).focus()
        self.cursor_moved(shown.table.current if shown is not None else None)
        self.show_keys()

    def do_next_tab(self) -> None:
        """Go to the next tab."""
        self.choose(TABS[(TABS.index(self.tab) + 1) % len(TABS)])

    def do_previous_tab(self) -> None:
        """Go to the previous tab."""
        self.choose(TABS[(TABS.index(self.tab) - 1) % len(TABS)])

    # What can be done

    def off_footer(self) -> frozenset[str]:
        """There is nothing to open in the Settings tab; those who are no members may not do much."""
        if self.detail is not None and not self.detail.member:
            return frozenset({"sync", "settings", "export", "next_tab"})
        return frozenset({"open"}) if self.shown is None else frozenset()

    def item_name(self) -> str:
        """The proof sync."""
        return self.proof.name if self.proof is not None else self.known_name

    def ruled_out(self) -> dict[str, str]:
        """What the daemon refuses on it."""
        return self.proof.refused if self.proof is not None else {}

    def refuses(self, action_id: str) -> str:
        """Those who are no members see where to ask, and nothing else."""
        if self.detail is not None and not self.detail.member and action_id not in FOR_ALL:
            return "you are no member of the label or control it is filed under"
        if action_id == "open" and (self.shown is None or self.shown.table.current is None):
            return "there is nothing under the cursor"
        if action_id == "error" and self.proof is not None and not self.proof.error:
            return "there is no error"
        if action_id == "export" and self.run_id is None:
            return "nothing was collected yet"
        return ""

    def do_open(self) -> None:
        """Show a row whole; of a run what it collected, or why it failed."""
        row = self.shown.table.current if self.shown is not None else None
        if isinstance(row, Row):
            self.app.push_screen(
                Notice(f"Row {row.number + 1:,}", row_lines(row, self.columns), ascii_only=self.ascii_only)
            )
        elif isinstance(row, Run) and row.outcome in WITH_CONTENTS:
            self.run = None if self.proof is not None and row.id == self.proof.last_run_id else row
            self.query_one("#head", Lines).show(self.head_lines())
            self.show_detail()
            self.choose(CONTENTS)
        elif row is not None and not isinstance(row, Run):
            self.app.push_screen(LabelScreen(row["id"]))
        elif row is not None:
            self.app.push_screen(RunPage(row, self.view(), ascii_only=self.ascii_only))

    def do_sync(self) -> None:
        """Collect it now."""
        if self.proof is not None:
            self.flow(instances.sync_now(self, self.proof))

    def do_error(self) -> None:
        """Show the whole error."""
        if self.proof is not None:
            self.app.push_screen(ErrorPage(self.proof, ascii_only=self.ascii_only))

    def do_settings(self) -> None:
        """Change what it collects."""
        if self.proof is not None:
            self.flow(instances.settings(self, self.proof), asks=True)

    def do_change_connection(self) -> None:
        """Let it collect with another connection."""
        if self.proof is not None:
            self.flow(instances.change_connection(self, self.proof), asks=True)

    def do_delete(self) -> None:
        """Delete it."""
        if self.proof is not None:
            self.flow(self._delete(self.proof), asks=True)

    async def _delete(self, proof: ProofSync) -> str:
        sentence = await instances.delete(self, proof)
        if sentence:
            self.desk.tell(sentence)
            self.app.pop_screen()
        return ""

    def do_export(self) -> None:
        """Write it to a file."""
        if self.proof is not None and self.run_id is not None:
            self.flow(exporting.export_proof(self, self.proof, self.run_id), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy the row under the cursor; without one everything about the proof sync."""
        row = self.shown.table.current if self.shown is not None else None
        if isinstance(row, Row):
            return row_lines(row, self.columns)
        if isinstance(row, Run):
            return run_explain(row, self.view())
        if self.proof is not None:
            return proof_lines(self.proof, self.view())
        labels = self.detail.labels if self.detail is not None else []
        return [line(*(Span(f"{span.text}  ") for span in label_row_cells(label))) for label in labels]
