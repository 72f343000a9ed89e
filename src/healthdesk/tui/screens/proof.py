"""The window of a proof sync: what was collected as a table, the difference to the run before, its runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from healthdesk.api.instances import Run
from healthdesk.domain.instance_states import RunOutcome
from healthdesk.tui.flows import exporting, instances
from healthdesk.tui.format import Line, Span, dim, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.dialog import Notice
from healthdesk.tui.screens.error import ErrorPage
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.screens.proof_lists import CONTENTS, DIFFERENCE, LABELS, REGIONS, TABS, ProofLists
from healthdesk.tui.screens.run import RunPage
from healthdesk.tui.view.proof import (
    Row,
    contents_words,
    difference_words,
    label_row_cells,
    proof_head,
    proof_lines,
    row_explain,
    row_lines,
)
from healthdesk.tui.view.runs import run_explain
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Tab, TabLine

FOR_ALL = frozenset({"open", "refresh", "copy", "back", "help", "menu"})
"""What those who are no members may do here."""
WITH_CONTENTS = (RunOutcome.COLLECTED, RunOutcome.UNCHANGED)


class ProofScreen(ProofLists):
    """Opened by View of a proof sync. Those who are no members of its label or control see where to ask."""

    CONTEXT = "proof"

    def load(self) -> None:
        """Read the thing first: only then it is known what of it may be seen."""
        self._lay_out()
        self.load_detail()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Proof › {self.item_name() or self.key}"

    # What is shown

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

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._lay_out()
        shown = self.shown
        (shown.table if shown is not None else self.query_one("#pane", Pane)).focus()
        self.cursor_moved(shown.table.current if shown is not None else None)
        self.show_keys()

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
            self.flow(self.leave_after(instances.delete(self, self.proof)), asks=True)

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
