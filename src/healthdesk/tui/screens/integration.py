"""The window of a delivery integration: its environments side by side, and in tabs problems, sources and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import events, on
from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.jobs import Job
from healthdesk.api.problems import ProblemRow
from healthdesk.api.sources import Source
from healthdesk.domain.states import CircuitState, Environment
from healthdesk.tui.format import Line, Tone, dim, key, line
from healthdesk.tui.integration_detail import IntegrationDetail, read_integration, read_sources
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.integration_acts import (
    DELIVERY,
    DETAILS,
    PROBLEMS,
    SOURCES,
    TABS,
    IntegrationActs,
)
from healthdesk.tui.screens.jobs_shown import JobsShown
from healthdesk.tui.view.environment import TITLES, environment_card, missing_card
from healthdesk.tui.view.filters import SHOWN_PROBLEMS
from healthdesk.tui.view.integration import integration_facts, integration_verdict, method_lines
from healthdesk.tui.view.problems import PROBLEM_COLUMNS, problem_cells, problem_explain
from healthdesk.tui.view.sources import ENABLED_COLUMNS, enabled_cells, enabled_explain
from healthdesk.tui.widgets.cards import Card, Cards, Face
from healthdesk.tui.widgets.lines import Explanation, Lines, Pane, Ruler, Tab, TabLine
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

REGIONS = {PROBLEMS: "integration-problems-region", SOURCES: "integration-sources-region"}
"""Tabs that are lists; the others are a pane."""
NO_PROBLEM = (line("  No problems."),)
NO_SOURCE = (
    line("  No sources yet. ", key("n"), " adds one."),
    line(dim("  A source is an HRA, a form, an assessment: what records are posted of.")),
)


class IntegrationScreen(JobsShown, IntegrationActs):
    """Opened from Connections and Integrations. Keys act on the environment whose card had the focus last."""

    CONTEXT = "integration"
    TABS: ClassVar[tuple[str, ...]] = TABS
    REGIONS: ClassVar[Mapping[str, str]] = REGIONS
    NOUNS: ClassVar[frozenset[str]] = frozenset({"integration", "problem", "record", "source"})
    AUTO_FOCUS = ""
    tab = PROBLEMS

    def body(self) -> Iterable[Widget]:
        """Verdict, cards, tabs, the chosen tab, what explains its row."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Cards(ascii_only=self.ascii_only, id="cards")
        yield self.job_line()
        yield TabLine(ascii_only=self.ascii_only, id="tabs")
        problems = WindowTable(
            PROBLEM_COLUMNS,
            lambda problem: problem_cells(problem, self.view()),
            lambda problem: str(problem.id),
            ascii_only=self.ascii_only,
            id="integration-problems",
        )
        sources = WindowTable(
            ENABLED_COLUMNS,
            lambda source: enabled_cells(source, self.key, self.view()),
            lambda source: str(source.id),
            ascii_only=self.ascii_only,
            id="integration-sources",
        )
        yield self._region(problems, PROBLEMS, self.fetch_problems, NO_PROBLEM)
        yield self._region(sources, SOURCES, self.fetch_sources, NO_SOURCE)
        yield Pane(ascii_only=self.ascii_only, id="pane", classes="pane")
        yield Ruler(ascii_only=self.ascii_only, id="above-explain")
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def _region(self, table: WindowTable, tab: str, fetch: Any, empty: Iterable[Line]) -> ListRegion:
        region = ListRegion(table, ascii_only=self.ascii_only, id=REGIONS[tab])
        region.display = tab == self.tab
        self.add_list(Listing(region, fetch, empty=list(empty)))
        return region

    def load(self) -> None:
        """Read for the first time; the tabs are there at once."""
        self.query_one("#cards").display = False
        self._show_tab()
        self.load_detail()
        self.read_jobs()
        self.focus_tab()

    def reload(self) -> None:
        """Read again, the lists as far as they were shown."""
        for listing in self.lists.values():
            if listing.table.window.loaded or listing.error is not None:
                self.refresh_list(listing)
        self.reload_detail()
        self.read_jobs()

    def crumbs(self) -> str:
        """Where you are."""
        return f"Connections › {self.item_name() or self.key}"

    def shows_job(self, job: Job) -> bool:
        """Jobs that send records of this integration."""
        return job.integration_id == self.key

    async def read(self) -> IntegrationDetail:
        """Read the integration and its sources."""
        return await read_integration(self.client, self.key)

    async def fetch_problems(self, after: str | None, limit: int, direction: Direction) -> Page[ProblemRow]:  # noqa: ARG002 - one direction only
        """Read a page of its problems, the resolved ones too."""
        return await self.client.problems_list(
            states=SHOWN_PROBLEMS, integration_id=self.key, after=after, limit=limit
        )

    async def fetch_sources(self, after: str | None, limit: int, direction: Direction) -> Page[Source]:  # noqa: ARG002 - one page
        """Read all sources, those that are enabled for it first."""
        found = await read_sources(self.client)
        found.sort(key=lambda each: self.key not in each.integrations)
        return Page[Source](items=found)

    # What is shown

    def head_lines(self) -> Iterable[Line]:
        """The verdict."""
        if self.detail is None:
            return ()
        return integration_verdict(self.detail.integration, self.detail.silent, self.view())

    def show_detail(self) -> None:
        """Show cards and tabs."""
        if self.detail is not None:
            if self.chosen is None:
                self.chosen = self.detail.first
            self._show_cards(self.detail)
        self._show_tab()

    def _show_cards(self, detail: IntegrationDetail) -> None:
        cards = self.query_one("#cards", Cards)
        cards.display = True
        width = cards.width_of_each(len(Environment))
        faces = []
        for which in Environment:
            item = detail.environment(which)
            lines = environment_card(item, self.view(), width) if item is not None else missing_card(which)
            broken = item is not None and item.circuit.state is CircuitState.OPEN
            faces.append(Face(which.value, TITLES[which], lines, broken=broken, chosen=which is self.chosen))
        cards.show(faces)

    def _show_tab(self) -> None:
        self.query_one("#tabs", TabLine).show([self._tab_of(name) for name in self.TABS], self.tab)
        for tab, region in REGIONS.items():
            self.query_one(f"#{region}").display = tab == self.tab
        pane = self.query_one("#pane", Pane)
        pane.display = self.tab not in REGIONS
        for name in ("#above-explain", "#explain"):
            self.query_one(name).display = self.tab in REGIONS
        if pane.display:
            pane.show(self.tab_lines(self.tab))
        else:
            listing = self.lists[REGIONS[self.tab]]
            if not listing.table.window.loaded:
                listing.table.ask()
        self._explain()

    def _tab_of(self, name: str) -> Tab:
        if self.detail is None:
            return Tab(name, name)
        if name == SOURCES:
            silent = bool(self.detail.silent)
            count = f"{'⚠ ' if silent else ''}{self.detail.enabled}/{len(self.detail.sources)}"
            return Tab(name, name, count, Tone.WARN if silent else Tone.PLAIN)
        if name == DELIVERY and self.chosen is not None:
            return Tab(name, f"{name} of {TITLES[self.chosen]}")
        return Tab(name, name)

    def tab_lines(self, tab: str) -> list[Line]:
        """Return a tab that is no list."""
        if self.detail is None or self.chosen is None:
            return []
        if tab == DETAILS:
            return integration_facts(self.detail.integration, self.view())
        item = self.detail.environment(self.chosen)
        return method_lines(item, self.view()) if item is not None else missing_card(self.chosen)

    def cursor_moved(self, row: object) -> None:  # noqa: ARG002 - of several tables the one in sight counts
        """Explain the problem or source under the cursor."""
        self._explain()

    def _explain(self) -> None:
        row = self.row()
        told: Iterable[Line] = ()
        if isinstance(row, ProblemRow):
            told = problem_explain(row, self.view())
        elif isinstance(row, Source):
            told = enabled_explain(row, self.key, self.view())
        self.query_one("#explain", Explanation).explain(told)

    def row(self) -> ProblemRow | Source | None:
        """Return what is under the cursor in a tab that is a list."""
        if self.tab not in REGIONS:
            return None
        found: ProblemRow | Source | None = self.lists[REGIONS[self.tab]].table.current
        return found

    # Moving

    def choose(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        self._show_tab()
        self.focus_tab()

    @on(Card.Left)
    def _below(self) -> None:
        self.focus_tab()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The environment whose card has the focus is the one that keys are about."""
        if isinstance(event.widget, Card) and event.widget.key:
            self.chosen = Environment(event.widget.key)
            if self.detail is not None:
                self._show_cards(self.detail)
            self._show_tab()
        self.show_keys()

    def on_resize(self) -> None:
        """Lay the cards out anew."""
        if self.is_mounted:
            self.call_after_refresh(self.show_detail)

    def copy_lines(self) -> list[Line]:
        """Copy everything about it; the job, while its line has the focus."""
        if self.shown_job is not None or self.detail is None:
            return super().copy_lines()
        return [*self.head_lines(), (), *integration_facts(self.detail.integration, self.view())]
