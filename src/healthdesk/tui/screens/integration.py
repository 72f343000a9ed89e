"""The window of a delivery integration: environments, totals, its problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.integrations import Integration
from healthdesk.api.problems import ProblemRow
from healthdesk.tui.flows.channels import add_notifications
from healthdesk.tui.flows.connections import choose_connection, pause_or_resume
from healthdesk.tui.format import Line, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.filters import SHOWN_PROBLEMS
from healthdesk.tui.view.integration import integration_head
from healthdesk.tui.view.problems import PROBLEM_COLUMNS, problem_cells
from healthdesk.tui.widgets.lines import Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction


class IntegrationScreen(WindowScreen):
    """Opened from Connections."""

    CONTEXT = "integration"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"integration", "problem", "record", "source"})
    detail: Integration | None

    def body(self) -> Iterable[Widget]:
        """Environments, then recent problems."""
        table = WindowTable(
            PROBLEM_COLUMNS,
            lambda problem: problem_cells(problem, self.view()),
            lambda problem: str(problem.id),
            ascii_only=self.ascii_only,
            id="integration-problems",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="integration-problems-region")
        self.add_list(Listing(region, self.fetch, empty=[line("  No problems.")]))
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield region

    def crumbs(self) -> str:
        """Where you are."""
        return f"Connections › {self.detail.name if self.detail else self.key}"

    async def read(self) -> Integration:
        """Read the integration."""
        return await self.client.integration(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[ProblemRow]:  # noqa: ARG002 - one direction only
        """Read a page of its problems, the resolved ones too."""
        return await self.client.problems_list(
            states=SHOWN_PROBLEMS, integration_id=self.key, after=after, limit=limit
        )

    def head_lines(self) -> Iterable[Line]:
        """Environments and totals."""
        return integration_head(self.detail) if self.detail else ()

    def item_name(self) -> str:
        """The integration."""
        return self.detail.name if self.detail else ""

    def refuses(self, action_id: str) -> str:
        """A problem is opened only when there is one."""
        if action_id == "open" and self.lists["integration-problems-region"].table.current is None:
            return "it has no problems"
        return ""

    def do_open(self) -> None:
        """Open the problem under the cursor."""
        self.app.push_screen(ProblemScreen(self.lists["integration-problems-region"].table.current.id))

    def do_connection(self) -> None:
        """Open the connection it delivers on."""
        self.flow(self._open_connection(), asks=True)

    async def _open_connection(self) -> str:
        connection_id = await choose_connection(self, self.key)
        if connection_id:
            await self.app.push_screen(ConnectionScreen(connection_id))
        return ""

    def do_pause(self) -> None:
        """Pause or resume."""
        self.flow(pause_or_resume(self, self.key), asks=True)

    def do_notify(self) -> None:
        """Alert a channel of its failures."""
        self.flow(add_notifications(self, self.key, self.detail.name if self.detail else self.key), asks=True)

    def do_log(self) -> None:
        """Show its records."""
        name = self.detail.name if self.detail else self.key
        self.desk.show_log({"integration": self.key}, {"integration": name})

    def copy_lines(self) -> list[Line]:
        """Copy its facts."""
        return integration_head(self.detail) if self.detail else []
