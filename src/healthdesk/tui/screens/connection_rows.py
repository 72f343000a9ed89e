"""The tables of tasks and proof syncs in the window of a connection: what they ask for, and what narrows them."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, InstanceTotals
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.tui.flows.finding import ask_words
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.screens.connection_acts import PROOF_ROW, TASK_ROW, ConnectionActs
from healthdesk.tui.view.account import SHOWN, none_shown, totals_line
from healthdesk.tui.view.instances import instance_wanted
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.window import Direction

TASKS, PROOF = "Tasks", "Proof syncs"
ROWS = {TASKS: (InstanceKind.TASK, TASK_ROW), PROOF: (InstanceKind.PROOF, PROOF_ROW)}
"""The tabs whose rows are instances, and what the registry calls these."""
ROW_REGIONS = {TASKS: "tasks-region", PROOF: "proof-region"}


class ConnectionRows(ConnectionActs):
    """Both tables are narrowed alike: by the quick filter, and by words of the name."""

    shown = ""
    """Which rows are shown: all, failed or blocked ones."""
    words = ""
    """What their names have in them."""

    @property
    def narrows(self) -> bool:
        """Whether not all rows are shown."""
        return bool(self.shown or self.words)

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
        wanted = instance_wanted(self.detail.view, kind, self.shown, self.words)
        return await self.client.instances_list(wanted, after=after, limit=limit)

    def row(self) -> Instance | None:
        """Return the task or proof sync under the cursor."""
        found: Instance | None = None
        if self.tab in ROWS:
            found = self.lists[ROW_REGIONS[self.tab]].table.current
        return found

    def totals_of(self, tab: str) -> InstanceTotals | None:
        """Return how many a tab has, None for one that is about something else."""
        if self.detail is None or tab not in ROWS:
            return None
        return self.detail.view.tasks if tab == TASKS else self.detail.view.proof

    def show_totals(self) -> None:
        """Say how many there are, how many of them failed, and which are shown."""
        totals = self.totals_of(self.tab)
        if totals is not None:
            told = totals_line(totals, self.shown, self.size.width - 2, self.words)
            self.query_one("#totals", Lines).show([told])

    def nothing_shown(self) -> list[Line]:
        """Return what is said where the filter leaves nothing."""
        return [line(f"  {none_shown(self.shown, self.words)} ", key("backspace"), " shows all again")]

    def begin_again(self, *tabs: str) -> None:
        """Forget the rows of these tabs."""
        raise NotImplementedError

    def do_failed(self) -> None:
        """Show the failed ones only, then the blocked ones, then all."""
        choices = list(SHOWN)
        self._narrow(choices[(choices.index(self.shown) + 1) % len(choices)], self.words)

    def do_filter(self) -> None:
        """Show those only whose names have some words in them."""
        self.flow(self._ask_words(), asks=True)

    async def _ask_words(self) -> str:
        words = await ask_words(self, self.tab, self.words)
        if words is not None and words != self.words:
            self._narrow(self.shown, words)
        return ""

    def do_clear(self) -> None:
        """Show all again."""
        self._narrow("", "")

    def _narrow(self, shown: str, words: str) -> None:
        self.shown, self.words = shown, words
        self.begin_again(*ROWS)
        self.show_totals()
        self.show_keys()
