"""Problems: failures folded by cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.domain.states import ProblemState
from healthdesk.domain.units import RECORD, noun
from healthdesk.tui.flows.problems import acknowledge, mute, resolve
from healthdesk.tui.format import Line, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.area import AreaScreen
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.jobs_shown import JobsShown
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.view.filters import problem_chips, problem_states
from healthdesk.tui.view.problems import PROBLEM_COLUMNS, problem_cells, problem_explain, problem_preview
from healthdesk.tui.widgets.filter_bar import Chip
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (line("  No problems. Everything that was sent arrived, or is still being tried."),)


class ProblemsScreen(JobsShown, AreaScreen):
    """Area 2."""

    CONTEXT = "problems"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"problem"})
    PREVIEWS = True
    noun = "problems"

    def over_list(self) -> Iterable[Widget]:
        """The job under way."""
        yield self.job_line()

    def chips(self) -> list[Chip]:
        """State."""
        return problem_chips()

    def make_listing(self) -> Listing:
        """Problems of the filter."""
        table = WindowTable(
            PROBLEM_COLUMNS,
            lambda problem: problem_cells(problem, self.view()),
            lambda problem: str(problem.id),
            ascii_only=self.ascii_only,
            id="problems",
        )
        return Listing(
            self.make_region(table, "problems-region"),
            self.fetch,
            empty=EMPTY,
            empty_filter=lambda: [
                line(f"  No problems are {self.values.get('state')}."),
                line("  ", key("backspace"), dim(" clears the filter")),
            ],
            filtered=lambda: self.bar.narrows,
        )

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[ProblemRow]:  # noqa: ARG002 - one direction only
        """Read a page of problems."""
        return await self.client.problems_list(states=problem_states(self.values), after=after, limit=limit)

    def explain(self, row: ProblemRow) -> Iterable[Line]:
        """How much, whose fault, what next."""
        return problem_explain(row, self.view())

    async def read_detail(self, key: str) -> ProblemDetail:
        """Read the evidence."""
        return await self.client.problem(key)

    def detail_lines(self, detail: ProblemDetail) -> Iterable[Line]:
        """The evidence."""
        return problem_preview(detail, self.view())

    def item_name(self) -> str:
        """Where and what."""
        row = self.listing.table.current
        if self.shown_job is not None or row is None:
            return super().item_name()
        return f"{row.where}: {row.cause}"[:60]

    def refuses(self, action_id: str) -> str:
        """A problem that is closed is not taken."""
        row = self.listing.table.current
        asked = row is not None and self.shown_job is None
        return (problem_refusal(action_id, row) if asked else "") or super().refuses(action_id)

    def do_open(self) -> None:
        """Open the problem."""
        self.app.push_screen(ProblemScreen(self.item().id))

    def do_connection(self) -> None:
        """Open the connection whose failure it is."""
        self.app.push_screen(ConnectionScreen(self.item().connection_id))

    def do_ack(self) -> None:
        """Take it."""
        self.flow(acknowledge(self, self.item()))

    def do_mute(self) -> None:
        """Silence it, or not any more."""
        self.flow(mute(self, self.item()))

    def do_resolve(self) -> None:
        """Close it."""
        self.flow(resolve(self, self.item()), asks=True)

    def do_log(self) -> None:
        """Show its records."""
        row = self.item()
        self.desk.show_log({"problem": row.id}, {"problem": row.cause})

    def do_fix(self) -> None:
        """Change what is sent of all its records, and resend them."""
        row = self.item()
        self.app.push_screen(FixScreen(row.sample_record_id, problem=row))


def problem_refusal(action_id: str, problem: ProblemRow) -> str:
    """Return why something is not done with a problem, or an empty string."""
    if action_id in ("ack", "mute", "resolve") and problem.state is ProblemState.RESOLVED:
        return "it is resolved"
    if action_id == "ack" and problem.state is ProblemState.ACKNOWLEDGED:
        return f"{problem.acknowledged_by or 'somebody'} has it already"
    if action_id == "connection" and not problem.connection_id:
        return "it is not that of one connection"
    if action_id == "fix" and not problem.sample_record_id:
        return "it has no sample record"
    if action_id in ("log", "resend_all", "fix") and problem.unit != RECORD:
        return f"it holds up {noun(problem.unit, 2)}, no records"
    if action_id in ("log", "resend_all") and problem.total == 0 and problem.held == 0:
        return "it holds up no record"
    if action_id in ("resend_all", "fix") and problem.count == 0:
        return "it holds up no record"
    return ""
