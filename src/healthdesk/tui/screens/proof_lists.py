"""What the window of a proof sync lists: rows of a run, what differs, runs, and for those who are no members labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.instances import Run
from healthdesk.api.proof import ColumnView, Contents, Difference, InstanceView, ProofSync
from healthdesk.tui.format import Line, Span, key, line
from healthdesk.tui.listing import Fetch, Listing
from healthdesk.tui.screens.tabbed import TabbedWindow
from healthdesk.tui.view.proof import (
    LABEL_COLUMNS,
    Row,
    data_cells,
    data_columns,
    difference_rows,
    difference_words,
    label_row_cells,
    rows_of,
)
from healthdesk.tui.view.runs import run_cells, run_columns
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, TabLine
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


class ProofLists(TabbedWindow):
    """Base of the window: its lists, and how their pages are read."""

    NOUNS: ClassVar[frozenset[str]] = frozenset({"instance", "run", "label", "proof"})
    TABS: ClassVar[tuple[str, ...]] = TABS
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

    @property
    def proof(self) -> ProofSync | None:
        """The proof sync, once it is read and may be seen."""
        return self.detail.proof if self.detail is not None else None

    def refresh_list(self, listing: Listing) -> None:
        """Read again only what has been shown, and of that not what a run collected: it stays as it is, and reading it is noted."""
        kept = listing.id in (REGIONS[CONTENTS], REGIONS[DIFFERENCE]) and listing.error is None
        if not kept and (listing.table.window.loaded or listing.error is not None):
            super().refresh_list(listing)

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
